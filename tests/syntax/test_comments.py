"""Comments that silence: text that looks like one must not."""

import pytest

from yamldag.syntax import parse
from yamldag.syntax.source import Source


def lines(text: str) -> list[int]:
    return [each.line for each in parse.ignores(Source("f.yml", text))]


def test_codes_reason_and_places_are_found() -> None:
    text = "a: 1\nb: 2  # yamldag: ignore[YD801, YD802] it is used elsewhere \n"
    (found,) = parse.ignores(Source("f.yml", text))
    assert (found.line, found.codes, found.why) == (2, ("YD801", "YD802"), "it is used elsewhere")
    assert [text[place.start : place.end] for place in found.places] == ["YD801", "YD802"]
    assert text[found.place.start : found.place.end] == "# yamldag: ignore[YD801, YD802] it is used elsewhere"


@pytest.mark.parametrize(
    "text",
    [
        "# yamldag: ignore[YD801]\n",
        "#yamldag:ignore[YD801]",
        "a: &x # yamldag: ignore[YD801]\n  b",
        "a: | # yamldag: ignore[YD801]\n  b\n",
        "a: [b, # yamldag: ignore[YD801]\n  c]",
        "a: 'b' # why so # yamldag: ignore[YD801]",
        "a: !!str # yamldag: ignore[YD801]\r\n  'b'",
    ],
)
def test_a_comment_is_one_wherever_yaml_has_it(text: str) -> None:
    assert lines(text) == [1]


@pytest.mark.parametrize(
    "text",
    [
        "a: ' # yamldag: ignore[YD801]'",
        'a: " # yamldag: ignore[YD801]"',
        "a: 'b\n  # yamldag: ignore[YD801]\n  c'",
        "a: |\n  # yamldag: ignore[YD801]\n",
        "a: >-\n  b # yamldag: ignore[YD801]\n",
        "a: b#yamldag: ignore[YD801]".replace(": ignore", ":ignore"),
        "' # yamldag: ignore[YD801]': a",
        "a: [\n# yamldag: ignore[YD801]",
        "# yamldag:",
        "a: yamldag",
    ],
)
def test_text_that_looks_like_a_comment_is_none(text: str) -> None:
    assert lines(text) == []


def test_a_comment_after_a_literal_is_one_again() -> None:
    text = "a: |\n  b # yamldag: ignore[YD1]\n\n# yamldag: ignore[YD2]\nc: d # yamldag: ignore[YD3]\n"
    assert [each.codes for each in parse.ignores(Source("f.yml", text))] == [("YD2",), ("YD3",)]


def test_one_without_codes_is_told_apart() -> None:
    (found,) = parse.ignores(Source("f.yml", "# yamldag: ignore everything"))
    assert (found.codes, found.places, found.why) == ((), (), "everything")

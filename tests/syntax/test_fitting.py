"""Values held against users' schemas: the quick answer never contradicts jsonschema's, and formats are checked."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yamldag.syntax import fitting
from yamldag.syntax.formats import FORMATS
from yamldag.syntax.tree import Json

FITTING = {
    "date": ["2024-02-29", "0001-01-01"],
    "date-time": ["2026-01-31T06:00:00Z", "2026-01-31t06:00:00.25+05:30", "1998-12-31T23:59:60Z"],
    "time": ["06:00:00Z", "23:59:59.9-03:30"],
    "duration": ["P1D", "PT1H30M", "P2W", "P1Y2M3DT4H5M6S"],
    "email": ["a@b", "first.last+tag@mail.example.com", "ü@example.com"],
    "hostname": ["localhost", "a-b.example.com", "1.example", "a" * 63 + ".x"],
    "ipv4": ["127.0.0.1", "255.255.255.255"],
    "ipv6": ["::1", "fe80::1", "::ffff:1.2.3.4"],
    "uri": [
        "https://example.com/a?b=c#d",
        "mailto:a@b",
        "s3://bucket/key%20x",
        "http://[::1]:8080/",
        "urn:a:b",
    ],
    "uri-reference": ["", "/a/b", "../x?y", "//host/path", "https://example.com"],
    "uuid": ["01234567-89ab-CDEF-0123-456789abcdef"],
    "regex": ["", "^a(b|c)*$"],
    "json-pointer": ["", "/", "/a~0b/c~1d/0"],
}
OTHERS = {
    "date": ["2026-02-30", "2026-1-1", "20260101", "2026-01-01T00:00:00Z", "", "٢٠٢٦-01-01", "2026-01-01\n"],
    "date-time": [
        "2026-01-31T06:00:00",
        "2026-02-30T06:00:00Z",
        "2026-01-31 06:00:00Z",
        "2026-01-31T24:00:00Z",
    ],
    "time": ["06:00:00", "06:00Z", "25:00:00Z", "06:00:60Z", "06:00:00+24:00"],
    "duration": ["", "P", "PT", "1D", "P1H", "P1W2D", "1h30m", "PT1H\n"],
    "email": ["", "a", "@b", "a@", "a b@c", "a@b@c", "a@b..c", "a@.b"],
    "hostname": ["", "-a", "a-", "a_b", "a..b", ".", "a" * 64, "a." * 127 + "aa", "ü.example"],
    "ipv4": ["", "256.0.0.1", "1.2.3", "01.2.3.4", "::1", "1.2.3.4/8"],
    "ipv6": ["", "127.0.0.1", ":::", "fe80::1%eth0", "12345::"],
    "uri": [
        "",
        "example.com",
        "/a",
        "http://a b",
        "http://[::1",
        "http://a:99999999/",
        "a:%zz",
        "http://ü",
        "1a:b",
    ],
    "uri-reference": ["a b", "\\a", "%", "http://[a", "<a>"],
    "uuid": ["", "0123456789abCDEF0123456789abcdef", "01234567-89ab-cdef-0123-456789abcdeg"],
    "regex": ["(", "[", "*a"],
    "json-pointer": ["a", "/~", "/~2"],
}


def cases(texts: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, text) for name, several in texts.items() for text in several]


def test_every_format_has_examples() -> None:
    assert FITTING.keys() == OTHERS.keys() == FORMATS.keys()


@pytest.mark.parametrize(("name", "text"), cases(FITTING))
def test_a_text_of_a_format_fits(name: str, text: str) -> None:
    schema: dict[str, Json] = {"type": "string", "format": name}
    assert fitting.surely(text, schema)
    assert not list(fitting.validator(schema).iter_errors(text))


@pytest.mark.parametrize(("name", "text"), cases(OTHERS))
def test_a_text_of_another_format_is_found(name: str, text: str) -> None:
    schema: dict[str, Json] = {"type": "string", "format": name}
    assert [error.validator for error in fitting.misfits(text, schema)] == ["format"]


def test_a_format_asks_nothing_of_what_is_no_text_and_an_unknown_one_nothing_at_all() -> None:
    assert not fitting.misfits(5, {"format": "date"})
    assert not fitting.misfits("x", {"format": "colour"})
    assert [error.validator for error in fitting.misfits(5, {"format": "date", "type": "string"})] == ["type"]


def test_places_and_all_faults_come_from_the_library() -> None:
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {"at": {"type": "array", "items": {"format": "date"}}, "n": {"maximum": 3}},
    }
    found = fitting.misfits({"at": ["2026-01-01", "x"], "n": 4}, schema)
    assert {tuple(error.absolute_path) for error in found} == {("at", 1), ("n",)}


@pytest.mark.parametrize("schema", [{"$ref": "#"}, {"anyOf": [{"$ref": "#"}]}, {"$ref": "#/nowhere"}])
def test_a_schema_that_leads_nowhere_is_told_as_such(schema: dict[str, Json]) -> None:
    with pytest.raises(fitting.SchemaError):
        fitting.misfits(1, schema)


def test_nothing_is_fetched_for_a_schema() -> None:
    with pytest.raises(fitting.SchemaError):
        fitting.misfits(1, {"$ref": "https://example.com/schema.json"})


numbers = st.integers(-3, 3) | st.sampled_from([0.5, 1.0, 2.5])
scalars = st.none() | st.booleans() | numbers | st.sampled_from(["", "a", "ab", "abc", "2026-01-01"])
values: st.SearchStrategy[Json] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)
types = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"])
counts = st.integers(0, 3)
words: dict[str, st.SearchStrategy[Any]] = {
    "type": types | st.lists(types, min_size=1, max_size=3, unique=True),
    "enum": st.lists(scalars, min_size=1, max_size=3),
    "minimum": numbers,
    "maximum": numbers,
    "exclusiveMinimum": numbers,
    "exclusiveMaximum": numbers,
    "minLength": counts,
    "maxLength": counts,
    "minItems": counts,
    "maxItems": counts,
    "pattern": st.sampled_from(["^a", "b$", "."]),
    "format": st.sampled_from(["date", "email", "colour"]),
    "required": st.lists(st.sampled_from("abc"), unique=True, max_size=2),
    "multipleOf": st.sampled_from([1, 2]),
    "description": st.just("what it is"),
}


def deeper(inner: st.SearchStrategy[dict[str, Json]]) -> st.SearchStrategy[dict[str, Json]]:
    of_more: dict[str, st.SearchStrategy[Any]] = {
        "items": inner,
        "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
        "additionalProperties": inner | st.booleans(),
    }
    return st.fixed_dictionaries(
        {}, optional={**of_more, "type": words["type"], "required": words["required"]}
    )


flat = st.dictionaries(st.sampled_from(sorted(words)), st.none(), max_size=3).flatmap(
    lambda chosen: st.fixed_dictionaries({name: words[name] for name in chosen})
)
schemas: st.SearchStrategy[dict[str, Json]] = st.recursive(flat, deeper, max_leaves=4)


@settings(max_examples=400, deadline=None)
@given(values, schemas)
def test_what_surely_fits_fits(value: Json, schema: dict[str, Json]) -> None:
    if fitting.surely(value, schema):
        assert not list(fitting.validator(schema).iter_errors(value))


LAZY = """
import sys
from yamldag.operators import output
from yamldag.syntax import fitting
declared = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 0}, "day": {"type": "string", "format": "date"}},
    "required": ["n", "day"],
}
output.check({"n": 3, "day": "2026-01-31"}, declared)
assert "jsonschema" not in sys.modules
assert fitting.misfits({"n": -3}, declared)
assert "jsonschema" in sys.modules
"""


def test_an_output_that_fits_a_simple_schema_does_not_wait_for_jsonschema() -> None:
    subprocess.run([sys.executable, "-c", LAZY], check=True)


def doubling(depth: int) -> dict[str, Any]:
    """A schema of a few lines that asks the same 2 ** depth times."""
    parts: dict[str, Any] = {
        f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]}
        for n in range(depth)
    }
    parts[f"d{depth}"] = {"type": "integer"}
    return {"$ref": "#/$defs/d0", "$defs": parts}


@pytest.mark.parametrize("value", [1, "text", [[1]] * 50])
def test_a_schema_that_grows_like_powers_is_given_up(value: Json) -> None:
    with pytest.raises(fitting.SchemaError, match="too often"):
        fitting.misfits(value, doubling(60))


def test_branches_that_grow_with_the_depth_of_a_value_are_given_up() -> None:
    inside: dict[str, Json] = {"items": {"$ref": "#/$defs/list"}}
    parts: dict[str, Json] = {"list": {"type": "array", "anyOf": [inside, {"allOf": [inside]}]}}
    value: Json = "no list"
    for _ in range(80):
        value = [value]
    with pytest.raises(fitting.SchemaError, match="too often"):
        fitting.misfits(value, {"$ref": "#/$defs/list", "$defs": parts})


def test_a_long_value_has_time_in_proportion() -> None:
    schema: dict[str, Json] = {"type": "array", "items": {"anyOf": [{"type": "string"}, {"multipleOf": 2}]}}
    assert fitting.misfits([*range(0, 20_000, 2)], schema) == []
    assert len(fitting.misfits([*range(20_000)], schema)) == 10_000

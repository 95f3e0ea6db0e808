"""Regular expressions of users: what they mean, and that none of them takes long or much."""

from __future__ import annotations

import subprocess
import sys

import pytest

from yamldag.syntax import fitting
from yamldag.syntax.patterns import UndecidedError, is_pattern, matches
from yamldag.syntax.tree import Json

LONG = "a" * 5_000 + "!"
UNDECIDED = r"(?=x)(a|a)*b|(?:(a|a)*)\2c"
LARGE = "(?:(?:a{1000}){1000}){1000}"


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        ("^a$", "a", True),
        ("^a$", "a\n", False),  # `$` is the very end
        ("b", "abc", True),
        ("^\\d+$", "12", True),
        ("^\\d+$", "١٢", False),
        (r"^\u00e9\/$", "é/", True),
        (r"^(?!.*admin)[a-z]+$", "guest", True),
        (r"^(?!.*admin)[a-z]+$", "xadminx", False),
        (r"^(a|b)\1$", "aa", True),
        (r"^(a|b)\1$", "ab", False),
        ("^.{1,4000}$", "a", True),
        ("a", "\ud800a", True),
    ],
)
def test_they_are_those_of_json_schema(pattern: str, text: str, wanted: bool) -> None:
    assert is_pattern(pattern)
    assert matches(pattern, text) is wanted


@pytest.mark.parametrize("pattern", ["x(", "[", "a**", "(?P<x", LARGE])
def test_what_is_none_or_too_large(pattern: str) -> None:
    assert not is_pattern(pattern)


PATTERNS = ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "a+$", "^(.*a){20}$", "(a*)*b", r"^(?=(a+)+$)b", r"(x+x+)+y"]
HURRIED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
from yamldag.syntax.patterns import is_pattern, matches
for pattern in sys.argv[2:]:
    assert is_pattern(pattern)
    assert not matches(pattern, sys.argv[1]), pattern
"""


def test_none_goes_back_without_end() -> None:
    """With Python's own, each but one or two of them outlives the machine: this process gets 20 seconds of it."""
    subprocess.run([sys.executable, "-c", HURRIED, LONG, *PATTERNS], check=True)


def test_what_takes_too_long_is_said() -> None:
    with pytest.raises(UndecidedError):
        matches(UNDECIDED, "a" * 40)
    schemas: list[dict[str, Json]] = [{"pattern": UNDECIDED}, {"not": {"pattern": UNDECIDED}}]
    for schema in schemas:
        with pytest.raises(fitting.SchemaError, match="takes too long"):
            fitting.misfits("a" * 40, schema)


def test_names_are_looked_at_likewise() -> None:
    schema: dict[str, Json] = {
        "properties": {"n": True},
        "patternProperties": {"^(a+)+$": {"type": "integer"}, "^b": False},
        "additionalProperties": {"type": "string"},
    }
    assert not fitting.misfits({"n": 1, "aaa": 1, LONG: "text"}, schema)
    assert [e.validator for e in fitting.misfits({"aaa": "x"}, schema)] == ["type"]
    assert len(fitting.misfits({"b": 1}, schema)) == 1
    assert [e.validator for e in fitting.misfits({"c": 1}, schema)] == ["type"]
    closed: dict[str, Json] = {**schema, "additionalProperties": False}
    assert [e.validator for e in fitting.misfits({LONG: 1}, closed)] == ["additionalProperties"]
    assert [e.validator for e in fitting.misfits({LONG: 1}, {"propertyNames": {"pattern": "^(a+)+$"}})] == [
        "pattern"
    ]


def test_unevaluated_properties() -> None:
    schema: dict[str, Json] = {"allOf": [{"properties": {"a": True}}], "unevaluatedProperties": False}
    assert not fitting.misfits({"a": 1}, schema)
    assert [e.validator for e in fitting.misfits({"b": 1}, schema)] == ["unevaluatedProperties"]
    with pytest.raises(fitting.SchemaError, match="not supported"):
        fitting.misfits({"b": 1}, {**schema, "allOf": [{"patternProperties": {"^(a+)+$": True}}]})

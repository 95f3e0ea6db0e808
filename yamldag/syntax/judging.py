"""jsonschema's judge of values, with our own words for some keywords, and an end to its patience."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from yamldag.syntax import patterns
from yamldag.syntax.tree import Json

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

_Schema = Mapping[str, Json]


class SchemaError(Exception):
    """A schema that refers to a part which is not there, to itself without end, or to its parts too often."""


_STEPS = 20_000
_STEPS_A_VALUE = 100
"""How many keywords may be asked about a value at least, and how many more for each value in it: parts that refer to
parts ask like powers of two."""


class _Patience(threading.local):
    """What is left of it: jsonschema's rules know nothing but the schema."""

    left: float = float("inf")


_patience = _Patience()


@contextmanager
def patience(value: Json) -> Iterator[None]:
    """As long as this lasts, rules are asked no more often than a schema of good will asks about the value."""
    _patience.left = _STEPS + _STEPS_A_VALUE * _count(value)
    try:
        yield
    finally:
        _patience.left = float("inf")


def _count(value: Json) -> int:
    """How many values there are in it, itself included."""
    found = [value]
    for each in found:
        found += each if isinstance(each, list) else each.values() if isinstance(each, dict) else ()
    return len(found)


@cache
def judge() -> type[Draft202012Validator]:
    """jsonschema's, but for our own words."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    words = {
        **Draft202012Validator.VALIDATORS,
        "multipleOf": _multiple_of,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "unevaluatedProperties": _unevaluated_properties,
    }
    patient = {word: _patiently(rule) for word, rule in words.items()}
    made: type[Draft202012Validator] = extend(Draft202012Validator, patient)  # type: ignore[no-untyped-call]
    return made


def _patiently(rule: Callable[..., Any]) -> Callable[..., Any]:
    def patient(*asked: Any) -> Any:
        _patience.left -= 1
        if _patience.left < 0:
            raise SchemaError("refers to its own parts too often: no value could be judged in time")
        return rule(*asked)

    return patient


def _multiple_of(_: object, step: float, value: Json, __: object) -> Iterator[ValidationError]:
    """By the decimals that were written: 0.3 is a multiple of 0.1."""
    from fractions import Fraction

    from jsonschema.exceptions import ValidationError

    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and Fraction(str(value)) % Fraction(str(step)):
        yield ValidationError(f"{value} is not a multiple of {step}")


def _pattern(_: object, pattern: str, value: Json, __: object) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError

    if isinstance(value, str) and not matches(pattern, value):
        yield ValidationError(f"{value} does not match {pattern}")


def _pattern_properties(judge: Any, wanted: _Schema, value: Json, _: object) -> Iterator[ValidationError]:
    names = value if isinstance(value, dict) else {}
    for pattern, inner in wanted.items():
        for name in names:
            if matches(pattern, name):
                yield from judge.descend(names[name], inner, path=name, schema_path=pattern)


def _additional_properties(
    judge: Any, wanted: Json, value: Json, schema: _Schema
) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError

    if not isinstance(value, dict):
        return
    known: Any = schema.get("properties", {})
    forms: Any = schema.get("patternProperties", {})
    more = [name for name in value if name not in known and not any(matches(form, name) for form in forms)]
    if wanted is False and more:
        yield ValidationError(f"there may be no {', '.join(more)}")
    for name in more if isinstance(wanted, dict) else ():
        yield from judge.descend(value[name], wanted, path=name)


def _unevaluated_properties(
    judge: Any, wanted: Json, value: Json, schema: _Schema
) -> Iterator[ValidationError]:
    """jsonschema's, which would look for patterns by itself."""
    from jsonschema import Draft202012Validator

    if _has_key("patternProperties", schema):
        raise SchemaError("has `patternProperties` below `unevaluatedProperties`, which is not supported")
    yield from Draft202012Validator.VALIDATORS["unevaluatedProperties"](judge, wanted, value, schema)


def _has_key(key: str, schema: Json | _Schema) -> bool:
    if isinstance(schema, Mapping):
        return key in schema or any(_has_key(key, inner) for inner in schema.values())
    return isinstance(schema, list) and any(_has_key(key, inner) for inner in schema)


def matches(pattern: str, text: str) -> bool:
    """Raises SchemaError."""
    try:
        return patterns.matches(pattern, text)
    except patterns.UndecidedError:
        raise SchemaError(f"has the pattern `{pattern}`, which takes too long to be looked for") from None

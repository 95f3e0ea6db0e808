"""Whether a plain value fits a JSON Schema (2020-12) that a user declared: simple ones at once, else by jsonschema.

jsonschema has the last word and the details; most values fit simple schemas, and need not wait for its import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from yamldag.syntax.formats import FORMATS
from yamldag.syntax.judging import SchemaError, judge, matches, patience
from yamldag.syntax.tree import Json

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import ValidationError

__all__ = ["SchemaError", "metaschema", "misfits", "surely", "unresolved", "validator"]

_Schema = Mapping[str, Json]


def misfits(value: Json, schema: _Schema) -> list[ValidationError]:
    """What jsonschema finds wrong with the value; nothing if it fits. Raises SchemaError."""
    if surely(value, schema):
        return []
    from referencing.exceptions import Unresolvable

    try:
        with patience(value):
            return list(validator(schema).iter_errors(value))
    except Unresolvable:
        raise SchemaError("refers to a schema that is not there") from None
    except RecursionError:
        raise SchemaError("refers to itself without end") from None


def validator(schema: _Schema) -> Draft202012Validator:
    """jsonschema's, with our formats, and never fetching what a schema refers to."""
    from referencing import Registry

    return judge()(schema, registry=Registry(), format_checker=_formats())


def metaschema() -> Draft202012Validator:
    """What judges schemas themselves."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator(Draft202012Validator.META_SCHEMA, format_checker=_formats())


@cache
def _formats() -> FormatChecker:
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, fits in FORMATS.items():
        checker.checks(name)(lambda value, fits=fits: not isinstance(value, str) or fits(value))
    return checker


def unresolved(schema: Json, references: Iterable[str]) -> Iterator[str]:
    """Those of its references that lead to no part of the schema."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    resolver = Registry().with_resource("", DRAFT202012.create_resource(schema)).resolver()
    for reference in references:
        try:
            resolver.lookup(reference)
        except Unresolvable:
            yield reference


def surely(value: Json, schema: Json | _Schema) -> bool:
    """Whether the value fits beyond doubt. False: perhaps not, or the schema is not one of the simple ones."""
    if not isinstance(schema, Mapping):
        return schema is True
    return all(word in _RULES and _RULES[word](value, wanted, schema) for word, wanted in schema.items())


def _type(value: Json, wanted: Any, _: _Schema) -> bool:
    return any(
        type(value) in _TYPES.get(each, ()) for each in ([wanted] if isinstance(wanted, str) else wanted)
    )


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def _enum(value: Json, wanted: Any, _: _Schema) -> bool:
    """Of texts alone: for others, 1 is 1.0 and no true."""
    return isinstance(value, str) and value in wanted


def _bound(
    kind: type | tuple[type, ...], measure: Callable[[Any], Any], within: Callable[[Any, Any], bool]
) -> _Rule:
    def rule(value: Json, wanted: Json, _: _Schema) -> bool:
        return not isinstance(value, kind) or isinstance(value, bool) or within(measure(value), wanted)

    return rule


def _items(value: Json, wanted: Json, _: _Schema) -> bool:
    return not isinstance(value, list) or all(surely(each, wanted) for each in value)


def _properties(value: Json, wanted: Any, _: _Schema) -> bool:
    return not isinstance(value, dict) or all(
        surely(value[name], inner) for name, inner in wanted.items() if name in value
    )


def _required(value: Json, wanted: Any, _: _Schema) -> bool:
    return not isinstance(value, dict) or all(name in value for name in wanted)


def _more(value: Json, wanted: Json, schema: _Schema) -> bool:
    known: Any = schema.get("properties", {})
    return not isinstance(value, dict) or all(
        surely(value[name], wanted) for name in value if name not in known
    )


def _format(value: Json, wanted: Any, _: _Schema) -> bool:
    return not isinstance(value, str) or wanted not in FORMATS or FORMATS[wanted](value)


def _noted(*_: object) -> bool:
    return True


_Rule = Callable[[Any, Any, _Schema], bool]
_NUMBER = (int, float)
_RULES: dict[str, _Rule] = {
    "title": _noted,
    "description": _noted,
    "default": _noted,
    "examples": _noted,
    "type": _type,
    "enum": _enum,
    "minimum": _bound(_NUMBER, lambda number: number, lambda number, least: number >= least),
    "maximum": _bound(_NUMBER, lambda number: number, lambda number, most: number <= most),
    "exclusiveMinimum": _bound(_NUMBER, lambda number: number, lambda number, below: number > below),
    "exclusiveMaximum": _bound(_NUMBER, lambda number: number, lambda number, above: number < above),
    "minLength": _bound(str, len, lambda length, least: length >= least),
    "maxLength": _bound(str, len, lambda length, most: length <= most),
    "minItems": _bound(list, len, lambda length, least: length >= least),
    "maxItems": _bound(list, len, lambda length, most: length <= most),
    "pattern": _bound(str, str, lambda text, pattern: matches(pattern, text)),
    "format": _format,
    "items": _items,
    "properties": _properties,
    "required": _required,
    "additionalProperties": _more,
}
"""The words of which simple schemas consist. Each answers for well-formed schemas."""

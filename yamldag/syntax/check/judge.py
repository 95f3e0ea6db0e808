"""Whether one value fits one schema node by itself: its type, its choices, its form, its range, its size."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from typing import Any, TypeAlias

from yamldag.syntax.check.wanted import choices, types
from yamldag.syntax.tree import Json, Map, Seq, plain

Fault: TypeAlias = str | None
"""The code of what is wrong, or None."""

_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def value_judge(schema: Mapping[str, Any]) -> Callable[[Any], Fault]:
    """Judges the value of a scalar."""
    named = types(schema)
    kinds = {kind for name in named or _KINDS for kind in _KINDS.get(name, ())}
    whole = "integer" in named and "number" not in named
    allowed = _allowed(schema)
    text_fault, number_fault = _text_judge(schema), _number_judge(schema)

    def judge(value: Any) -> Fault:
        kind = type(value)
        if kind not in kinds and not (whole and kind is float and value.is_integer()):
            return "YD403"
        if allowed is not None and identity(value) not in allowed:
            return "YD404"
        if kind is str:
            return text_fault(value) if text_fault else None
        if number_fault and kind is not bool and value is not None:
            return number_fault(value)
        return None

    return judge


def container_judge(schema: Mapping[str, Any], kind: type[Map] | type[Seq]) -> Callable[[Map | Seq], Fault]:
    """Judges a mapping or a list by its type, its choices and its size."""
    named = types(schema)
    welcome = not named or ("object" if kind is Map else "array") in named
    low, high = ("minProperties", "maxProperties") if kind is Map else ("minItems", "maxItems")
    fewest, most = schema.get(low, 0), schema.get(high, float("inf"))
    allowed = _allowed(schema)

    def judge(node: Map | Seq) -> Fault:
        if not welcome:
            return "YD403"
        if allowed is not None and identity(plain(node)) not in allowed:
            return "YD404"
        return None if fewest <= len(node.items) <= most else "YD405"

    return judge


def identity(value: Json) -> Hashable:
    """Equal for values that JSON Schema holds equal: 1 and 1.0, but not 1 and true."""
    if isinstance(value, list):
        return ("list", *map(identity, value))
    if isinstance(value, dict):
        return frozenset((name, identity(item)) for name, item in value.items())
    return ("bool", value) if isinstance(value, bool) else value


@cache
def matcher(pattern: str) -> Callable[[str], object]:
    """A search for a pattern as JSON Schema means it: `$` is the very end, and classes are ASCII."""
    return re.compile(_python_pattern(pattern), re.ASCII).search


def _python_pattern(pattern: str) -> str:
    """With `$` as `\\Z`, but where it is escaped or stands in a class."""
    pieces = re.findall(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", pattern, re.DOTALL)
    return "".join(r"\Z" if piece == "$" else piece for piece in pieces)


def _allowed(schema: Mapping[str, Any]) -> frozenset[Hashable] | None:
    listed = "enum" in schema or "const" in schema
    return frozenset(map(identity, choices(schema))) if listed else None


def _text_judge(schema: Mapping[str, Any]) -> Callable[[str], Fault] | None:
    if not {"pattern", "minLength", "maxLength"} & schema.keys():
        return None
    matches = None
    fewest, most = schema.get("minLength", 0), schema.get("maxLength", float("inf"))

    def judge(text: str) -> Fault:
        nonlocal matches
        if not fewest <= len(text) <= most:
            return "YD405"
        if "pattern" in schema:
            matches = matches or matcher(schema["pattern"])
            return None if matches(text) else "YD406"
        return None

    return judge


def _number_judge(schema: Mapping[str, Any]) -> Callable[[float], Fault] | None:
    if not {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"} & schema.keys():
        return None
    infinite = float("inf")
    least, most = schema.get("minimum", -infinite), schema.get("maximum", infinite)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")

    def judge(number: float) -> Fault:
        fits = (
            least <= number <= most
            and (above is None or number > above)
            and (below is None or number < below)
        )
        return None if fits else "YD405"

    return judge

"""Whether one value fits one schema node by itself: its type, its choices, its form, its range, its size."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from typing import Any, TypeAlias

from yamldag.syntax import duration
from yamldag.syntax.check.wanted import types
from yamldag.syntax.tree import Json, Map, Seq, plain

Fault: TypeAlias = str | None
"""The code of what is wrong, or None."""

Judge: TypeAlias = Callable[[Any], Fault]
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def value_judge(schema: Mapping[str, Any]) -> Judge:
    """Judges the value of a scalar."""
    named = types(schema)
    judges: dict[type, Judge | None] = {
        kind: _kind_judge(schema, kind) for name in named or _KINDS for kind in _KINDS.get(name, ())
    }
    if "integer" in named and "number" not in named:
        judges[float] = _whole(_kind_judge(schema, float))

    def judge(value: Any) -> Fault:
        if type(value) not in judges:
            return "YD403"
        test = judges[type(value)]
        return test(value) if test else None

    return judge


def container_judge(schema: Mapping[str, Any], kind: type[Map] | type[Seq]) -> Judge | None:
    """Judges a mapping or a list by its type, its choices and its size; None if all are good."""
    named = types(schema)
    if named and ("object" if kind is Map else "array") not in named:
        return lambda _: "YD403"
    low, high = ("minProperties", "maxProperties") if kind is Map else ("minItems", "maxItems")
    fewest, most = schema.get(low, 0), schema.get(high, float("inf"))
    allowed = _allowed(schema)
    if allowed is None and not {low, high} & schema.keys():
        return None

    def judge(node: Map | Seq) -> Fault:
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
    listed = [schema["enum"]] if "enum" in schema else []
    listed += [[schema["const"]]] if "const" in schema else []
    return frozenset.intersection(*(frozenset(map(identity, each)) for each in listed)) if listed else None


def text_judge(schema: Mapping[str, Any]) -> Judge | None:
    """Judges a text; None if all are good."""
    return _kind_judge(schema, str)


def _kind_judge(schema: Mapping[str, Any], kind: type) -> Judge | None:
    """Judges the values of one type; None if all are good."""
    allowed = _allowed(schema)
    judge = _text_judge(schema) if kind is str else _number_judge(schema) if kind in (int, float) else None
    if allowed is None:
        return judge

    def listed(value: Any) -> Fault:
        if identity(value) not in allowed:
            return "YD404"
        return judge(value) if judge else None

    return listed


def _whole(judge: Judge | None) -> Judge:
    """For numbers with a fraction where a whole one is wanted: 2.0 is whole."""

    def whole(value: float) -> Fault:
        if not value.is_integer():
            return "YD403"
        return judge(value) if judge else None

    return whole


def _text_judge(schema: Mapping[str, Any]) -> Judge | None:
    if not {"pattern", "minLength", "maxLength"} & schema.keys():
        return None
    pattern = schema.get("pattern", "")
    fewest, most = schema.get("minLength", 0), schema.get("maxLength", float("inf"))
    bounded = "x-longest" in schema
    matches: Callable[[str], object] | None = None

    def judge(text: str) -> Fault:
        nonlocal matches
        if not fewest <= len(text) <= most:
            return "YD405"
        if matches is None:
            matches = matcher(pattern)
        if not matches(text):
            return "YD406"
        return "YD405" if bounded and "{" not in text and duration.seconds(text) is None else None

    return judge


def _number_judge(schema: Mapping[str, Any]) -> Judge | None:
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

"""The words of the schema: what was wanted, what was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from yamldag.syntax.tree import Map, Node, Scalar, Seq

_CUT = 40
_TYPES = {
    "string": "text",
    "boolean": "`true` or `false`",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


def wanted(schema: Mapping[str, Any]) -> str:
    """What a schema takes: its own `x-wanted`, or words made from its keywords. Never its pattern."""
    if "x-wanted" in schema:
        return str(schema["x-wanted"])
    if choices(schema):
        return one_of(choices(schema))
    return either(_type_words(name, schema) for name in types(schema)) or "something else"


def types(schema: Mapping[str, Any]) -> list[str]:
    """The names of the types that a schema takes; empty if it takes any."""
    named = schema.get("type", [])
    return [named] if isinstance(named, str) else list(named)


def choices(schema: Mapping[str, Any]) -> list[Any]:
    """The values that a schema takes, if it lists them."""
    return [schema["const"]] if "const" in schema else list(schema.get("enum", []))


def one_of(values: list[Any]) -> str:
    names = either(shown(value) for value in values)
    return names if len(values) == 1 else f"one of {names}"


def either(words: Iterable[str]) -> str:
    """`a, b or c`."""
    return _joined(list(words), "or")


def both(words: Iterable[str]) -> str:
    """`a, b and c`."""
    return _joined(list(words), "and")


def _joined(words: list[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def shown(value: Any) -> str:
    """A value of a schema as it is written in YAML."""
    words = {None: "null", True: "true", False: "false"}
    return f"`{words[value] if value is None or isinstance(value, bool) else value}`"


def _type_words(name: str, schema: Mapping[str, Any]) -> str:
    if name == "integer":
        return "a whole number" + _bounds(schema)
    if name == "number":
        return "a number" + _bounds(schema)
    if name == "string" and schema.get("minLength") == 1:
        return "text that is not empty"
    return _TYPES[name]


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    bounds = (("minimum", "of at least"), ("exclusiveMinimum", "above"), ("maximum", "of at most"))
    said = [
        f"{words} {schema[name]}"
        for name, words in (*bounds, ("exclusiveMaximum", "below"))
        if name in schema
    ]
    return f" {both(said)}" if said else ""


def found(node: Node) -> str:
    """What stands there, as it is written in the source."""
    if type(node) is Map:
        return "a mapping" if node.items else "an empty mapping"
    if type(node) is Seq:
        return "a list" if node.items else "an empty list"
    assert type(node) is Scalar
    if empty(node):
        return "nothing"
    return f"`{cut(as_written(node))}`"


def empty(node: Node) -> bool:
    """Whether nothing at all is written behind the colon or the dash."""
    return type(node) is Scalar and node.value is None and node.text == ""


def as_written(node: Scalar) -> str:
    """A scalar with its quotes; without its anchor and tag, and a block without its sign."""
    written = node.source.text[node.start : node.end]
    if "{{" in written and "{{" not in node.text:
        return node.text  # the value that a template of vars has become
    if node.style in ("'", '"') and written.startswith(node.style):
        return written
    return node.text


def cut(text: str) -> str:
    """On one line, and not long."""
    first, _, more = text.strip().partition("\n")
    if len(first) > _CUT:
        return first[: _CUT - 1] + "…"
    return first.rstrip() + "…" if more else first

"""The located tree: YAML as values that know where they stand."""

from __future__ import annotations

from typing import TypeAlias

from yamldag.syntax.source import Source


class Scalar:
    """A leaf. `value` is its YAML 1.2 core value; `text` is what was written, after quotes and folding."""

    __slots__ = ("end", "source", "start", "style", "text", "value")

    def __init__(
        self,
        value: str | int | float | bool | None,
        text: str,
        start: int,
        end: int,
        style: str,
        source: Source,
    ) -> None:
        self.value = value
        self.text = text
        self.start = start
        self.end = end
        self.style = style
        """`""` for plain, else the sign that opens it: `'`, `"`, `|`, `>`."""
        self.source = source


class Map:
    """A mapping, in written order. Keys are their text, so `1` and `"1"` are the same key."""

    __slots__ = ("end", "items", "source", "start")

    def __init__(self, items: dict[str, tuple[Scalar, Node]], start: int, end: int, source: Source) -> None:
        self.items = items
        self.start = start
        self.end = end
        self.source = source


class Seq:
    """A sequence."""

    __slots__ = ("end", "items", "source", "start")

    def __init__(self, items: list[Node], start: int, end: int, source: Source) -> None:
        self.items = items
        self.start = start
        self.end = end
        self.source = source


Node: TypeAlias = Scalar | Map | Seq
Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def plain(node: Node) -> Json:
    """The tree as plain data."""
    if type(node) is Scalar:
        return node.value
    if type(node) is Seq:
        return [plain(item) for item in node.items]
    assert type(node) is Map
    return {name: plain(value) for name, (_, value) in node.items.items()}


def value_at(node: Node | None, name: str) -> Node | None:
    """The value of a key, where the node is a mapping that has it."""
    entry = node.items.get(name) if type(node) is Map else None
    return entry[1] if entry else None


def located(value: Json, like: Node) -> Node:
    """Plain data as a tree that stands, all of it, where `like` stands."""
    start, end, source = like.start, like.end, like.source
    if isinstance(value, dict):
        items: dict[str, tuple[Scalar, Node]] = {
            name: (Scalar(name, name, start, end, "", source), located(item, like))
            for name, item in value.items()
        }
        return Map(items, start, end, source)
    if isinstance(value, list):
        return Seq([located(item, like) for item in value], start, end, source)
    style = '"' if isinstance(value, str) else ""
    return Scalar(value, value if isinstance(value, str) else _written(value), start, end, style, source)


def _written(value: float | bool | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)

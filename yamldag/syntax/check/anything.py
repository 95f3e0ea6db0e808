"""Takes every value, and looks for templates alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from yamldag.syntax.check import complaint
from yamldag.syntax.check.part import Check, Checking, Part
from yamldag.syntax.check.scalar import rendered
from yamldag.syntax.tree import Map, Node, Scalar, Seq

_Entry: TypeAlias = tuple[str | int, Scalar | None, Node]


def anything_check(part: Part) -> Check:
    """Without recursion, for what stands here may be deep."""

    def check(node: Node, key: Scalar | None, checking: Checking) -> Node | None:
        below: list[tuple[Node, Scalar | None]] = [(node, key)]
        while below:
            container, above = below.pop()
            for index, under, value in _entries(container, above, checking):
                if type(value) is not Scalar:
                    below.append((value, under))
                    continue
                put = leaf(value, under, checking)
                if put is not None:
                    _put(container, index, under, put)
        return leaf(node, key, checking) if type(node) is Scalar else None

    def leaf(node: Scalar, key: Scalar | None, checking: Checking) -> Node | None:
        if type(node.value) is str and "{{" in node.value:
            return rendered(part, node, key, checking)
        return None

    return check


def _entries(container: Node, above: Scalar | None, checking: Checking) -> Iterator[_Entry]:
    """What a container holds, each with its place in it and the key it stands under."""
    if type(container) is Seq:
        for i, item in enumerate(container.items):
            yield i, above, item
    elif type(container) is Map:
        for name, (key, value) in container.items.items():
            if "{{" in name:
                checking.complain(key, complaint.template_key(key))
            else:
                yield name, key, value


def _put(container: Node, index: str | int, key: Scalar | None, value: Node) -> None:
    if type(container) is Seq and isinstance(index, int):
        container.items[index] = value
    elif type(container) is Map and isinstance(index, str) and key is not None:
        container.items[index] = (key, value)

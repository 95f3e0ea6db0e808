"""Keys of a task that were written among the parameters of its operator: `http: {timeout: 30s}`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from yamldag.compile.keys import OPERATORS
from yamldag.operators.builtin import KEYS
from yamldag.syntax.diagnostic import Diagnostic
from yamldag.syntax.tree import Map


def told(root: Map, found: list[Diagnostic]) -> list[Diagnostic]:
    """The same, and where such a key belongs, if nothing better is known of it."""
    belongs = {
        key: f"it is a key of the task: write it beside `{operator}`" for key, operator in _misplaced(root)
    }
    marks = ((one.place.source.path, one.place.start) for one in found)
    return [
        replace(one, help=belongs[mark]) if one.code == "YD401" and mark in belongs else one
        for one, mark in zip(found, marks, strict=True)
    ]


def _misplaced(group: Map) -> Iterator[tuple[tuple[str, int], str]]:
    """Where each begins, and below which operator."""
    entry = group.items.get("tasks")
    for _, task in entry[1].items.values() if entry and type(entry[1]) is Map else ():
        if type(task) is not Map:
            continue
        yield from _misplaced(task)
        for operator, (_, value) in task.items.items():
            if operator in OPERATORS and type(value) is Map:
                for name, (key, _) in value.items.items():
                    if name in KEYS and name not in task.items and key.text == name:  # else it was misspelt
                        yield (key.source.path, key.start), operator

"""Keys that stand where they mean nothing, and would mean something elsewhere: `http: {timeout: 30s}`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from yamldag.compile.keys import OPERATORS, owner_of_the_other
from yamldag.operators import catalog
from yamldag.operators.builtin import KEYS
from yamldag.syntax.diagnostic import Diagnostic
from yamldag.syntax.tree import Map, Node, Scalar

_Told = Iterator[tuple[Scalar, str]]
"""Keys, and where they belong."""


def told(root: Map, kind: str, found: list[Diagnostic]) -> list[Diagnostic]:
    """The same, saying where such a key belongs, and without what is wrong with a parameter only if it is taken for
    an operator: `docker: python` beside `command: pytest`."""
    belongs = {(key.source.path, key.start): words for key, words in _misplaced(root, kind)}
    taken = sorted((key.start, max(key.end, value.end)) for key, value in _taken_for_operators(root))
    kept = [one for one in found if not _is_in(taken, one.place.start)]
    marks = ((one.place.source.path, one.place.start) for one in kept)
    return [
        replace(one, help=belongs[mark]) if one.code == "YD401" and mark in belongs else one
        for one, mark in zip(kept, marks, strict=True)
    ]


def _is_in(spans: list[tuple[int, int]], offset: int) -> bool:
    before = bisect_right(spans, (offset, offset)) - 1
    return any(start <= offset < end for start, end in spans[max(before, 0) : before + 2])


def _misplaced(root: Map, kind: str) -> _Told:
    yield from _at_the_top(root, kind)
    for task in _tasks(root):
        yield from _below_an_operator(task)
        yield from _beside_an_operator(task)


def _tasks(group: Map) -> Iterator[Map]:
    """Tasks and groups at any depth."""
    entry = group.items.get("tasks")
    for _, task in entry[1].items.values() if entry and type(entry[1]) is Map else ():
        if type(task) is Map:
            yield task
            yield from _tasks(task)


def _unknown(node: Map, known: object) -> Iterator[Scalar]:
    """Its keys that are not among the known ones; one that was misspelt speaks for itself."""
    assert isinstance(known, dict | frozenset)
    return (key for name, (key, _) in node.items.items() if name not in known and key.text == name)


def _at_the_top(root: Map, kind: str) -> _Told:
    pipeline = catalog.schema("pipeline.schema.json")
    defaults = pipeline["definitions"]["defaults"]["properties"]
    is_project = kind == "project"
    if not is_project and kind not in ("pipeline", "template"):
        return
    for key in _unknown(root, catalog.schema(f"{kind}.schema.json")["properties"]):
        if key.text in OPERATORS and not is_project:
            yield key, "it is an operator: make it a task below `tasks`"
        elif key.text in KEYS:
            common = ": write it on them, or below `defaults`" if key.text in defaults else ""
            yield key, f"it is a key of tasks{common}"
        elif key.text in pipeline["properties"] and key.text != "pipeline":
            common = ": write it there, or below `pipeline_defaults`" if is_project else ""
            yield key, f"it is a key of pipelines{common}"


def _below_an_operator(task: Map) -> _Told:
    for operator, (_, value) in task.items.items():
        if operator in OPERATORS and type(value) is Map:
            for name, (key, _) in value.items.items():
                if name in KEYS and name not in task.items and key.text == name:  # else it was misspelt
                    yield key, f"it is a key of the task: write it beside `{operator}`"


def _beside_an_operator(task: Map) -> _Told:
    operators = [name for name in task.items if name in OPERATORS]
    of_pipelines = catalog.schema("pipeline.schema.json")["properties"]
    for key in _unknown(task, KEYS):
        known = catalog.operator(operators[0]) if operators and operators[0] != key.text else None
        if known is not None and key.text in known.schema.get("properties", {}):
            yield key, f"it is a parameter of `{known.name}`: {_how(known, key.text, task)}"
        elif key.text == "exclude" and "matrix" in task.items:
            yield key, "it is a key of the matrix: write it below `matrix`"
        elif key.text == "params" and ("use" in task.items or "pipeline" in task.items):
            yield key, "did you mean `with`?"
        elif key.text in of_pipelines and key.text not in OPERATORS:
            yield key, "it is a key of pipelines"


def _how(operator: catalog.Operator, parameter: str, task: Map) -> str:
    if type(task.items[operator.name][1]) is Map or operator.short is None:
        return f"write it below `{operator.name}`"
    return f"write `{operator.name}: {{{operator.short}: …, {parameter}: …}}`"


def _taken_for_operators(root: Map) -> Iterator[tuple[Scalar, Node]]:
    for task in _tasks(root):
        pair = [name for name in task.items if name in OPERATORS][:2]
        if len(pair) == 2 and (owner := owner_of_the_other(*pair)) is not None:
            yield task.items[pair[1] if owner == pair[0] else pair[0]]

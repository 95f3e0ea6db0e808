"""What this version checks and draws, but does not run: `run` and `serve` say so before anything starts."""

from __future__ import annotations

from collections.abc import Iterator

from yamldag.compile.draft import Draft, Entries
from yamldag.operators import catalog
from yamldag.operators.builtin import BUILT_IN
from yamldag.syntax.diagnostic import Diagnostic, at
from yamldag.syntax.tree import Map, Node, Scalar, Seq

_NOTICES = ("on_failure", "on_success", "on_retry", "on_deadline")
_AT_ONCE = ("bash", "command", "copy", "email", "http", "noop", "notify", "python", "sql")
"""The operators of ours that a notification can call: those that are done when their process is, as plug-ins' are."""


def refused(root: Draft, entries: Entries) -> list[Diagnostic]:
    """One diagnostic per feature and place."""
    found = [each for name in _NOTICES if name in entries for each in _of_calls(entries[name][1])]
    for task in root.tasks():
        found += _of_task(task)
    seen: set[tuple[str, int]] = set()
    return [d for d in found if not _again(d, seen)]


def _of_task(task: Draft) -> Iterator[Diagnostic]:
    operator = catalog.operator(task.operator) if task.operator else None
    if operator is not None and not operator.runs:
        yield _of_key(task.entries[operator.name][0], f"the operator `{operator.name}`")
    for name in _NOTICES:
        entry = task.get(name)
        if entry is not None:
            yield from _of_calls(entry.node)


def _of_calls(node: Node) -> Iterator[Diagnostic]:
    """Notifications: a call, or a list of them."""
    for call in node.items if type(node) is Seq else (node,):
        if type(call) is not Map:
            continue
        for name, (key, _) in call.items.items():
            if name in BUILT_IN and name not in _AT_ONCE:
                yield _of_key(key, f"notifications by the operator `{name}`")


def _of_key(key: Scalar, what: str | None = None) -> Diagnostic:
    message = f"this version checks and draws {what or f'`{key.text}`'}, but does not run it yet"
    return Diagnostic("YD706", message, at(key), "take it out to run this pipeline")


def _again(diagnostic: Diagnostic, seen: set[tuple[str, int]]) -> bool:
    mark = (diagnostic.place.source.path, diagnostic.place.start)
    if mark in seen:
        return True
    seen.add(mark)
    return False

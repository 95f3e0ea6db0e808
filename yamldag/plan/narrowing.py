"""A part of a plan's tasks, in the order that the whole gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from yamldag.plan.pipeline import Plan, Task


def narrowed(plan: Plan, only: frozenset[str] | None) -> Iterable[Task]:
    """The tasks that a run has: those asked for, in the order that the whole plan gives them."""
    if only is None:
        return plan.tasks
    known = {task.id: task for task in plan.tasks}
    needs = {task.id: task.needs for task in plan.tasks}
    judged = {task.id: task.judged for task in plan.tasks}
    return [
        replace(known[name], needs=_nearest(name, needs, only), judged=_nearest(name, judged, only))
        for name in known
        if name in only
    ]


def _nearest(name: str, parents: Mapping[str, tuple[str, ...]], only: frozenset[str]) -> tuple[str, ...]:
    """The closest tasks above that are in the run: order holds across those left out."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = list(parents[name])
    while waiting:
        parent = waiting.pop()
        if parent in only:
            found.add(parent)
        elif parent not in seen:
            seen.add(parent)
            waiting.extend(parents[parent])
    return tuple(sorted(found))

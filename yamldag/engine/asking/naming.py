"""Runs, tasks and instances by the names that people give them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from yamldag.engine.refused import Refused, unknown
from yamldag.syntax.nearest import nearest

if TYPE_CHECKING:
    import sqlalchemy as sa

    from yamldag.engine.memory.run import Instance, Run
    from yamldag.plan.pipeline import Json, Plan

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""What would break a line, or steer a terminal."""
_NAME = re.compile(r"(.+?)(?:\[(.*)\])?", re.DOTALL)


def item_words(item: Json, index: int) -> str:
    """An item, or what it is called, in a few letters on one line."""
    if isinstance(item, dict) and isinstance(item.get("name"), str):
        item = item["name"]
    if isinstance(item, dict):
        item = ", ".join(f"{key}={value}" for key, value in item.items())
    text = _UNSEEN.sub(" ", str(item)) if isinstance(item, str | int | float) else ""
    text = text if text.strip() else str(index)
    return text if len(text) <= 40 else text[:39] + "…"


def shown(task: str, index: int, item: Json) -> str:
    """An instance as a person knows it: `load[orders]`. A number would be taken for an index, so that stands before it:
    `load[0: 2019]`."""
    words = item_words(item, index)
    return f"{task}[{words}]" if words == str(index) or not words.isdecimal() else f"{task}[{index}: {words}]"


def label(task: str, index: int, item: str | None) -> str:
    """An instance, or a task that is not mapped, as a person knows it, by its item as JSON."""
    return task if index < 0 else shown(task, index, json.loads(item) if item else None)


def no_run(name: str, known: Iterable[str]) -> Refused:
    """There is no run of that name, and no pipeline of it has run."""
    near = nearest(name, list(known))
    hint = f"; did you mean `{near}`?" if near else "; `yamldag runs` lists them"
    return unknown(f"there is no run `{name}`, and no pipeline of that name has run{hint}")


def find_run(db: sa.Connection, name: str) -> sa.RowMapping:
    """The run of that id; of a pipeline's id, its newest. Raises Refused."""
    from yamldag.store import views

    found = views.one_run(db, name)
    if found is None and (newest := views.newest_run(db, name)):
        found = views.one_run(db, newest)
    if found is None:
        raise no_run(name, [row["id"] for row in (*views.pipelines(db), *views.runs(db))])
    return found


class Named(NamedTuple):
    """A task of a run, or one instance of it."""

    task: str
    instance: int | None
    """Its map index; None: the whole task."""
    rows: Sequence[Any]
    """What the run has of it; none: it has not begun."""


def task_named(db: sa.Connection, run_id: str, named: str) -> Named:
    """What a name means in a run; in one that has not begun by its plan, or by that which it would begin with. Raises
    Refused."""
    from yamldag.plan.pipeline import from_text
    from yamldag.store import views

    rows = views.instances(db, run_id)
    if rows:
        task, index = instance_named(run_id, rows, named)
        return Named(
            task, index, [row for row in rows if row.task == task and index in (None, row.map_index)]
        )
    if planned := views.planned_run(db, run_id):
        check_names(from_text(planned["plan"]), [named])
    return Named(_parts(named)[0], None, [])


def instance_named(run_id: str, rows: Sequence[Any], named: str) -> tuple[str, int | None]:
    """The task that is meant, and the index of the instance in brackets, which may be named by its item: of rows
    with `task`, `map_index` and `item`. Raises Refused."""

    def is_item(row: Any, which: str) -> bool:
        return bool(row.item) and _is_called(which, row.map_index, json.loads(row.item))

    task, which = _parts(named)
    here = [row for row in rows if row.task == task]
    if not here:
        raise _no_task(run_id, task, {row.task for row in rows})
    if which is None:
        return task, None
    meant = [row for row in here if which == str(row.map_index) and row.map_index >= 0]
    meant = meant or [row for row in here if is_item(row, which)]
    if not meant:
        raise unknown(f"`{task}` of run {run_id} has no instance `{which}`")
    return task, meant[0].map_index


def meant(run: Run, named: str) -> list[Instance]:
    """The instances of the task that was named: all, or the one in brackets, by its index or its item. Raises
    Refused."""
    task, which = _parts(named)
    node = run.nodes.get(task)
    if node is None:
        raise _no_task(run.id, task, run.nodes)
    if which is None:
        return node.instances
    there = [each for each in node.instances if each.index >= 0]
    found = [each for each in there if which == str(each.index)]
    found = found or [each for each in there if _is_called(which, each.index, each.item)]
    if not found:
        raise unknown(f"`{task}` of run {run.id} has no instance `{which}`")
    return found[:1]


def chosen(plan: Plan, names: Sequence[str]) -> frozenset[str] | None:
    """The ids of the tasks that were named; a group stands for all in it. None: no choice was made. Raises
    Refused."""
    if not names:
        return None
    found: set[str] = set()
    for name in names:
        inside = {task.id for task in plan.tasks if task.id == name or task.id.startswith(f"{name}.")}
        if not inside:
            raise _none_in(plan, name)
        found |= inside
    return frozenset(found)


def check_names(plan: Plan, names: Iterable[str]) -> None:
    """Whether there are such tasks or groups; which instances they will have nobody knows yet. Raises Refused."""
    for name in names:
        chosen(plan, [_parts(name)[0]])


def units(
    run_id: str, plan: Plan | None, rows: Sequence[Any], names: Iterable[str]
) -> tuple[tuple[str, int | None], ...]:
    """The tasks that names mean, each one, all of a group, or an instance by its index or its item. Raises
    Refused."""
    if plan is None:
        return ()
    found: list[tuple[str, int | None]] = []
    for name in names:
        if any(name in (each.id, each.group) for each in plan.tasks) or "[" not in name:
            found += [(task, None) for task in sorted(chosen(plan, [name]) or ())]
        else:
            found.append(instance_named(run_id, rows, name))
    return tuple(found)


def _is_called(which: str, index: int, item: Json) -> bool:
    """By its item, or as it is shown."""
    return which == item_words(item, -1) or f"[{which}]" == shown("", index, item)


def _parts(named: str) -> tuple[str, str | None]:
    match = _NAME.fullmatch(named)
    return (match[1], match[2]) if match else (named, None)


def _no_task(run_id: str, task: str, known: Iterable[str]) -> Refused:
    near = nearest(task, list(known))
    return unknown(f"run {run_id} has no task `{task}`" + (f"; did you mean `{near}`?" if near else ""))


def _none_in(plan: Plan, name: str) -> Refused:
    import difflib

    known = [*(task.id for task in plan.tasks), *(group.id for group in plan.groups)]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    return unknown(f"`{plan.pipeline}` has no task `{name}`{hint}")

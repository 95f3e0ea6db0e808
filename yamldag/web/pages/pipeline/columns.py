"""The columns of the grid: what the tasks of a run are, a letter each.

Of a run that is over they are read once: nothing of it changes before it begins again, and then it ends anew.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import sqlalchemy as sa

from yamldag.plan.state import RUN_FINAL
from yamldag.store import histories
from yamldag.web.kept import Column, Kept
from yamldag.web.pages.pipeline import cells


def read(db: sa.Connection, kept: Kept[Column], rows: Sequence[sa.RowMapping]) -> list[Column]:
    """Of each of these runs, by at most one query."""
    keys = [_key(row) for row in rows]
    found = kept.find(key for key in keys if key is not None)
    missing = [row["id"] for row, key in zip(rows, keys, strict=True) if key not in found]
    new = _columns(histories.cells(db, missing)) if missing else {}
    for row, key in zip(rows, keys, strict=True):
        if key is not None and row["id"] in new:
            kept.keep(key, new[row["id"]])
    return [
        new.get(row["id"], _EMPTY) if key not in found else found[key]
        for row, key in zip(rows, keys, strict=True)
    ]


def by_task(columns: Sequence[Column]) -> dict[str, str]:
    """The rows: of each task a letter for each run, a dot where it is not in it."""
    alike: dict[tuple[str, ...], list[int]] = {}
    for at, column in enumerate(columns):
        alike.setdefault(column.tasks, []).append(at)
    if len(alike) == 1:
        [tasks] = alike
        return dict(
            zip(tasks, map("".join, zip(*(each.letters for each in columns), strict=True)), strict=True)
        )
    rows: dict[str, list[str]] = {}
    for tasks, places in alike.items():
        for task, *letters in zip(tasks, *(columns[at].letters for at in places), strict=True):
            row = rows.setdefault(task, [cells.NOTHING] * len(columns))
            for at, letter in zip(places, letters, strict=True):
                row[at] = letter
    return {task: "".join(row) for task, row in rows.items()}


_EMPTY = Column((), "", {})


def _key(row: sa.RowMapping) -> Hashable:
    """None: it is under way."""
    return (row["id"], row["state"], row["ended"], row["version"]) if row["state"] in RUN_FINAL else None


def _columns(found: Sequence[histories.Cell]) -> dict[str, Column]:
    states: dict[str, dict[str, str]] = {}
    counts: dict[str, dict[str, tuple[int, int]]] = {}
    for run, task, state, number in found:
        tasks = states.setdefault(run, {})
        letter = cells.LETTERS.get(state, "?")
        before = tasks.get(task)
        tasks[task] = letter if before is None else cells.worst_letter((before, letter))
        if before is not None or number > 1:
            _count(counts.setdefault(run, {}), task, before, letter, number)
    orders: dict[tuple[str, ...], tuple[str, ...]] = {}
    made = {}
    for run, tasks in states.items():
        order = tuple(tasks)
        several = {task: each for task, each in counts.get(run, {}).items() if each[1] > 1}
        made[run] = Column(orders.setdefault(order, order), "".join(tasks.values()), several)
    return made


def _count(
    counts: dict[str, tuple[int, int]], task: str, before: str | None, letter: str, number: int
) -> None:
    """So many more, beside one whose letter was seen `before`; what is removed does not count."""
    good, all_ = counts.get(task) or (int(before == _GOOD), int(before not in (None, _GONE)))
    counts[task] = good + number * (letter == _GOOD), all_ + number * (letter != _GONE)


_GOOD, _GONE = cells.LETTERS["success"], cells.LETTERS["removed"]

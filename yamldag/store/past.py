"""What `depends_on_past` asks of the run before, by the driver's own cursor."""

from __future__ import annotations

from typing import NamedTuple

from yamldag.store.database import Database

_BEFORE = "SELECT id, state FROM run WHERE pipeline = ? AND logical_date < ?{made} ORDER BY {newest} LIMIT 1"
_MADE = " AND type IN ('scheduled', 'assets', 'backfill')"
_NEWEST = "logical_date DESC, created DESC, id DESC"


class Before(NamedTuple):
    """The run before another one."""

    id: str
    state: str


def run_before(database: Database, pipeline: str, date: str, *, any_type: bool) -> Before | None:
    """The run with the next lower logical date: of any type, or among those that were not made by hand."""
    query = _BEFORE.format(made="" if any_type else _MADE, newest=_NEWEST)
    row = database.execute(query, (pipeline, date)).fetchone()
    return Before(row[0], row[1]) if row else None


def begins_backfill(database: Database, run: str, date: str) -> bool:
    """Whether it is the first run of a backfill."""
    row = database.execute("SELECT backfill FROM run WHERE id = ?", (run,)).fetchone()
    if row is None or row[0] is None:
        return False
    earlier = database.execute(
        "SELECT 1 FROM run WHERE backfill = ? AND logical_date < ? LIMIT 1", (row[0], date)
    ).fetchone()
    return earlier is None


def has_tasks(database: Database, run: str) -> bool:
    """Whether it has begun, so that each task of it has a row."""
    return (
        database.execute("SELECT 1 FROM task_instance WHERE run = ? LIMIT 1", (run,)).fetchone() is not None
    )


def task_states(database: Database, run: str, task: str) -> list[tuple[int, str]]:
    """(id, state) of each instance of a task, but for those whose items are gone."""
    rows = database.execute(
        "SELECT id, state FROM task_instance WHERE run = ? AND task = ? AND state <> 'removed'", (run, task)
    ).fetchall()
    return [(row[0], row[1]) for row in rows]


def was_cancelled(database: Database, run: str, instance: int) -> bool:
    """Whether a cancel is what happened to it last."""
    row = database.execute(
        "SELECT event FROM event WHERE run = ? AND instance = ? ORDER BY id DESC LIMIT 1", (run, instance)
    ).fetchone()
    return row is not None and row[0] == "cancel"

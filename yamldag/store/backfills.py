"""Backfills: what was asked for, and the runs that are part of it. The caller owns the transactions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from yamldag.store.database import Database
from yamldag.store.schedules import QueuedRun, queue_run


class NewBackfill(NamedTuple):
    id: str
    pipeline: str
    first: str
    last: str
    reprocess: str
    max_active: int
    params: str
    created: float


class TickRun(NamedTuple):
    """A run that a tick has."""

    logical_date: str
    id: str
    state: str


def hold_ticks(database: Database, pipeline: str) -> None:
    """Whoever decides its ticks waits until this transaction is over."""
    database.execute("UPDATE schedule_position SET changed = changed WHERE pipeline = ?", (pipeline,))


def create(database: Database, row: NewBackfill, runs: Iterable[QueuedRun]) -> list[str]:
    """Record it with the runs that it makes: their ids. A tick that has got a run since it was looked at keeps that."""
    had = {run.logical_date for run in tick_runs(database, row.pipeline, row.first, row.last)}
    made = [run for run in runs if run.logical_date not in had]
    database.execute(
        "INSERT INTO backfill (id, pipeline, first, last, reprocess, max_active, params, created) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    )
    for run in made:
        queue_run(database, run)
        database.execute("UPDATE run SET backfill = ? WHERE id = ?", (row.id, run.id))
    return [run.id for run in made]


def tick_runs(database: Database, pipeline: str, first: str, last: str) -> list[TickRun]:
    """The runs that the ticks of a range have, scheduled ones or a backfill's, the oldest first."""
    rows = database.execute(
        "SELECT logical_date, id, state FROM run WHERE pipeline = ? AND logical_date >= ? AND logical_date <= ? "
        "AND type IN ('scheduled', 'backfill') ORDER BY created, id",
        (pipeline, first, last),
    )
    return [TickRun(*row) for row in rows]


def pipelines(database: Database) -> set[str]:
    """Those that a backfill was ever asked for."""
    return {str(name) for (name,) in database.execute("SELECT DISTINCT pipeline FROM backfill")}


def open_runs(database: Database, backfill: str) -> list[str]:
    """Its runs that wait or run."""
    rows = database.execute(
        "SELECT id FROM run WHERE backfill = ? AND state IN ('queued', 'running') ORDER BY logical_date",
        (backfill,),
    )
    return [str(name) for (name,) in rows]


def names(database: Database) -> list[str]:
    """Every backfill there is, the newest first."""
    return [str(name) for (name,) in database.execute("SELECT id FROM backfill ORDER BY created DESC")]


def cancel(database: Database, backfill: str, now: float) -> bool:
    """It makes no more runs. False: it was cancelled before."""
    cursor = database.execute(
        "UPDATE backfill SET cancelled = ? WHERE id = ? AND cancelled IS NULL", (now, backfill)
    )
    return cursor.rowcount == 1

"""Writes to runs that no engine moves, or lets go: they are cancelled or cleared at once. The caller owns the
transactions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from yamldag.plan.state import Event, RunState, TaskState
from yamldag.store.database import Database
from yamldag.store.moves import Lost
from yamldag.store.statements import EVENT, FORGET, UNMAP


def state_of(database: Database, run: str) -> str | None:
    """The state of a run, which nobody changes before the transaction ends. None: there is no such run."""
    row = database.execute(
        f"SELECT state FROM run WHERE id = ?{database.for_update}",  # noqa: S608  (the driver's own words)
        (run,),
    ).fetchone()
    return None if row is None else str(row[0])


def cancel_queued(database: Database, run: str, reason: str, now: float) -> bool:
    """A run that waits for room never begins, or never goes on. False if it does not wait."""
    cursor = database.execute(
        "UPDATE run SET state = 'cancelled', stop = 'cancel', ended = ?, reason = ? "
        "WHERE id = ? AND state = 'queued'",
        (now, reason, run),
    )
    if cursor.rowcount != 1:
        return False
    database.execute(EVENT, (run, None, None, Event.CANCEL.value, RunState.CANCELLED.value, now, reason))
    waiting = database.execute(
        "SELECT id, attempt FROM task_instance WHERE run = ? AND state = 'none'", (run,)
    )
    for instance, attempt in list(waiting):
        database.execute(
            "UPDATE task_instance SET state = 'skipped', ended = ?, reason = ? WHERE id = ?",
            (now, reason, instance),
        )
        database.execute(
            EVENT, (run, instance, attempt, Event.CANCEL.value, TaskState.SKIPPED.value, now, reason)
        )
    return True


class Requeued(NamedTuple):
    """A run that is over, or waits, as it was found, and what it is to be."""

    id: str
    was: str
    """Its state."""
    version: str | None
    """The plan that it is to have."""
    params: str
    backfill: str | None
    owner: int | None = None
    """The engine that moves it."""


def requeue(database: Database, run: Requeued, now: float) -> None:
    """It waits for room again. Raises Lost: someone else has moved it."""
    mine, owner = ("", ()) if run.owner is None else (" AND owner = ?", (run.owner,))
    cursor = database.execute(
        "UPDATE run SET state = 'queued', version = ?, params = ?, backfill = ?, started = NULL, ended = NULL, "  # noqa: S608
        f"reason = NULL, stop = NULL, owner = NULL WHERE id = ? AND state = ?{mine}",
        (run.version, run.params, run.backfill, run.id, run.was, *owner),
    )
    if cursor.rowcount != 1:
        raise Lost
    database.execute(EVENT, (run.id, None, None, Event.CLEAR.value, RunState.QUEUED.value, now, None))


class ClearedRow(NamedTuple):
    """An instance as it was found, and what becomes of it."""

    id: int
    was: str
    """Its state."""
    attempts: int
    attempt: int | None
    unmap: bool
    """Its item is asked for again."""
    removed: bool = False
    """Its task, or its item, is not there any more."""
    mark: str | None = None
    """The state that somebody has given it, instead of letting it begin anew."""
    words: str = ""
    """Why, for its reason."""


def clear_instances(database: Database, run: str, rows: Iterable[ClearedRow], now: float) -> None:
    """Nothing has been decided of them. Raises Lost: someone else has moved one."""
    for row in rows:
        state = TaskState.REMOVED if row.removed else TaskState.NONE
        cursor = database.execute(
            "UPDATE task_instance SET state = ?, tries = -1, ready = NULL, retry_at = NULL, started = NULL, "
            "ended = NULL, reason = NULL WHERE id = ? AND state = ? AND attempts = ?",
            (state.value, row.id, row.was, row.attempts),
        )
        if cursor.rowcount != 1:
            raise Lost
        if row.unmap:
            database.execute(UNMAP, (row.id,))
        database.execute(FORGET, (row.id,))
        if row.was != TaskState.NONE:
            database.execute(
                EVENT, (run, row.id, row.attempt, Event.CLEAR.value, TaskState.NONE.value, now, None)
            )
        if row.mark is not None:
            _mark(database, run, row, now)
        if row.removed:
            database.execute(
                EVENT, (run, row.id, row.attempt, Event.REMOVE.value, TaskState.REMOVED.value, now, None)
            )


def _mark(database: Database, run: str, row: ClearedRow, now: float) -> None:
    """It was cleared a moment ago, in this transaction."""
    database.execute(
        "UPDATE task_instance SET state = ?, ended = ?, reason = ? WHERE id = ? AND state = 'none'",
        (row.mark, now, row.words, row.id),
    )
    event = Event.SUCCEED if row.mark == TaskState.SUCCESS else Event.FAIL
    database.execute(EVENT, (run, row.id, row.attempt, event.value, row.mark, now, row.words))

"""Ends a run that nobody can go on with, since its rows can't be read: by SQL alone, without its plan."""

from __future__ import annotations

from yamldag.plan.state import FINAL, AttemptState, Event, RunState, TaskState
from yamldag.store.database import Database
from yamldag.store.statements import EVENT

_ENDED = ", ".join(f"'{state}'" for state in sorted(FINAL))


def write_off(database: Database, run: str, owner: int | None, words: str, now: float) -> bool:
    """It has failed, for these words; what was under way of it has failed, the rest is skipped. `owner`: who moves
    it; None: it waits. False: someone else has moved it. The caller owns the transaction."""
    of, values = ("state = 'queued'", ()) if owner is None else ("state = 'running' AND owner = ?", (owner,))
    ended = database.execute(
        f"UPDATE run SET state = 'failed', ended = ?, reason = ? WHERE id = ? AND {of}",  # noqa: S608
        (now, words, run, *values),
    )
    if ended.rowcount != 1:
        return False
    rows = database.execute(
        "SELECT id, attempt, state FROM task_instance "  # noqa: S608
        f"WHERE run = ? AND state NOT IN ({_ENDED}) ORDER BY id",
        (run,),
    ).fetchall()
    for instance, attempt, state in rows:
        _end(database, run, instance, attempt, TaskState(state), words, now)
    database.execute("DELETE FROM pool_claim WHERE run = ?", (run,))
    database.execute(
        "UPDATE request SET done = ?, answer = ? WHERE run = ? AND done IS NULL", (now, words, run)
    )
    database.execute(EVENT, (run, None, None, Event.FAIL.value, RunState.FAILED.value, now, words))
    return True


def _end(
    database: Database, run: str, instance: int, attempt: int | None, was: TaskState, words: str, now: float
) -> None:
    begun = was in (TaskState.QUEUED, TaskState.RUNNING, TaskState.DEFERRED)
    state, event = (TaskState.FAILED, Event.FAIL) if begun else (TaskState.SKIPPED, Event.CANCEL)
    if begun:
        database.execute(
            "UPDATE attempt SET state = ?, ended = ?, reason = 'lost', message = ? WHERE id = ? AND ended IS NULL",
            (AttemptState.FAILED.value, now, words, attempt),
        )
        database.execute("DELETE FROM deferral WHERE instance = ?", (instance,))
    database.execute(
        "UPDATE task_instance SET state = ?, ended = ?, reason = ? WHERE id = ?",
        (state.value, now, words, instance),
    )
    database.execute(EVENT, (run, instance, attempt, event.value, state.value, now, words))

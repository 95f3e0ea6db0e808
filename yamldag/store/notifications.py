"""Notifications that wait, and what came of them. The caller owns the transactions."""

from __future__ import annotations

from typing import NamedTuple

from yamldag.store import statements
from yamldag.store.database import Database
from yamldag.store.rows import Logged


class Ended(NamedTuple):
    """What came of a notification: `done` or `failed`, at Unix seconds, with words where it failed."""

    id: int
    run: str
    state: str
    at: float
    message: str | None


class Waiting(NamedTuple):
    """A notification that is not known to have been sent, with the attempt that it tells of, if there is one."""

    id: int
    run: str
    instance: int
    occasion: int
    cause: str
    position: int
    number: int | None
    error: str | None


def end(database: Database, row: Ended, owner: int) -> bool:
    """Record it. False: it is over already, or another engine sends it."""
    return (
        database.execute(
            "UPDATE notification SET state = ?, ended = ?, message = ? "
            "WHERE id = ? AND state = 'waiting' AND owner = ?",
            (row.state, row.at, row.message, row.id, owner),
        ).rowcount
        == 1
    )


def log(database: Database, row: Ended, detail: str) -> None:
    """An event of the run, in whatever state that is."""
    for (state,) in database.execute("SELECT state FROM run WHERE id = ?", (row.run,)).fetchall():
        database.execute(statements.EVENT, Logged(row.run, None, None, "notify", state, row.at, detail))


def dead_owners(database: Database) -> list[int]:
    """The lives that have ended, and whose notifications wait."""
    rows = database.execute(
        "SELECT DISTINCT runner.id FROM notification JOIN runner ON runner.id = notification.owner "
        "WHERE notification.state = 'waiting' AND runner.ended IS NOT NULL"
    )
    return [row[0] for row in rows.fetchall()]


def take(database: Database, owner: int, was: int) -> None:
    """Let an engine send what another one has left."""
    database.execute("UPDATE notification SET owner = ? WHERE owner = ? AND state = 'waiting'", (owner, was))


def waiting(database: Database, owner: int) -> list[Waiting]:
    """Those that an engine is to send, in order."""
    rows = database.execute(
        "SELECT notification.id, notification.run, notification.instance, notification.attempt, cause, "
        "position, number, attempt.message FROM notification "
        "LEFT JOIN attempt ON attempt.id = notification.attempt "
        "WHERE notification.state = 'waiting' AND notification.owner = ? ORDER BY notification.id",
        (owner,),
    )
    return [Waiting(*row) for row in rows]

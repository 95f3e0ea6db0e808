"""What commands ask of runs that an engine moves: written here, and answered in the step that obeys."""

from __future__ import annotations

from typing import NamedTuple

from yamldag.store.database import Database

_COLUMNS = "request.id, request.run, request.kind, request.detail"


class StoredRequest(NamedTuple):
    id: int
    run: str
    kind: str
    """`cancel`, `kill`, `clear`, `mark` or `answer`."""
    detail: str
    """JSON."""


def ask(database: Database, run: str, kind: str, detail: str, now: float) -> int:
    """Its id. The caller owns the transaction."""
    return database.insert(
        "INSERT INTO request (run, kind, detail, created) VALUES (?, ?, ?, ?)", (run, kind, detail, now)
    )


def asked_of(database: Database, owner: int) -> list[StoredRequest]:
    """What is asked of the runs that this engine moves, in order."""
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM request JOIN run ON run.id = request.run "  # noqa: S608  (our own names)
        "WHERE request.done IS NULL AND run.state = 'running' AND run.owner = ? ORDER BY request.id",
        (owner,),
    )
    return [StoredRequest(*row) for row in rows]


def left_over(database: Database) -> list[StoredRequest]:
    """What was asked of runs that nobody moves any more, in order."""
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM request JOIN run ON run.id = request.run "  # noqa: S608
        "WHERE request.done IS NULL AND run.state <> 'running' ORDER BY request.id"
    )
    return [StoredRequest(*row) for row in rows]


def open_one(database: Database, request: int) -> StoredRequest | None:
    """The request of that id, if nobody has answered it."""
    row = database.execute(
        f"SELECT {_COLUMNS} FROM request WHERE done IS NULL AND id = ?",  # noqa: S608
        (request,),
    ).fetchone()
    return None if row is None else StoredRequest(*row)


def plan_of(database: Database, version: str) -> str | None:
    """The text of the plan that a request names by its hash."""
    row = database.execute("SELECT plan FROM pipeline_version WHERE hash = ?", (version,)).fetchone()
    return None if row is None else str(row[0])


def is_to_stop(database: Database, run: str) -> bool:
    """Whether somebody has asked to cancel the run, and nobody has obeyed."""
    row = database.execute(
        "SELECT 1 FROM request WHERE done IS NULL AND run = ? AND kind IN ('cancel', 'kill')", (run,)
    ).fetchone()
    return row is not None


def is_open(database: Database, run: str) -> bool:
    """Whether something is asked of the run that nobody has answered."""
    row = database.execute("SELECT 1 FROM request WHERE done IS NULL AND run = ?", (run,)).fetchone()
    return row is not None


def answer(database: Database, request: int, words: str, now: float) -> bool:
    """It is dealt with. False: it was before. The caller owns the transaction."""
    cursor = database.execute(
        "UPDATE request SET done = ?, answer = ? WHERE id = ? AND done IS NULL", (now, words, request)
    )
    return cursor.rowcount == 1


def withdraw(database: Database, run: str, words: str, now: float) -> None:
    """Stops that are still asked of the run mean nothing any more. The caller owns the transaction."""
    database.execute(
        "UPDATE request SET done = ?, answer = ? WHERE run = ? AND done IS NULL AND kind IN ('cancel', 'kill')",
        (now, words, run),
    )

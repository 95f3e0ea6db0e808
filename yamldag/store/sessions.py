"""Who is logged in, and how often somebody tried to. The caller owns the transactions."""

from __future__ import annotations

from typing import NamedTuple

from yamldag.store.database import Database

IDLE = 24 * 3600.0
"""Seconds without a request after which a session is over."""
LONGEST = 7 * 24 * 3600.0
"""Seconds after which it is over in any case."""
WINDOW = 60.0
"""Seconds over which tries to log in are counted."""


class Session(NamedTuple):
    """A session that has not ended."""

    hash: str
    account: str
    address: str
    created: float
    seen: float


def begin(database: Database, token: str, account: str, address: str, now: float) -> None:
    """`token`: the SHA-256 of what the browser keeps. Sessions that are long over are swept out."""
    database.execute("DELETE FROM login_session WHERE until < ? OR seen < ?", (now, now - IDLE))
    database.execute(
        "INSERT INTO login_session (hash, account, address, created, seen, until) VALUES (?, ?, ?, ?, ?, ?)",
        (token, account, address, now, now, now + LONGEST),
    )


def see(database: Database, token: str, now: float) -> None:
    """It is in use."""
    database.execute("UPDATE login_session SET seen = ? WHERE hash = ? AND seen < ?", (now, token, now))


def end(database: Database, token: str) -> bool:
    """False: it was over."""
    return database.execute("DELETE FROM login_session WHERE hash = ?", (token,)).rowcount == 1


def sessions(database: Database, now: float, account: str | None = None) -> list[Session]:
    """Those that go on, the newest first."""
    rows = database.execute(
        "SELECT hash, account, address, created, seen FROM login_session WHERE until > ? AND seen > ? "
        "ORDER BY created DESC",
        (now, now - IDLE),
    )
    return [Session(*row) for row in rows if account in (None, row[1])]


def note_try(database: Database, account: str, address: str, now: float) -> tuple[int, int]:
    """Record that somebody tries to log in: how often that was so within the window with this one, by that name
    from that address, and from that address by any name."""
    database.execute("DELETE FROM login_try WHERE at < ?", (now - WINDOW,))
    database.execute("INSERT INTO login_try (account, address, at) VALUES (?, ?, ?)", (account, address, now))
    rows = database.execute("SELECT account FROM login_try WHERE address = ?", (address,)).fetchall()
    return sum(name == account for (name,) in rows), len(rows)


def forget_tries(database: Database, account: str, address: str) -> None:
    """One of them went well."""
    database.execute("DELETE FROM login_try WHERE account = ? AND address = ?", (account, address))

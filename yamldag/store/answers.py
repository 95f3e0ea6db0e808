"""What was answered to a request that carries a key: asked again, it is answered, and not done again."""

from __future__ import annotations

from typing import NamedTuple

from yamldag.store.database import Database

KEPT = 24 * 3600.0
"""Seconds for which an answer is remembered."""


class Earlier(NamedTuple):
    """A request that had the same key. `status` None: it is being done, or the process that did it has died."""

    fingerprint: str
    status: int | None
    body: str | None


def claim(database: Database, who: str, key: str, fingerprint: str, now: float) -> Earlier | None:
    """None: it is the first with this key, and the caller's to do. Within the caller's transaction."""
    database.execute("DELETE FROM api_answer WHERE created < ?", (now - KEPT,))
    if database.add(
        "INSERT INTO api_answer (who, idempotency_key, fingerprint, created) VALUES (?, ?, ?, ?)",
        (who, key, fingerprint, now),
    ):
        return None
    row = database.execute(
        "SELECT fingerprint, status, body FROM api_answer WHERE who = ? AND idempotency_key = ?", (who, key)
    ).fetchone()
    return Earlier(*row) if row else None


def keep(database: Database, who: str, key: str, status: int, body: str) -> None:
    """What it came to."""
    database.execute(
        "UPDATE api_answer SET status = ?, body = ? WHERE who = ? AND idempotency_key = ?",
        (status, body, who, key),
    )


def drop(database: Database, who: str, key: str) -> None:
    """Nothing was done: it may be asked again."""
    database.execute("DELETE FROM api_answer WHERE who = ? AND idempotency_key = ?", (who, key))

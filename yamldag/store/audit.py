"""Who did what, and when. Written before the deed and completed after it: one that was begun is never unknown.

The caller owns the transactions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from yamldag.store.database import Database
from yamldag.store.tables import audit


class Deed(NamedTuple):
    who: str
    via: str
    """`local`, `session`, `token` or `command`."""
    address: str
    """Of whoever asked; empty: it was a command on this machine."""
    action: str
    """Like `pipeline.pause`."""
    object: str
    """What it is done to: a pipeline's or a run's id, a user's name."""
    detail: Mapping[str, Any] = {}


def begin(database: Database, deed: Deed, now: float) -> int:
    """It is about to be done; the id of its row."""
    return database.insert(
        "INSERT INTO audit (at, who, via, address, action, object, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            now,
            deed.who[:200],
            deed.via,
            deed.address[:100],
            deed.action,
            deed.object[:500],
            json.dumps(deed.detail, ensure_ascii=False),
        ),
    )


def end(database: Database, row: int, outcome: str) -> None:
    """How it went."""
    database.execute("UPDATE audit SET outcome = ? WHERE id = ?", (outcome[:500], row))


def record(database: Database, deed: Deed, outcome: str, now: float) -> None:
    """Both, within the transaction of the deed itself."""
    end(database, begin(database, deed, now), outcome)


def newest(db: sa.Connection) -> tuple[tuple[int, str | None], ...]:
    """The newest ones and how they went: it differs from what it was if something was done, or has come to its end."""
    query = sa.select(audit.c.id, audit.c.outcome).order_by(audit.c.id.desc()).limit(50)
    return tuple((row.id, row.outcome) for row in db.execute(query))


def entries(
    db: sa.Connection, limit: int = 100, before: int | None = None, of: str | None = None
) -> list[sa.RowMapping]:
    """The newest first, older than the row `before`, about the object `of`."""
    query = sa.select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.id < before)
    if of is not None:
        query = query.where(audit.c.object == of)
    return list(db.execute(query).mappings())

"""Webhooks: who elsewhere may ask for runs of one pipeline, and which of their messages were taken. The caller owns
the transactions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from yamldag.store.database import Database

KEPT = 24 * 3600.0
"""Seconds for which it is remembered that a message was taken."""


class Webhook(NamedTuple):
    """Times are Unix seconds."""

    name: str
    pipeline: str
    secret: str
    """By which messages are signed. Both sides must know it, so no hash of it would do."""
    param: str | None
    """The param that gets the whole body; None: `mapping` says which get what."""
    mapping: Mapping[str, str] | None
    """Params, and where in the body their values are: `issue.number`."""
    created: float
    creator: str
    used: float | None
    revoked: float | None


_COLUMNS = ", ".join(Webhook._fields)


def webhooks(database: Database) -> list[Webhook]:
    """By name, those that work no more too."""
    rows = database.execute(f"SELECT {_COLUMNS} FROM webhook ORDER BY name")  # noqa: S608
    return [_read(row) for row in rows]


def webhook(database: Database, name: str) -> Webhook | None:
    row = database.execute(f"SELECT {_COLUMNS} FROM webhook WHERE name = ?", (name,)).fetchone()  # noqa: S608
    return None if row is None else _read(row)


def _read(row: tuple[object, ...]) -> Webhook:
    found = Webhook(*row)  # type: ignore[arg-type]
    return found._replace(mapping=json.loads(found.mapping) if isinstance(found.mapping, str) else None)


def add(database: Database, hook: Webhook) -> bool:
    """False: that name is taken."""
    marks = ", ".join("?" for _ in Webhook._fields)
    mapping = None if hook.mapping is None else json.dumps(hook.mapping, ensure_ascii=False)
    return database.add(
        f"INSERT INTO webhook ({_COLUMNS}) VALUES ({marks})",  # noqa: S608
        hook._replace(mapping=mapping),  # type: ignore[arg-type]
    )


def revoke(database: Database, name: str, now: float) -> bool:
    """It is forgotten what it was signed by. False: there is none of that name that works."""
    cursor = database.execute(
        "UPDATE webhook SET revoked = ?, secret = '' WHERE name = ? AND revoked IS NULL", (now, name)
    )
    return cursor.rowcount == 1


def take(database: Database, name: str, message: str, now: float) -> bool:
    """Mark a message as taken, by the SHA-256 of its id. False: it was before."""
    database.execute("DELETE FROM webhook_message WHERE at < ?", (now - KEPT,))
    return database.add(
        "INSERT INTO webhook_message (webhook, message, at) VALUES (?, ?, ?)", (name, message, now)
    )


def taken_since(database: Database, name: str, since: float) -> int:
    """How many messages it has taken since."""
    row = database.execute(
        "SELECT count(*) FROM webhook_message WHERE webhook = ? AND at >= ?", (name, since)
    ).fetchone()
    return int(row[0]) if row else 0


def use(database: Database, name: str, now: float) -> None:
    """It is in use."""
    database.execute("UPDATE webhook SET used = ? WHERE name = ?", (now, name))

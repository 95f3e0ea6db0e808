"""Secrets and connections that the database keeps, encrypted: here they are only rows. The caller owns transactions."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from yamldag.store.database import Database

if TYPE_CHECKING:
    import sqlalchemy as sa


class Stored(NamedTuple):
    """Times are Unix seconds."""

    kind: str
    """`secret` or `connection`."""
    name: str
    token: str
    """The value as `operators.strongbox` has closed it."""
    changed: float
    changer: str


_COLUMNS = ", ".join(Stored._fields)


def every(database: Database) -> list[Stored]:
    """By kind and name."""
    rows = database.execute(f"SELECT {_COLUMNS} FROM stored_value ORDER BY kind, name")  # noqa: S608
    return [Stored(*row) for row in rows.fetchall()]


def tokens(database: Database) -> dict[str, dict[str, str]]:
    """By kind, then name."""
    found: dict[str, dict[str, str]] = {}
    for kind, name, token in database.execute("SELECT kind, name, token FROM stored_value").fetchall():
        found.setdefault(kind, {})[name] = token
    return found


def kept(url: str) -> dict[str, dict[str, str]]:
    """The same of the database at `url`, which is only read; nothing where there is none yet, or an older one."""
    import sqlalchemy as sa

    from yamldag.store import address
    from yamldag.store.drivers.urls import sqlite_path

    path = sqlite_path(url)
    if path and not os.path.exists(path):
        return {}
    with address.reading(url).connect() as db:
        return of(db) if sa.inspect(db).has_table("stored_value") else {}


def of(db: sa.Connection) -> dict[str, dict[str, str]]:
    """The same by a connection to read by."""
    found: dict[str, dict[str, str]] = {}
    for kind, name, token in db.exec_driver_sql("SELECT kind, name, token FROM stored_value"):
        found.setdefault(kind, {})[name] = token
    return found


def put(database: Database, row: Stored) -> None:
    """In place of what was there."""
    database.put("stored_value", row._asdict(), ("kind", "name"))


def remove(database: Database, kind: str, name: str) -> bool:
    """False: there was none."""
    cursor = database.execute("DELETE FROM stored_value WHERE kind = ? AND name = ?", (kind, name))
    return cursor.rowcount == 1


def replace(database: Database, pairs: Iterable[tuple[Stored, str]]) -> int:
    """Other tokens for the same values, where they are as they were read. How many were replaced."""
    return sum(
        database.execute(
            "UPDATE stored_value SET token = ? WHERE kind = ? AND name = ? AND token = ?",
            (token, row.kind, row.name, row.token),
        ).rowcount
        for row, token in pairs
    )

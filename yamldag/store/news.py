"""Whether other processes have written to the database, at next to no cost where the database can tell."""

from __future__ import annotations

from yamldag.store.database import Database


def mark(database: Database) -> int | None:
    """It changes when someone else commits. None: this database can't tell, so one has to look."""
    if database.kind != "sqlite":
        return None
    row = database.execute("PRAGMA data_version").fetchone()
    assert row is not None
    return int(row[0])

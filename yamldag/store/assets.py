"""Updates of assets, and how far each pipeline that awaits them has used them up. The caller owns the transactions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from yamldag.store.database import Database

_COLUMNS = "id, asset, run, task, at"


class Update(NamedTuple):
    """A task's success that has updated an asset; `at` in Unix seconds."""

    id: int
    asset: str
    run: str
    task: str
    at: float


def newest(database: Database) -> int:
    """The id of the newest update of any asset; 0: there is none."""
    row = database.execute("SELECT max(id) FROM asset_update").fetchone()
    return int(row[0] or 0) if row else 0


def after(database: Database, last: int) -> list[Update]:
    """All updates since that one, the oldest first."""
    rows = database.execute(f"SELECT {_COLUMNS} FROM asset_update WHERE id > ? ORDER BY id", (last,))  # noqa: S608
    return [Update(*row) for row in rows]


def unused(database: Database, pipeline: str, last: int) -> list[Update]:
    """The updates, up to that one, that a pipeline awaits and has not used up, the oldest first."""
    columns = ", ".join(f"asset_update.{name}" for name in Update._fields)
    rows = database.execute(
        f"SELECT {columns} FROM asset_update JOIN asset_use "  # noqa: S608  (our own names)
        "ON asset_use.asset = asset_update.asset AND asset_update.id > asset_use.last "
        "WHERE asset_use.pipeline = ? AND asset_update.id <= ? ORDER BY asset_update.id",
        (pipeline, last),
    )
    return [Update(*row) for row in rows]


def uses(database: Database) -> dict[str, dict[str, int]]:
    """Of each pipeline that awaits assets: up to which update it has used up each."""
    found: dict[str, dict[str, int]] = {}
    for pipeline, asset, last in database.execute("SELECT pipeline, asset, last FROM asset_use"):
        found.setdefault(pipeline, {})[asset] = last
    return found


def await_from(database: Database, pipeline: str, asset: str, last: int) -> None:
    """A pipeline begins to await an asset: what came up to `last` does not count."""
    database.execute(
        "INSERT INTO asset_use (pipeline, asset, last) VALUES (?, ?, ?)", (pipeline, asset, last)
    )


def forget(database: Database, pipeline: str, asset: str) -> None:
    """A pipeline awaits an asset no longer."""
    database.execute("DELETE FROM asset_use WHERE pipeline = ? AND asset = ?", (pipeline, asset))


def use_up(database: Database, pipeline: str, lasts: Mapping[str, int]) -> None:
    """The updates up to these have made a run."""
    for asset, last in lasts.items():
        database.execute(
            "UPDATE asset_use SET last = ? WHERE pipeline = ? AND asset = ? AND last < ?",
            (last, pipeline, asset, last),
        )


def is_paused(database: Database, pipeline: str) -> bool:
    row = database.execute("SELECT paused FROM pipeline WHERE id = ?", (pipeline,)).fetchone()
    return bool(row and row[0])


def newest_date(database: Database, pipeline: str) -> str | None:
    """The logical date of the newest run that assets have started."""
    row = database.execute(
        "SELECT max(logical_date) FROM run WHERE pipeline = ? AND type = 'assets'", (pipeline,)
    ).fetchone()
    return row[0] if row else None


def set_assets(database: Database, run: str, text: str) -> None:
    """The updates that started a run, as JSON."""
    database.execute("UPDATE run SET assets = ? WHERE id = ?", (text, run))


def of_run(database: Database, run: str) -> list[dict[str, str]]:
    """The updates that started a run: {asset, run, task, at}, `at` a UTC text."""
    row = database.execute("SELECT assets FROM run WHERE id = ?", (run,)).fetchone()
    return read(row[0] if row else None)


def read(text: str | None) -> list[dict[str, str]]:
    """A stored text of `set_assets`; none for a run that something else has started."""
    return json.loads(text) if text else []

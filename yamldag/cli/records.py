"""What the commands that read the database share: opening it, finding a run, and tables."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yamldag.cli.main import UsageError
from yamldag.syntax.nearest import nearest

if TYPE_CHECKING:
    import sqlalchemy as sa

    from yamldag.compile.project import Project
    from yamldag.store.database import Database


NOTHING_RAN = "nothing has run yet in this project"


@contextmanager
def records(project: Project) -> Iterator[sa.Connection]:
    """The project's database, to read."""
    from yamldag.store import views
    from yamldag.store.database import CannotOpen, open_database

    if not exists(project):
        raise UsageError(f"{NOTHING_RAN}; begin with `yamldag run PIPELINE`")
    try:
        database = open_database(project.database)  # made, or brought to this version
    except CannotOpen as closed:
        raise UsageError(str(closed)) from None
    try:
        end_abandoned(database, project)
    finally:
        database.close()
    with views.reading(project.database) as db:
        yield db


def end_abandoned(database: Database, project: Project) -> None:
    """No run is shown as running whose process was killed."""
    import socket

    from yamldag.store import moves

    if moves.runs_by_hand(database, socket.gethostname()):
        from yamldag.engine.takeover import abandoned
        from yamldag.engine.takeover.lives import Onlooker

        abandoned.end_abandoned(database, Onlooker.at(Path(project.state_folder), os.environ))


def exists(project: Project) -> bool:
    """Whether anything can have been recorded: a server's database is always there."""
    from yamldag.store.drivers.urls import sqlite_path

    path = sqlite_path(project.database)
    return path is None or os.path.exists(path)


def find_run(db: sa.Connection, name: str) -> sa.RowMapping:
    """The run of that id; of a pipeline's id, its newest."""
    from yamldag.store import views

    found = views.one_run(db, name)
    if found is None and (newest := views.newest_run(db, name)):
        found = views.one_run(db, newest)
    if found is None:
        known = [row["id"] for row in (*views.pipelines(db), *views.runs(db))]
        near = nearest(name, known)
        hint = f"; did you mean `{near}`?" if near else "; `yamldag runs` lists them"
        raise UsageError(f"there is no run `{name}`, and no pipeline of that name has run{hint}")
    return found


def run_row(row: sa.RowMapping, version: int | None = None) -> dict[str, Any]:
    """A run as JSON output has it; `version` is the number of the one that it has."""
    from yamldag.engine import times

    return {
        "run_id": row["id"],
        "pipeline": row["pipeline"],
        "type": row["type"],
        "state": row["state"],
        "logical_date": times.read(row["logical_date"]).isoformat(),
        "data_interval_start": times.read(row["data_interval_start"]).isoformat(),
        "data_interval_end": times.read(row["data_interval_end"]).isoformat(),
        "started_at": times.shown(row["started"]),
        "ended_at": times.shown(row["ended"]),
        "reason": row["reason"],
        "version": version,
    }


def task_rows(db: sa.Connection, run: sa.RowMapping) -> list[dict[str, Any]]:
    """A run's tasks as JSON output has them: in plan order, one per instance."""
    import json

    from yamldag.engine import times
    from yamldag.store import views

    text = views.plan(db, run["version"]) if run["version"] else None
    order = {task["id"]: place for place, task in enumerate(json.loads(text)["tasks"])} if text else {}
    rows = sorted(views.instances(db, run["id"]), key=lambda row: (order.get(row.task, 0), row.map_index))
    return [
        {
            "id": row.task,
            "state": row.state,
            "attempts": row.attempts,
            "map_index": None if row.map_index < 0 else row.map_index,
            "started_at": times.shown(row.started),
            "ended_at": times.shown(row.ended),
            "reason": row.reason,
        }
        for row in rows
    ]


def print_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns as wide as what is in them."""
    texts = [[*heads], *([("" if cell is None else str(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(heads))]
    for row in texts:
        line = "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")


def short(moment: str | None) -> str:
    """An ISO 8601 time for a table, to the second."""
    return "" if moment is None else moment[:19].replace("T", " ")

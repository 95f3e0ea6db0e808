"""What the commands that read the database share: opening it, finding a run, and tables."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from yamldag.cli.main import UsageError
from yamldag.engine.asking.naming import find_run

if TYPE_CHECKING:
    import sqlalchemy as sa

    from yamldag.compile.project import Project
    from yamldag.store.database import Database


__all__ = ["NOTHING_RAN", "end_abandoned", "exists", "find_run", "print_table", "records", "short"]

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
    if path is None:
        return True
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as problem:
        why = (problem.strerror or "no reason given").lower()
        raise UsageError(f"the database `{path}` can't be looked for: {why}") from None
    return True


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

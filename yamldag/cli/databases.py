"""The project's database, opened for a command."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from yamldag.cli.main import UsageError

if TYPE_CHECKING:
    from yamldag.compile.project import Project
    from yamldag.store.database import Database


@contextmanager
def opened(project: Project) -> Iterator[Database]:
    """It must be there."""
    from yamldag.store.database import Away, CannotOpen, open_database

    try:
        database = open_database(project.database)
    except CannotOpen as closed:
        raise UsageError(str(closed)) from None
    try:
        yield database
    except Away as away:
        raise UsageError(f"the database can't be written: {away}") from None
    finally:
        database.close()


@contextmanager
def made(project: Project) -> Iterator[Database]:
    """It is made if need be, and its folder."""
    try:
        os.makedirs(project.state_folder, 0o700, exist_ok=True)
    except OSError as problem:
        words = (problem.strerror or "unknown reason").lower()
        raise UsageError(f"the folder `{project.state_folder}` can't be made: {words}") from None
    with opened(project) as database:
        yield database

"""What `users` and `tokens` share: the database, and who is at the keyboard."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from yamldag.cli.main import UsageError

if TYPE_CHECKING:
    from yamldag.compile.project import Project
    from yamldag.store.audit import Deed
    from yamldag.store.database import Database


@contextmanager
def opened(project: Project) -> Iterator[Database]:
    """The project's database, which is made if need be."""
    from yamldag.store.database import Away, CannotOpen, open_database

    try:
        os.makedirs(project.state_folder, 0o700, exist_ok=True)
        database = open_database(project.database)
    except OSError as problem:
        words = (problem.strerror or "unknown reason").lower()
        raise UsageError(f"the folder `{project.state_folder}` can't be made: {words}") from None
    except CannotOpen as closed:
        raise UsageError(str(closed)) from None
    try:
        yield database
    except Away as away:
        raise UsageError(f"the database can't be written: {away}") from None
    finally:
        database.close()


def deed(action: str, target: str, **detail: Any) -> Deed:
    """What is done by a command, for the audit log."""
    from yamldag.store.audit import Deed

    return Deed(person(), "command", "", action, target, detail)


def person() -> str:
    """The account on this machine that a command runs by."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # it has no name here
        return str(os.getuid())

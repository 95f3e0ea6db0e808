"""Opens the database at the right revision, and gives transactions on the driver's own connection.

A local run must not wait for SQLAlchemy to load, so SQLite is opened here by its driver alone: a new file
gets `schema.sql`, which is what the migrations come to. Only an older database makes Alembic load.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from yamldag.store.names import REVISION

_SQLITE = "sqlite:///"
_HERE = os.path.dirname(os.path.abspath(__file__))
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # What was said to have happened must still have happened after a power cut.
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
)
BUSY = 30.0
"""Seconds that a writer waits for another one."""


class CannotOpen(Exception):  # noqa: N818
    """The database can't be opened; these words say why to a person."""


T = TypeVar("T")

_CLOCK = "(julianday('now') - 2440587.5) * 86400.0"
_BEAT = f"UPDATE runner SET step = ?, seen = {_CLOCK} WHERE id = ? AND step = ? AND ended IS NULL"  # noqa: S608


class Fenced(Exception):  # noqa: N818
    """Another engine has taken this life for dead and its runs over: nothing more may be written by it."""


class Database:
    """One connection. Writes go through `write`; the caller says what belongs together."""

    clock = _CLOCK
    """An expression of SQL: Unix seconds, by the database's own clock."""
    skip_locked = ""
    kind = "sqlite"

    def __init__(self, url: str, connection: sqlite3.Connection) -> None:
        self.url = url
        self._connection = connection
        self._life: int | None = None
        self._step = 0
        self._written = time.monotonic()

    def live(self, runner: int) -> None:
        """From now on every write is one of this life's: it beats its heart, and is refused once the life has
        ended. It is also how a commit whose outcome was not heard of is found to have happened."""
        self._life, self._step = runner, 0
        self._written = time.monotonic()

    @property
    def quiet(self) -> float:
        """Seconds since the last write."""
        return time.monotonic() - self._written

    def write(self, work: Callable[[], T]) -> T:
        """All or nothing of what `work` executes. Raises Fenced.

        If the database goes away, `work` is called again when it is back, unless it turns out to be committed:
        it must read and write nothing but SQL and variables of its own.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._beat()
            made = work()
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        self._step += self._life is not None
        self._written = time.monotonic()
        return made

    def _beat(self) -> None:
        if self._life is None:
            return
        if self._connection.execute(_BEAT, (self._step + 1, self._life, self._step)).rowcount != 1:
            raise Fenced

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)

    def add(self, statement: str, values: Sequence[Any]) -> bool:
        """An INSERT of one row. False if a unique key of it is taken: then all is as before."""
        return self._connection.execute(f"{statement} ON CONFLICT DO NOTHING", values).rowcount == 1

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        """The number of rows that were written."""
        return self._connection.executemany(statement, rows).rowcount

    def close(self) -> None:
        self._connection.close()


def open_database(url: str) -> Database:
    """The database at `url`, made or brought to this version's tables if need be. Raises `CannotOpen`."""
    path = sqlite_path(url)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        database = Database(url, _connect(path))
        _upgrade(database)
    except OSError as problem:
        words = (problem.strerror or "unknown reason").lower()
        raise CannotOpen(f"the database `{path}` can't be opened: {words}") from problem
    except sqlite3.Error as problem:
        raise CannotOpen(f"the database `{path}` can't be opened: {problem}") from problem
    return database


def sqlite_path(url: str) -> str:
    """The absolute path that a SQLite URL names. Raises `CannotOpen` for any other."""
    if not url.startswith(_SQLITE) or len(url) == len(_SQLITE):
        raise CannotOpen(
            f"`{url.partition(':')[0]}` is not supported, expected a URL like `sqlite:///path/to/file.db`"
        )
    return os.path.abspath(url[len(_SQLITE) :])


def _connect(path: str) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # params and outputs are for its user alone
    connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None)
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    return connection


def revision(database: Database) -> str | None:
    """The revision of its tables: None for an empty database, "" for one that was emptied again."""
    known = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    if not known:
        return None
    row = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else ""


def _upgrade(database: Database) -> None:
    found = revision(database)
    if found is None:
        _create(database)
    elif found != REVISION:
        from yamldag.store.migrate import knows, upgrade

        if found and not knows(found):
            raise CannotOpen(
                f"the database is at revision {found}, which this version of yamldag does not know: "
                "it was made by a newer one"
            )
        upgrade(database.url)


def _create(database: Database) -> None:
    with open(os.path.join(_HERE, "schema.sql"), encoding="utf-8") as file:
        statements = file.read().split(";\n")

    def create() -> None:
        if revision(database) is None:  # another process may have been first
            for statement in filter(str.strip, statements):
                database.execute(statement)

    database.write(create)

"""SQLite: a file, by the driver that comes with Python."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from yamldag.store.drivers.contract import Cursor, Driver, Taken, Trouble, one_line, overwriting

BUSY = 30.0
"""Seconds that a writer waits for another one."""
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # What was said to have happened must still have happened after a power cut.
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
)
_FRAME = 24 + 4096
"""Bytes that the log takes for a page."""
_ROOM = 1000 * _FRAME
"""The log grows no further as a rule: past it SQLite brings it into the database, and writes over it."""
_PORTION = 64 * _FRAME
"""Bytes that take a file system about a millisecond."""
_TAKEN = frozenset((sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY))
_PASSING = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PROTOCOL,
    )
)


class SQLite(Driver):
    kind = "sqlite"
    clock = "((julianday('now') - 2440587.5) * 86400.0)"
    # Whoever writes is alone from the start.
    for_update = ""
    skip_locked = ""
    error = sqlite3.Error

    def __init__(self, path: str) -> None:
        self.path = path
        self._connection: sqlite3.Connection

    def connect(self) -> None:
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        _make(self.path)
        self._connection = sqlite3.connect(self.path, timeout=BUSY, isolation_level=None)
        for pragma in _PRAGMAS:
            self._connection.execute(pragma)

    def close(self) -> None:
        self._connection.close()

    def be_brief(self) -> None:
        self._connection.execute("PRAGMA busy_timeout = 2000")

    def make_room(self) -> bool:
        """To sync a log that has grown takes a file system twice as long as one that was written over. Zeros behind
        its end are what SQLite itself leaves of an older round: whoever reads it stops at the first of them."""
        self.begin()  # nobody else writes there meanwhile
        try:
            with open(f"{self.path}-wal", "r+b", buffering=0) as log:
                length = log.seek(0, os.SEEK_END)
                if not 0 < length < _ROOM:
                    return False
                log.write(bytes(_PORTION))
                os.fdatasync(log.fileno())
                return True
        finally:
            self.rollback()

    def dbapi(self) -> sqlite3.Connection:
        # SQLAlchemy hands a connection from thread to thread, one after the other.
        return sqlite3.connect(self.path, timeout=BUSY, isolation_level=None, check_same_thread=False)

    def begin(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        if self._connection.in_transaction:  # some errors have rolled back already
            self._connection.execute("ROLLBACK")

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Cursor:
        return self._connection.execute(statement, values)

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        try:
            return self._connection.executemany(statement, rows).rowcount
        except sqlite3.IntegrityError as refused:
            if self.trouble(refused) is Trouble.TAKEN:
                raise Taken from refused
            raise

    def insert(self, statement: str, values: Sequence[Any]) -> int:
        made = self._connection.execute(statement, values).lastrowid
        assert made is not None
        return made

    def add(self, statement: str, values: Sequence[Any]) -> bool:
        return self._connection.execute(f"{statement} ON CONFLICT DO NOTHING", values).rowcount == 1

    put = staticmethod(lru_cache(overwriting))

    def has_table(self, name: str) -> bool:
        return bool(self.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The transaction that makes the tables is alone by itself."""
        yield

    def trouble(self, problem: Exception) -> Trouble:
        code = getattr(problem, "sqlite_errorcode", None)
        if code in _TAKEN:
            return Trouble.TAKEN
        return Trouble.BUSY if code is not None and code & 0xFF in _PASSING else Trouble.OURS

    def words(self, problem: Exception) -> str:
        if isinstance(problem, OSError):
            return (problem.strerror or "unknown reason").lower()
        return one_line(problem)

    def damage(self) -> list[str]:
        return [str(row[0]) for row in self.execute("PRAGMA integrity_check") if row[0] != "ok"]

    def orphans(self) -> list[str]:
        return [f"a row of {row[0]}" for row in self.execute("PRAGMA foreign_key_check")]

    def shown(self) -> str:
        return self.path


def _make(path: str) -> None:
    """An empty database if there is none, for its user alone: params and outputs are.

    One that is there is not opened: to close a file lets go all locks that this process has on it, those of its
    other connections too. Then the next one that leaves takes itself for the last, and deletes the log under them.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

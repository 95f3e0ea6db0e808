"""What every kind of database can do here, and how what goes wrong with one is told apart."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from enum import Enum
from functools import lru_cache
from typing import Any, Protocol

Row = Any
"""A tuple of a row's values."""


class CannotOpen(Exception):  # noqa: N818
    """The database can't be opened; these words say why to a person."""


class Taken(Exception):  # noqa: N818
    """There is a row with that key already."""


class Trouble(Enum):
    """What a driver's exception means for the transaction that met it."""

    TAKEN = "a row with that key is there"
    BUSY = "someone else was in the way, or there is no room: it may well go through the next time"
    AWAY = "the connection is of no use any more"
    OURS = "a mistake of ours"


class Cursor(Protocol):
    """What a statement has come to."""

    @property
    def rowcount(self) -> int:
        """Rows that it wrote; of an UPDATE those that its conditions matched."""

    def fetchone(self) -> Row | None: ...

    def fetchall(self) -> Sequence[Row]: ...

    def __iter__(self) -> Iterator[Row]: ...


class Driver(ABC):
    """One connection to one database. Statements have `?` where their values go."""

    kind: str
    """`sqlite`, `postgresql` or `mysql` (MariaDB too)."""
    clock: str
    """The SQL expression of the database's own clock: Unix seconds, a float."""
    for_update: str
    """Ends a SELECT whose rows nobody else may change until the commit."""
    skip_locked: str
    """The same, of those rows alone that nobody else holds."""
    error: type[Exception]
    """What the driver raises, whatever happened."""

    @abstractmethod
    def connect(self) -> None:
        """Connect, again if need be. Raises `error`, or OSError."""

    @abstractmethod
    def close(self) -> None:
        """Whatever state the connection is in."""

    def be_brief(self) -> None:  # noqa: B027  (most of them are)
        """Say soon that others are in the way: the caller tries again by itself."""

    def make_room(self) -> bool:
        """Spend a moment on making later commits cheaper. False: nothing is left to do. Raises `error`, OSError."""
        return False

    @abstractmethod
    def dbapi(self) -> Any:
        """A further connection as SQLAlchemy wants it."""

    @abstractmethod
    def begin(self) -> None: ...

    @abstractmethod
    def commit(self) -> None: ...

    @abstractmethod
    def rollback(self) -> None: ...

    @abstractmethod
    def execute(self, statement: str, values: Sequence[Any] = ()) -> Cursor: ...

    @abstractmethod
    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        """Execute it for each row; the number of rows that were written, or matched by an UPDATE."""

    @abstractmethod
    def insert(self, statement: str, values: Sequence[Any]) -> int:
        """Execute an INSERT of one row; the `id` that the database gave to it."""

    @abstractmethod
    def add(self, statement: str, values: Sequence[Any]) -> bool:
        """Execute an INSERT of one row, unless a unique key of it is taken: then False, and all is as before."""

    @abstractmethod
    def put(self, table: str, key: tuple[str, ...], columns: tuple[str, ...]) -> str:
        """The INSERT of one row that overwrites the one that has its key."""

    @abstractmethod
    def has_table(self, name: str) -> bool: ...

    @abstractmethod
    def alone(self) -> AbstractContextManager[None]:
        """No other process is in here meanwhile: for what makes tables."""

    @abstractmethod
    def trouble(self, problem: Exception) -> Trouble: ...

    @abstractmethod
    def words(self, problem: Exception) -> str:
        """What happened, for a person, in one line."""

    @abstractmethod
    def damage(self) -> list[str]:
        """What the database's own check finds wrong with it."""

    def orphans(self) -> list[str]:
        """Rows that point nowhere: a server lets none come up."""
        return []

    @abstractmethod
    def shown(self) -> str:
        """Its address for a person: without the password."""


@lru_cache(maxsize=500)
def formatted(statement: str) -> str:
    """With `%s` for each `?`, as the servers' drivers want it; texts in quotes stay as they are."""
    parts = statement.replace("%", "%%").split("'")
    parts[::2] = [part.replace("?", "%s") for part in parts[::2]]
    return "'".join(parts)


def insert_text(table: str, columns: Sequence[str]) -> str:
    """The INSERT of one row."""
    marks = ", ".join("?" for _ in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608  (our own names)


def overwriting(table: str, key: tuple[str, ...], columns: tuple[str, ...]) -> str:
    """The upsert that SQLite and PostgreSQL share."""
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    return f"{insert_text(table, columns)} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"


def number(text: str) -> int | float:
    """A server's decimal number, such as a sum of whole ones is."""
    return float(text) if "." in text else int(text)


def one_line(problem: Exception) -> str:
    """The first line of what a driver says, as messages are written here."""
    text = str(problem).strip() or type(problem).__name__
    return text.splitlines()[0].strip().rstrip(".")

"""PostgreSQL, by psycopg 3."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from yamldag.store.drivers.contract import (
    CannotOpen,
    Cursor,
    Driver,
    Taken,
    Trouble,
    formatted,
    number,
    one_line,
    overwriting,
)
from yamldag.store.drivers.urls import without_password

try:
    import psycopg
    from psycopg.adapt import Buffer, Loader
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.types.string import StrDumperUnknown
except ImportError:
    raise CannotOpen(
        "PostgreSQL needs a driver that is not installed: `pip install 'yamldag[postgres]'`"
    ) from None

if TYPE_CHECKING:
    from psycopg.abc import PQGen

PATIENCE = 8.0
"""Seconds after which a statement that nothing is heard of has met a server that hangs."""
_DEFAULTS: dict[str, str] = {
    "connect_timeout": "5",
    "application_name": "yamldag",
    "client_encoding": "UTF8",
    # A peer that is gone without a word is noticed when nothing is sent, too.
    "keepalives_idle": "30",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "8000",
}
_SETTINGS = "SET lock_timeout = '5s'"
IDLE = 10
"""Seconds after which the server gives up a transaction in which nothing is asked: its process stands still, and
what it has locked is wanted."""
_LOCK = 0x79616D6C646167
"""Of the advisory lock: its name as a number."""
# Classes and single states of SQL that are nobody's mistake: the server is full, stopping, or read only.
_PASSING_CLASSES = ("53", "40")
_PASSING = frozenset(("55P03", "57014", "58030"))
_AWAY_CLASSES = ("08",)
_AWAY = frozenset(("57P01", "57P02", "57P03", "57P05", "25006", "25P03"))
_UNIQUE = "23505"


class _Text(StrDumperUnknown):
    """PostgreSQL has no NUL in its texts; a task's last words may have one."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)


class _Number(Loader):
    def load(self, data: Buffer) -> int | float:
        return number(bytes(data).decode())


class _Connection(psycopg.Connection[Any]):
    """Waits for an answer, and not for ever."""

    patience: float | None = None

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        if self.patience is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(_watched(gen, self.patience), interval, timeout)
        except _Silent:
            self.pgconn.finish()  # an answer that comes late must not be taken for that of the next statement
            raise psycopg.OperationalError("the server does not answer") from None


class _Silent(Exception):  # noqa: N818
    """Nothing has been heard of the server for too long."""


def _watched(gen: PQGen[Any], patience: float) -> PQGen[Any]:
    """The same steps of a wait; each may take so many seconds."""
    heard = time.monotonic()
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready:
                heard = time.monotonic()
            elif time.monotonic() - heard > patience:
                raise _Silent
            wanted = gen.send(ready)
    except StopIteration as stop:
        return stop.value


class PostgreSQL(Driver):
    kind = "postgresql"
    clock = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"
    for_update = " FOR UPDATE"
    skip_locked = " FOR UPDATE SKIP LOCKED"
    error = psycopg.Error

    def __init__(self, url: str) -> None:
        self._shown = without_password(url)
        self._options = {**_DEFAULTS, **_read(url)}
        self._connection: _Connection

    def connect(self) -> None:
        with suppress(AttributeError, psycopg.Error):
            self._connection.close()
        self._connection = self._connected()
        self._connection.autocommit = True
        self._connection.patience = PATIENCE
        self._connection.execute(_SETTINGS)
        self._connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE}s'")

    def _connected(self) -> _Connection:
        connection = _Connection.connect(**self._options)
        connection.adapters.register_dumper(str, _Text)
        connection.adapters.register_loader("numeric", _Number)
        return connection

    def close(self) -> None:
        self._connection.close()

    def dbapi(self) -> _Connection:
        return self._connected()

    def begin(self) -> None:
        self._connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")

    def commit(self) -> None:
        told = self._connection.execute("COMMIT").statusmessage
        # So it answers if a statement has failed and nobody has minded.
        assert told == "COMMIT", told

    def rollback(self) -> None:
        self._connection.execute("ROLLBACK")

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Cursor:
        return self._connection.execute(formatted(statement), values)

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        cursor = self._connection.cursor()
        try:
            cursor.executemany(formatted(statement), rows)
        except psycopg.errors.UniqueViolation as refused:
            raise Taken from refused
        return cursor.rowcount

    def insert(self, statement: str, values: Sequence[Any]) -> int:
        row = self.execute(f"{statement} RETURNING id", values).fetchone()
        assert row is not None
        return int(row[0])

    def add(self, statement: str, values: Sequence[Any]) -> bool:
        return self.execute(f"{statement} ON CONFLICT DO NOTHING", values).rowcount == 1

    put = staticmethod(lru_cache(overwriting))

    def has_table(self, name: str) -> bool:
        row = self.execute("SELECT to_regclass(?) IS NOT NULL", (name,)).fetchone()
        return row is not None and bool(row[0])

    @contextmanager
    def alone(self) -> Iterator[None]:
        self._connection.patience = None  # another process may be at it
        self._connection.execute("SET lock_timeout = 0")
        self.execute("SELECT pg_advisory_lock(?)", (_LOCK,))
        try:
            yield
        finally:
            self.execute("SELECT pg_advisory_unlock(?)", (_LOCK,))
            self._connection.execute(_SETTINGS)
            self._connection.patience = PATIENCE

    def trouble(self, problem: Exception) -> Trouble:
        state = getattr(problem, "sqlstate", None)
        if state is None:
            lost = isinstance(problem, (psycopg.OperationalError, psycopg.InterfaceError))
            return Trouble.AWAY if lost else Trouble.OURS
        if state == _UNIQUE:
            return Trouble.TAKEN
        if state in _AWAY or state.startswith(_AWAY_CLASSES):
            return Trouble.AWAY
        return Trouble.BUSY if state in _PASSING or state.startswith(_PASSING_CLASSES) else Trouble.OURS

    def words(self, problem: Exception) -> str:
        return one_line(problem)

    def damage(self) -> list[str]:
        """It sees to its pages and its keys by itself."""
        return []

    def shown(self) -> str:
        return self._shown


def _read(url: str) -> dict[str, Any]:
    try:
        return conninfo_to_dict("postgresql://" + url.partition("://")[2])
    except psycopg.Error:  # whose words repeat parts of the URL, the password perhaps
        raise CannotOpen(
            f"`{without_password(url)}` can't be read, expected a URL like `postgresql://user:password@host/db`; "
            "signs such as `@` and `/` in a password are written `%40` and `%2F`"
        ) from None

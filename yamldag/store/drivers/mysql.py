"""MySQL and MariaDB, by PyMySQL."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from yamldag.store.drivers.contract import (
    CannotOpen,
    Cursor,
    Driver,
    Taken,
    Trouble,
    formatted,
    insert_text,
    number,
    one_line,
)
from yamldag.store.drivers.urls import without_password

try:
    import pymysql
    from pymysql.constants import CLIENT, FIELD_TYPE
    from pymysql.converters import conversions
except ImportError:
    raise CannotOpen(
        "MySQL and MariaDB need a driver that is not installed: `pip install 'yamldag[mysql]'`"
    ) from None

PATIENCE = 8
"""Seconds after which a statement that nothing is heard of has met a server that hangs."""
_LONG = 3600
"""The same, of a connection that reads much or makes tables."""
_SETTINGS = (
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    # In that zone the clock is told without a jump when summer time ends.
    "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', "
    "time_zone = '+00:00', innodb_lock_wait_timeout = 5",
)
IDLE = 10
"""Seconds after which MariaDB gives up a transaction in which nothing is asked: its process stands still, and what
it has locked is wanted."""
_CONVERSIONS = {**conversions, FIELD_TYPE.DECIMAL: number, FIELD_TYPE.NEWDECIMAL: number}
_TOGETHER = 200
"""Updates that are sent at once: each would be a journey of its own."""
_OPTIONS = ("ssl_ca", "ssl_cert", "ssl_key", "unix_socket")
_TAKEN = 1062
# Lock times out, deadlock, disk or table full, no more connections, an interrupted or stale statement, and
# what a cluster or a server that starts says.
_PASSING = frozenset((1205, 1213, 1021, 1114, 1317, 1969, 3024, 1020, 1180, 1203, 1226, 1637, 3101))
_AWAY = frozenset(
    (0, 1040, 1047, 1053, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1290, 1836, 1927,
     2000, 2002, 2003, 2005, 2006, 2012, 2013, 2014, 2027, 2055, 3169, 4031)
)  # fmt: skip


class MySQL(Driver):
    kind = "mysql"
    clock = "(UNIX_TIMESTAMP(NOW(6)) + 0e0)"
    for_update = " FOR UPDATE"
    skip_locked = " FOR UPDATE SKIP LOCKED"
    error = pymysql.MySQLError

    def __init__(self, url: str) -> None:
        self._shown = without_password(url)
        self._options = _read(url)
        self._connection: Any

    def connect(self) -> None:
        with suppress(AttributeError, pymysql.MySQLError, OSError):
            self._connection._force_close()
        self._connection = self._connected()
        self._connection.autocommit(True)
        if "MariaDB" in self._connection.get_server_info():  # MySQL has nothing of the kind
            self._connection.cursor().execute(f"SET SESSION idle_transaction_timeout = {IDLE}")

    def _connected(self, patience: int | None = PATIENCE) -> Any:
        try:
            connection = pymysql.connect(
                charset="utf8mb4",
                # An UPDATE is to tell the rows that it matched, changed or not.
                client_flag=CLIENT.FOUND_ROWS | CLIENT.MULTI_STATEMENTS,
                conv=_CONVERSIONS,
                connect_timeout=5,
                read_timeout=patience,
                write_timeout=patience,
                **self._options,
            )
        except RuntimeError as lacking:  # a way to log in that needs another package
            raise CannotOpen(f"`{self._shown}` can't be opened: {one_line(lacking)}") from None
        if "unix_socket" not in self._options:
            connection._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 8_000)
        cursor = connection.cursor()
        for setting in _SETTINGS:
            cursor.execute(setting)
        return connection

    def close(self) -> None:
        with suppress(pymysql.MySQLError):  # it may be closed already
            self._connection.close()

    def dbapi(self) -> Any:
        return self._connected(patience=_LONG)

    def begin(self) -> None:
        self._connection.begin()

    def commit(self) -> None:
        self._connection.commit()

    def rollback(self) -> None:
        self._connection.rollback()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Cursor:
        cursor: Cursor = self._cursor(statement, values)
        return cursor

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        try:
            if statement.startswith("INSERT"):  # the driver makes one statement of them
                return int(self._connection.cursor().executemany(formatted(statement), rows) or 0)
            firsts = range(0, len(rows), _TOGETHER)
            return sum(self._together(statement, rows[first : first + _TOGETHER]) for first in firsts)
        except pymysql.IntegrityError as refused:
            if self.trouble(refused) is Trouble.TAKEN:
                raise Taken from refused
            raise

    def _together(self, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        cursor, text = self._connection.cursor(), formatted(statement)
        cursor.execute(";".join(cursor.mogrify(text, tuple(row)) for row in rows))
        found = int(cursor.rowcount)
        while cursor.nextset():
            found += int(cursor.rowcount)
        return found

    def insert(self, statement: str, values: Sequence[Any]) -> int:
        return int(self._cursor(statement, values).lastrowid)

    def _cursor(self, statement: str, values: Sequence[Any]) -> Any:
        cursor = self._connection.cursor()
        cursor.execute(formatted(statement), tuple(values))
        return cursor

    def add(self, statement: str, values: Sequence[Any]) -> bool:
        """INSERT IGNORE would swallow other faults, too; a statement that fails here harms no other."""
        try:
            self.execute(statement, values)
        except pymysql.IntegrityError as refused:
            if self.trouble(refused) is Trouble.TAKEN:
                return False
            raise
        return True

    @staticmethod
    @lru_cache
    def put(table: str, key: tuple[str, ...], columns: tuple[str, ...]) -> str:
        changes = ", ".join(f"{name} = VALUES({name})" for name in columns if name not in key)
        return f"{insert_text(table, columns)} ON DUPLICATE KEY UPDATE {changes}"

    def has_table(self, name: str) -> bool:
        found = self.execute(
            "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?",
            (name,),
        )
        return found.fetchone() is not None

    @contextmanager
    def alone(self) -> Iterator[None]:
        # Names of locks are the server's, and databases are many.
        name = "SHA1(CONCAT('yamldag.', DATABASE()))"
        while self.execute(f"SELECT GET_LOCK({name}, 5)").fetchone() != (1,):
            pass
        try:
            yield
        finally:
            self.execute(f"SELECT RELEASE_LOCK({name})")

    def trouble(self, problem: Exception) -> Trouble:
        code = problem.args[0] if problem.args else None
        if code == _TAKEN:
            return Trouble.TAKEN
        if code in _PASSING:
            return Trouble.BUSY
        return Trouble.AWAY if code in _AWAY else Trouble.OURS

    def words(self, problem: Exception) -> str:
        told = problem.args[1] if len(problem.args) > 1 else None
        return one_line(Exception(told) if isinstance(told, str) and told else problem)

    def damage(self) -> list[str]:
        names = [row[0] for row in self.execute("SHOW TABLES")]
        found = []
        for name in names:
            rows = self.execute(f"CHECK TABLE `{name}`")
            found += [f"{name}: {row[3]}" for row in rows if row[2] in ("error", "Error")]
        return found

    def shown(self) -> str:
        return self._shown


def _read(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        found = {"host": parts.hostname or "127.0.0.1", "port": parts.port or 3306}
    except ValueError:  # whose words repeat parts of the URL, the password perhaps
        options, found = {}, {}
    database = unquote(parts.path[1:]) if found else ""
    if not database or "/" in database:
        raise CannotOpen(
            f"`{without_password(url)}` can't be read, expected a URL like `mysql://user:password@host/db`; "
            "signs such as `@` and `/` in a password are written `%40` and `%2F`"
        )
    for name in options:
        if name not in _OPTIONS:
            raise CannotOpen(
                f"`{without_password(url)}` has an option `{name}`, expected one of {', '.join(_OPTIONS)}"
            )
    found |= {"database": database, **options}
    if parts.username is not None:
        found["user"] = unquote(parts.username)
    if parts.password is not None:
        found["password"] = unquote(parts.password)
    return found

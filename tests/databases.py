"""A database for a test: `database_url` on each of the three kinds, `server_url` on the servers alone."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from yamldag.store.database import Database, open_database
from yamldag.store.tables import metadata

_numbers = itertools.count()


class Servers:
    """The servers of one worker's session: the machine's, else private ones that begin when they are asked for."""

    def __init__(self) -> None:
        self._urls: dict[str, str] = {}
        self._emptied: dict[str, str] = {}
        self._private: list[servers.Server] = []

    def url(self, kind: str) -> str:
        """Its administrator's. Skips the test when there is none, and fails it in CI."""
        if kind not in self._urls:
            self._urls[kind] = servers.administrator(kind) or self._begin(kind)
        return self._urls[kind]

    def _begin(self, kind: str) -> str:
        try:
            server = servers.private(kind)
        except servers.Missing as missing:
            if os.environ.get("CI") == "true":
                pytest.fail(str(missing))
            pytest.skip(str(missing))
        self._private.append(server)
        return server.url

    def make(self, kind: str) -> str:
        """A database without tables."""
        name = f"yamldag_test_{os.getpid()}_{next(_numbers)}"
        servers.tell(self.url(kind), f"CREATE DATABASE {name}")
        return servers.on(self.url(kind), name)

    def drop(self, kind: str, url: str) -> None:
        force = " WITH (FORCE)" if kind == "postgresql" else ""
        servers.tell(self.url(kind), f"DROP DATABASE {url.rpartition('/')[2]}{force}")

    def emptied(self, kind: str) -> str:
        """A database whose tables have no rows: always the same one, for tables take long to make."""
        if kind not in self._emptied:
            self._emptied[kind] = self.make(kind)
        opened = open_database(self._emptied[kind])
        try:
            _empty(opened)
        finally:
            opened.close()
        return self._emptied[kind]

    def close(self) -> None:
        for kind, url in self._emptied.items():
            self.drop(kind, url)
        for server in self._private:
            server.close()


def _empty(database: Database) -> None:
    """Only what is not empty: a statement that changes nothing takes MariaDB as long as one that does."""
    tables = [table.name for table in reversed(metadata.sorted_tables)]
    asked = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in tables)
    filled = {name for (name,) in database.execute(asked).fetchall()}
    for name in tables:
        if name in filled:
            database.execute(f"DELETE FROM {name}")
    for name in _counting(database):
        database.execute(
            f"SELECT setval('{name}_id_seq', 1, false)"
            if database.kind == "postgresql"
            else f"ALTER TABLE {name} AUTO_INCREMENT = 1"
        )


def _counting(database: Database) -> list[str]:
    """The tables that have given ids."""
    if database.kind == "postgresql":
        return [table.name for table in metadata.sorted_tables if table.autoincrement_column is not None]
    rows = database.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = database() AND auto_increment > 1"
    )
    return [name for (name,) in rows.fetchall()]


@pytest.fixture(scope="session")
def database_servers() -> Iterator[Servers]:
    made = Servers()
    yield made
    made.close()


@pytest.fixture(params=("sqlite", *servers.KINDS))
def database_url(request: pytest.FixtureRequest, tmp_path: Path, database_servers: Servers) -> str:
    """Of a database without rows; SQLite's is where a project in `tmp_path` would have its own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / '.yamldag' / 'yamldag.db'}"
    return database_servers.emptied(request.param)


@pytest.fixture(params=servers.KINDS)
def server_url(request: pytest.FixtureRequest, database_servers: Servers) -> Iterator[str]:
    """Of a server's database without tables."""
    url = database_servers.make(request.param)
    yield url
    database_servers.drop(request.param, url)

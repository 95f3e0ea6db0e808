"""The driver that a URL asks for."""

from __future__ import annotations

from yamldag.store.drivers.contract import CannotOpen, Driver
from yamldag.store.drivers.sqlite import SQLite
from yamldag.store.drivers.urls import SQLITE, sqlite_path


def driver_of(url: str) -> Driver:
    """Not connected yet. Raises CannotOpen for a URL that can't be read, or whose driver is not installed."""
    if url == SQLITE:
        raise CannotOpen("`sqlite:///` names no file, expected `sqlite:///path/to/file.db`")
    if path := sqlite_path(url):
        return SQLite(path)
    kind = url.partition(":")[0].lower()
    if kind in ("postgresql", "postgres", "postgresql+psycopg"):
        from yamldag.store.drivers.postgresql import PostgreSQL

        return PostgreSQL(url)
    if kind in ("mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"):
        from yamldag.store.drivers.mysql import MySQL

        return MySQL(url)
    raise CannotOpen(
        f"`{kind}` is not supported, expected a URL like `sqlite:///path/to/file.db`, "
        "`postgresql://user:password@host/db` or `mysql://user:password@host/db`"
    )

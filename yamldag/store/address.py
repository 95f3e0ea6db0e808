"""SQLAlchemy's engine for a database's URL: it connects as the drivers here do."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from yamldag.store.drivers.choose import driver_of

_DIALECTS = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://", "mysql": "mysql+pymysql://"}


def engine(url: str) -> sa.Engine:
    """Every connection of it is a new one; on SQLite it is alone from its first statement. Raises CannotOpen."""
    return _engine(url, "BEGIN IMMEDIATE")


def reading(url: str) -> sa.Engine:
    """The same, to read by: all that one connection reads is of one moment."""
    return _engine(url, "BEGIN", isolation_level="REPEATABLE READ")


def _engine(url: str, begin: str, **on_servers: Any) -> sa.Engine:
    driver = driver_of(url)
    options = {} if driver.kind == "sqlite" else on_servers
    made = sa.create_engine(_DIALECTS[driver.kind], creator=driver.dbapi, poolclass=sa.NullPool, **options)
    if driver.kind == "sqlite":  # whose driver begins late, and not at all before it makes tables

        @sa.event.listens_for(made, "begin")
        def _begin(connection: sa.Connection) -> None:
            connection.exec_driver_sql(begin)

    return made

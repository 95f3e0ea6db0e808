"""SQLAlchemy's engine for a database's URL: it connects as the drivers here do."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from yamldag.store.drivers.choose import driver_of
from yamldag.store.drivers.contract import Trouble
from yamldag.store.patience import Away

_DIALECTS = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://", "mysql": "mysql+pymysql://"}


def engine(url: str) -> sa.Engine:
    """Every connection of it is a new one; on SQLite it is alone from its first statement. Raises CannotOpen;
    its uses raise Away."""
    return _engine(url, "BEGIN IMMEDIATE")


@lru_cache(maxsize=4)
def reading(url: str) -> sa.Engine:
    """The same, to read by: all that one connection reads is of one moment.

    It is kept, since it knows its statements in SQL: to find that anew takes longer than most of them."""
    return _engine(url, "BEGIN", isolation_level="REPEATABLE READ")


def _engine(url: str, begin: str, **on_servers: Any) -> sa.Engine:
    driver = driver_of(url)
    options = {} if driver.kind == "sqlite" else on_servers

    def connect() -> Any:
        try:
            return driver.dbapi()
        except driver.error as problem:
            raise Away(driver.words(problem)) from problem

    made = sa.create_engine(_DIALECTS[driver.kind], creator=connect, poolclass=sa.NullPool, **options)

    @sa.event.listens_for(made, "handle_error")
    def _translate(context: sa.engine.ExceptionContext) -> None:
        problem = context.original_exception
        if isinstance(problem, driver.error) and driver.trouble(problem) in (Trouble.BUSY, Trouble.AWAY):
            context.chained_exception = Away(driver.words(problem))

    if driver.kind == "sqlite":  # whose driver begins late, and not at all before it makes tables

        @sa.event.listens_for(made, "begin")
        def _begin(connection: sa.Connection) -> None:
            connection.exec_driver_sql(begin)

    return made

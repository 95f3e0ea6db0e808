"""Brings a database to this version's tables by Alembic, which loads SQLAlchemy: imported only when needed."""

from __future__ import annotations

import os
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from yamldag.store.address import engine
from yamldag.store.names import REVISION
from yamldag.store.tables import metadata

_SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "migrations")


def upgrade(url: str, revision: str = "head") -> None:
    """Run the migrations that the database at `url` lacks, up to `revision`."""
    with engine(url).begin() as connection:
        command.upgrade(_config(connection), revision)


def create(url: str) -> None:
    """Make this version's tables in the empty database at `url`, a server's."""
    with engine(url).begin() as connection:
        metadata.create_all(connection)
        command.stamp(_config(connection), REVISION)


def knows(revision: str) -> bool:
    """Whether there is a migration of that name."""
    return any(script.revision == revision for script in ScriptDirectory(_SCRIPTS).walk_revisions())


def current(url: str) -> str | None:
    """The revision that the database is at, or None for an empty one."""
    with engine(url).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", _SCRIPTS)
    config.attributes["connection"] = connection
    return config


def schema_sql() -> str:
    """The tables as text for SQLite: what `schema.sql` holds, so that a new database needs no SQLAlchemy."""
    from sqlalchemy.dialects import sqlite
    from sqlalchemy.schema import CreateIndex, CreateTable

    made: list[Any] = [CreateTable(table) for table in metadata.sorted_tables]
    made += [
        CreateIndex(index) for table in metadata.sorted_tables for index in sorted(table.indexes, key=_name)
    ]
    texts = [str(each.compile(dialect=sqlite.dialect())).strip() for each in made]
    texts.append(
        "CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, \n"
        "\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)"
    )
    texts.append(f"INSERT INTO alembic_version (version_num) VALUES ('{REVISION}')")  # noqa: S608
    return ";\n\n".join("\n".join(line.rstrip() for line in text.splitlines()) for text in texts) + ";\n"


def _name(index: sa.Index) -> str:
    return str(index.name)


if __name__ == "__main__":
    # `python -m yamldag.store.migrate` renews the file.
    with open(os.path.join(os.path.dirname(_SCRIPTS), "schema.sql"), "w", encoding="utf-8") as file:
        file.write(schema_sql())

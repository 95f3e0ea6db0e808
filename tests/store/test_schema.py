"""What is shipped as text is what the tables and the migrations say."""

from __future__ import annotations

import re
import sqlite3
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import mysql, sqlite

from yamldag.plan.state import AttemptState, RunState, TaskState
from yamldag.store import address, migrate, rows, statements, tables
from yamldag.store import database as opening
from yamldag.store.database import CannotOpen, open_database, revision
from yamldag.store.drivers.contract import formatted
from yamldag.store.names import REVISION

SCHEMA = Path(opening.__file__).with_name("schema.sql")


def url(folder: Path, name: str = "y.db") -> str:
    return f"sqlite:///{folder / name}"


def made(path: str) -> set[tuple[str, ...]]:
    """Each table and index as its parts, in no order: columns, constraints."""
    with sqlite3.connect(path) as db:
        found = db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    db.close()
    # Columns that were added later stand behind the line of the last one.
    texts = [re.sub(r", (?=[a-z_]+ [A-Z])", ",\n", sql.replace('"', "")) for (sql,) in found]
    return {tuple(sorted(line.strip(" \t,") for line in text.splitlines())) for text in texts}


def test_the_shipped_schema_is_what_the_tables_compile_to() -> None:
    assert SCHEMA.read_text() == migrate.schema_sql()


def test_a_new_database_is_what_the_migrations_make(tmp_path: Path) -> None:
    open_database(url(tmp_path)).close()
    migrate.upgrade(url(tmp_path, "alembic.db"))
    assert made(str(tmp_path / "y.db")) == made(str(tmp_path / "alembic.db"))


def test_the_migrations_lead_to_the_tables(tmp_path: Path) -> None:
    migrate.upgrade(url(tmp_path))
    engine = sa.create_engine(url(tmp_path))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
    engine.dispose()


def test_the_newest_migration_is_the_revision_that_the_code_expects(tmp_path: Path) -> None:
    assert ScriptDirectory(migrate._SCRIPTS).get_heads() == [REVISION]
    open_database(url(tmp_path)).close()
    assert migrate.current(url(tmp_path)) == REVISION


def test_an_older_database_is_brought_up(tmp_path: Path) -> None:
    migrate.upgrade(url(tmp_path), "head")
    with sqlite3.connect(tmp_path / "y.db") as db:
        for table in reversed(tables.metadata.sorted_tables):
            db.execute(f"DROP TABLE {table.name}")
        db.execute("DELETE FROM alembic_version")
    db.close()
    database = open_database(url(tmp_path))
    assert revision(database) == REVISION
    assert database.execute("SELECT count(*) FROM run").fetchone() == (0,)
    database.close()


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    database = open_database(url(tmp_path))
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(CannotOpen, match="made by a newer one"):
        open_database(url(tmp_path))


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    open_database(url(tmp_path)).close()
    before = made(str(tmp_path / "y.db"))
    open_database(url(tmp_path)).close()
    assert made(str(tmp_path / "y.db")) == before


@pytest.mark.parametrize("bad", ["oracle://x", "sqlite:///", "nonsense", "sqlite:////proc/nowhere/y.db"])
def test_what_cannot_be_opened_says_so(bad: str) -> None:
    with pytest.raises(CannotOpen, match=r"supported|can't be opened|names no file"):
        open_database(bad)


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "y.db").write_text("hello " * 1000)
    with pytest.raises(CannotOpen, match="can't be opened"):
        open_database(url(tmp_path))


@pytest.mark.parametrize(
    ("table", "states"),
    [("run", RunState), ("task_instance", TaskState), ("attempt", AttemptState)],
)
def test_the_database_knows_the_states_of_the_table_and_no_other(table: str, states: type[StrEnum]) -> None:
    check = next(
        text for text in SCHEMA.read_text().split(";\n\n") if text.startswith(f"CREATE TABLE {table} ")
    )
    spelt = " OR ".join(f"state = '{state}'" for state in states)
    assert f"CHECK ({spelt})" in check


CORE: dict[str, tuple[Any, Any]] = {
    "NEW_RUN": (rows.NewRun, sa.insert(tables.run)),
    "NEW_INSTANCE": (rows.NewInstance, sa.insert(tables.task_instance)),
    "NEW_ATTEMPT": (rows.NewAttempt, sa.insert(tables.attempt)),
    "OUTPUT": (rows.Output, sa.insert(tables.output)),
    "ASSET_UPDATE": (rows.AssetUpdate, sa.insert(tables.asset_update)),
    "NOTIFICATION": (rows.NewNotification, sa.insert(tables.notification)),
    "EVENT": (rows.Logged, sa.insert(tables.event)),
    "MOVE_RUN": (
        rows.RunMove,
        sa.update(tables.run).where(
            tables.run.c.id == sa.bindparam("at_id"),
            tables.run.c.state == sa.bindparam("was"),
            tables.run.c.owner == sa.bindparam("at_owner"),
        ),
    ),
    "MOVE_INSTANCE": (
        rows.InstanceMove,
        sa.update(tables.task_instance).where(
            tables.task_instance.c.id == sa.bindparam("at_id"),
            tables.task_instance.c.state == sa.bindparam("was"),
            tables.task_instance.c.attempts == sa.bindparam("attempts_were"),
        ),
    ),
    "END_ATTEMPT": (
        rows.AttemptEnd,
        sa.update(tables.attempt).where(
            tables.attempt.c.id == sa.bindparam("at_id"), tables.attempt.c.state == sa.bindparam("was")
        ),
    ),
}


DIALECTS: dict[str, sa.Dialect] = {
    "sqlite": sqlite.dialect(paramstyle="qmark"),
    # Of its drivers this one gets statements without types at the marks, as ours needs none.
    "postgresql": sa.dialects.registry.load("postgresql.psycopg2")(paramstyle="format"),
    "mysql": mysql.dialect(paramstyle="format"),
}


def in_words_of(kind: str, statement: sa.ClauseElement) -> str:
    """A statement as it is compiled for a kind of database: a name that is a word there has quotes."""
    text = " ".join(str(statement.compile(dialect=DIALECTS[kind])).split())
    return text.partition(" RETURNING ")[0]


def on(kind: str, statement: str) -> str:
    return statement if kind == "sqlite" else formatted(statement)


@pytest.mark.parametrize("kind", DIALECTS)
@pytest.mark.parametrize("name", CORE)
def test_a_hot_statement_is_what_the_tables_compile_to(name: str, kind: str) -> None:
    row, statement = CORE[name]
    conditions = 0 if statement.is_insert else {"MOVE_RUN": 3, "MOVE_INSTANCE": 3, "END_ATTEMPT": 2}[name]
    written = row._fields[: len(row._fields) - conditions]
    values: dict[str, Any] = {column: sa.bindparam(f"new_{column}") for column in written}
    assert in_words_of(kind, statement.values(values)) == on(kind, getattr(statements, name))
    compiled = statement.values(values).compile(dialect=DIALECTS[kind])
    assert [str(bound).removeprefix("new_") for bound in compiled.positiontup or ()] == [
        *written,
        *(
            field if field in ("was", "attempts_were") else f"at_{field}"
            for field in row._fields[len(written) :]
        ),
    ]


SHORT: dict[str, Any] = {
    "EXPAND": sa.update(tables.task_instance)
    .where(tables.task_instance.c.id == sa.bindparam("at_id"), tables.task_instance.c.item.is_(None))
    .values(map_index=sa.bindparam("new_index"), item=sa.bindparam("new")),
    "UNMAP": sa.update(tables.task_instance)
    .where(tables.task_instance.c.id == sa.bindparam("at_id"))
    .values(item=sa.null()),
    "FORGET": sa.delete(tables.output).where(tables.output.c.instance == sa.bindparam("at_id")),
    "ANSWER": sa.update(tables.request)
    .where(tables.request.c.id == sa.bindparam("at_id"), tables.request.c.done.is_(None))
    .values(done=sa.bindparam("new_done"), answer=sa.bindparam("new_answer")),
}


@pytest.mark.parametrize("name", SHORT)
@pytest.mark.parametrize("kind", DIALECTS)
def test_a_short_statement_is_what_the_tables_compile_to(name: str, kind: str) -> None:
    assert in_words_of(kind, SHORT[name]) == on(kind, getattr(statements, name))


def test_a_server_s_older_database_is_brought_up(server_url: str) -> None:
    migrate.create(server_url)
    new = [tables.account, tables.login_session, tables.login_try, tables.api_token, tables.audit]
    new += [tables.api_answer, tables.webhook, tables.webhook_message, tables.stored_value]
    engine = address.engine(server_url)
    with engine.begin() as connection:
        tables.metadata.drop_all(connection, new)
        for index in tables.run.indexes:
            if "created" in index.columns:
                index.drop(connection)
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0002'"))
    open_database(server_url).close()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, tables.metadata) == []
    assert migrate.current(server_url) == REVISION

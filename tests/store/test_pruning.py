"""Runs that ended long ago are deleted, and nothing that anybody still needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from yamldag.store import moves, pruning
from yamldag.store import statements as sql
from yamldag.store.database import Database, open_database
from yamldag.store.names import RUN_TYPES
from yamldag.store.rows import NewAttempt, NewInstance, NewRun, Output
from yamldag.store.tables import metadata, run, task_instance


def day(number: int) -> str:
    return f"2026-01-{number:02}T00:00:00.000000Z"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    moves.begin_runner(opened, moves.Life("local", "here", 1, "x", 1.0))
    for pipeline in ("p", "q"):
        moves.save_version(opened, moves.Version(pipeline, "p.yml", f"{pipeline}1", "{}", 1.0))
        moves.save_version(opened, moves.Version(pipeline, "p.yml", f"{pipeline}2", "{}", 1.0))
    yield opened
    opened.close()


def add_run(database: Database, number: int, pipeline: str = "p", state: str = "success", **more: Any) -> str:
    """Run `pipeline`+`number`, which ended at that second, with a task and a row in every table about it."""
    name, ended = f"{pipeline}{number}", float(number) if state not in ("queued", "running") else None
    row = NewRun(
        name, pipeline, f"{pipeline}1", "manual", state, day(number), day(number), day(number), None, "{}", None, 1.0,
        1.0, 1,
    )  # fmt: skip
    assert moves.create_run(database, row._replace(**more))
    database.execute("UPDATE run SET ended = ? WHERE id = ?", (ended, name))
    instance = number + (1000 if pipeline == "q" else 0)
    database.many(
        sql.NEW_INSTANCE,
        [NewInstance(instance, name, "a", -1, None, "success", 1, 1, instance, None, None, 1.0, 1.0, None)],
    )
    attempt = NewAttempt(instance, instance, 1, "success", 1, 1.0, 1.0, 0, "exit", None, None)
    database.many(sql.NEW_ATTEMPT, [attempt])
    database.many(sql.OUTPUT, [Output(instance, "1")])
    database.execute(
        "INSERT INTO deferral (instance, attempt, spec, since) VALUES (?, ?, '', 1)", (instance, instance)
    )
    database.execute(
        "INSERT INTO pool_claim (instance, run, pool, slots, precedence, ready) VALUES (?, ?, 'x', 1, 1, 1)",
        (instance, name),
    )
    database.execute("INSERT INTO event (run, event, state, at) VALUES (?, 'queue', 'queued', 1)", (name,))
    database.execute("INSERT INTO asset_update (asset, run, task, at) VALUES ('a', ?, 'a', 1)", (name,))
    database.execute(
        "INSERT INTO notification (id, run, instance, attempt, cause, position, state, created, "
        "owner) VALUES (?, ?, 0, 0, 'failure', 0, 'done', 1, 1)",
        (instance, name),
    )
    database.execute("INSERT INTO request (run, kind, detail, created) VALUES (?, 'x', '{}', 1)", (name,))
    return name


def prune(database: Database, before: float, keep: int = 0) -> list[str]:
    runs = pruning.prunable(database, before, keep)
    return [name for portion in pruning.prune(database, runs) for name in portion]


def left(database: Database) -> list[str]:
    return sorted(row[0] for row in database.execute("SELECT id FROM run"))


def test_all_that_is_known_of_an_old_run_goes_and_nothing_of_others(database: Database) -> None:
    for number in (1, 2, 3):
        add_run(database, number)
    other = {"p2", "p3"}
    assert prune(database, 2.0) == ["p1"]
    for table in metadata.sorted_tables:
        if "run" in table.c and table is not run:
            rows = {row[0] for row in database.execute(f"SELECT run FROM {table.name}")}
            assert rows == other, table.name
        if "instance" in table.c and table.c.instance.foreign_keys:
            assert {row[0] for row in database.execute(f"SELECT instance FROM {table.name}")} == {2, 3}, (
                table.name
            )
    assert left(database) == ["p2", "p3"]
    assert database.orphans() == []


def test_every_table_that_points_to_a_run_is_thought_of() -> None:
    pointing = {
        table.name
        for table in metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table in (run, task_instance)
    }
    assert pointing == {*pruning._OF_INSTANCES, *pruning._OF_RUNS}


def test_what_is_under_way_stays_whatever_its_age(database: Database) -> None:
    add_run(database, 1, state="running")
    add_run(database, 2, state="queued", version=None, started=None, owner=None)
    add_run(database, 3, state="failed")
    assert prune(database, 100.0) == ["p3"]
    assert left(database) == ["p1", "p2"]


def test_a_run_that_has_begun_again_meanwhile_stays(database: Database) -> None:
    add_run(database, 1)
    runs = pruning.prunable(database, 100.0, 0)
    database.execute("UPDATE run SET state = 'running', ended = NULL WHERE id = 'p1'")
    assert list(pruning.prune(database, runs)) == [[]]
    assert left(database) == ["p1"]


def test_the_newest_of_each_pipeline_and_type_stay(database: Database) -> None:
    assert "backfill" in RUN_TYPES
    for number in (1, 2, 3):
        add_run(database, number)
        add_run(database, number, "q")
    add_run(database, 4, type="backfill")
    assert prune(database, 100.0, keep=2) == ["p1", "q1"]
    assert prune(database, 100.0, keep=1) == ["p2", "q2"]
    assert left(database) == ["p3", "p4", "q3"]


def test_updates_that_nobody_has_used_yet_keep_their_run(database: Database) -> None:
    add_run(database, 1)
    add_run(database, 2)
    (first, second) = (row[0] for row in database.execute("SELECT id FROM asset_update ORDER BY id"))
    database.execute("INSERT INTO asset_use (pipeline, asset, last) VALUES ('q', 'a', ?)", (first,))
    assert prune(database, 100.0) == ["p1"]
    database.execute("UPDATE asset_use SET last = ?", (second,))
    assert prune(database, 100.0) == ["p2"]


def test_the_run_of_a_call_stays_while_its_caller_is_under_way(database: Database) -> None:
    add_run(database, 1, state="running")
    add_run(database, 2)
    database.execute("UPDATE run SET caller = 1 WHERE id = 'p2'")
    assert prune(database, 100.0) == []
    database.execute("UPDATE run SET state = 'success', ended = 1 WHERE id = 'p1'")
    assert prune(database, 100.0) == ["p1", "p2"]


def test_many_runs_go_in_portions(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "PORTION", 2)
    names = [add_run(database, number) for number in range(1, 6)]
    portions = list(pruning.prune(database, pruning.prunable(database, 100.0, 0)))
    assert portions == [names[:2], names[2:4], names[4:]]

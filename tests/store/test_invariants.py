"""Every rule of the database holds for what the engine writes, and sees what breaks it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.simulation import BAD, FATAL, OK, Simulation, each, plan, scripted, task
from yamldag.engine.step.world import Admit, Result
from yamldag.plan.pipeline import to_text
from yamldag.store import moves
from yamldag.store.database import open_database
from yamldag.store.invariants import ALL, broken
from yamldag.store.rows import NewRun

DAY = "2026-11-20T00:00:00.000000Z"
OF = plan(
    task("a", retries=1, retry_delay=0),
    task("m", "a", mapped_by="m"),
    task("f", "m", allow_failure=True),
    task("g", "f", trigger_rule="all_done"),
    mapped={"m": each(1, 2)},
)


def stored(folder: Path, *, whole: bool = True) -> sqlite3.Connection:
    """The rows of one run to its end, or of one whose first task runs; ready to be spoiled."""
    database = open_database(f"sqlite:///{folder}/y.db")
    moves.begin_runner(database, moves.Life("serve", "here", 1, "x", 1.0))
    moves.save_version(database, moves.Version("p", "p.yml", "v", to_text(OF), 1.0))
    for name in "rs":
        row = NewRun(name, "p", "v", "manual", "running", DAY, DAY, DAY, None, "{}", None, 1.0, 1.0, 1)
        assert moves.create_run(database, row)

    def store(result: Result) -> None:
        assert moves.store(database, result.batches).lost == set()

    simulation = Simulation(script=scripted({"a": [BAD, OK], "f": FATAL}), on_step=store)
    simulation.step(Admit(simulation.new_run(OF, "r")))
    simulation.finish()
    simulation.step(Admit(simulation.new_run(OF, "s")))
    if whole:
        simulation.finish()
    database.close()
    connection = sqlite3.connect(folder / "y.db", isolation_level=None)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    return connection


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = stored(tmp_path)
    yield connection
    connection.close()


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = stored(tmp_path, whole=False)
    yield connection
    connection.close()


def names(connection: sqlite3.Connection) -> set[str]:
    return {each.invariant.name for each in broken(lambda query: connection.execute(query).fetchall())}


def test_all_hold_for_what_the_engine_writes(rows: sqlite3.Connection) -> None:
    assert names(rows) == set()


def test_all_hold_while_a_run_is_under_way(begun: sqlite3.Connection) -> None:
    assert begun.execute("SELECT count(*) FROM attempt WHERE state = 'running'").fetchone() == (1,)
    assert names(begun) == set()


OF_A = "(SELECT id FROM task_instance WHERE run = 'r' AND task = 'a')"
OF_B = "(SELECT id FROM task_instance WHERE run = 's' AND task = 'a')"
SPOILS = {
    "run-has-its-times": "UPDATE run SET ended = NULL WHERE id = 'r'",
    "ended-run-is-done": "UPDATE task_instance SET state = 'none' WHERE id = " + OF_A,
    "queued-run-is-still": (
        "UPDATE run SET state = 'queued', ended = NULL WHERE id = 'r'; "
        "UPDATE task_instance SET state = 'running' WHERE id = " + OF_A
    ),
    "failed-run-has-a-reason": "UPDATE run SET state = 'failed' WHERE id = 'r'; "
    "UPDATE task_instance SET state = 'success' WHERE task = 'f'",
    "run-as-its-log": "UPDATE event SET state = 'failed' WHERE run = 'r' AND instance IS NULL",
    "running-task-has-its-attempt": "UPDATE task_instance SET state = 'running' WHERE id = " + OF_A,
    "one-attempt-at-a-time": "UPDATE attempt SET state = 'running' WHERE instance = " + OF_A,
    "running-attempt-of-running-task": "UPDATE attempt SET state = 'running' WHERE number = 2",
    "ended-task-is-done": "UPDATE attempt SET state = 'deferred' WHERE number = 2",
    "attempts-are-numbered": "UPDATE attempt SET number = 3 WHERE number = 2",
    "tries-are-attempts": "UPDATE task_instance SET tries = 9 WHERE id = " + OF_A,
    "attempt-ends-once": "INSERT INTO event (run, instance, attempt, event, state, at) "
    "SELECT run, instance, attempt, event, state, at FROM event WHERE event = 'succeed' AND instance IS NOT NULL",
    "task-as-its-log": "UPDATE task_instance SET state = 'skipped' WHERE id = " + OF_A,
    "outputs-of-successes": "INSERT INTO output SELECT id, '1' FROM task_instance WHERE task = 'f'",
    "instances-are-mapped-or-not": "UPDATE task_instance SET map_index = -1 WHERE map_index = 1",
    "claims-of-the-unfinished": f"INSERT INTO pool_claim VALUES ({OF_A}, 'r', 'p', 1, 0, 0, 0)",
    "deferrals-of-the-deferred": f"INSERT INTO deferral VALUES ({OF_A}, 1, '', 0, 0)",
    "success-without-failure": "UPDATE task_instance SET state = 'failed' WHERE task = 'g'",
    "pools-hold": "INSERT INTO pool VALUES ('p', 1, 'project', NULL); "
    f"INSERT INTO pool_claim VALUES ({OF_A}, 'r', 'p', 2, 0, 0, 1)",
    "one-run-per-tick": "DROP TABLE run; CREATE TABLE run AS SELECT 'p' AS pipeline, 1 AS tick, 'r' AS id, "
    "'queued' AS state, 1 AS version, 1 AS started, NULL AS ended, 1 AS owner, 1 AS stop, NULL AS reason UNION ALL "
    "SELECT 'p', 1, 's', 'queued', 1, 1, NULL, 1, 1, NULL",
    "runs-have-owners": "UPDATE run SET state = 'running', ended = NULL; UPDATE runner SET ended = 1",
}


@pytest.mark.parametrize("name", [each.name for each in ALL])
def test_each_sees_what_breaks_it(name: str, rows: sqlite3.Connection) -> None:
    rows.executescript("PRAGMA ignore_check_constraints = ON; " + SPOILS[name])
    assert name in names(rows)


def test_an_attempt_that_runs_for_a_task_that_does_not_is_seen(begun: sqlite3.Connection) -> None:
    begun.execute(f"UPDATE task_instance SET state = 'scheduled' WHERE id = {OF_B}")
    assert "running-attempt-of-running-task" in names(begun)

"""A database of an earlier version, with a run under way: the next scheduler brings it up and goes on."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from yamldag.engine.clock import MachineClock
from yamldag.engine.loop.engine import Engine
from yamldag.engine.takeover.lives import Onlooker
from yamldag.engine.takeover.recovery import recover
from yamldag.executors.local.executor import LocalExecutor
from yamldag.plan.pipeline import Plan, Task, text_hash, to_text
from yamldag.store import migrate, moves, views
from yamldag.store.database import open_database, revision
from yamldag.store.names import REVISION

DAY = "2026-11-20T00:00:00.000000Z"
OF_THE_FIRST = 1 << 28
"""The ids that the first life of an engine gives begin here."""


def task(folder: Path, name: str, script: str, *needs: str) -> Task:
    return Task(name, "bash", {"script": script}, needs=needs, judged=needs, folder=str(folder))


def first_version(folder: Path, plan: Plan) -> None:
    """What the first version of yamldag left when it was killed: one task had ended, one was running."""
    url = f"sqlite:///{folder / 'y.db'}"
    migrate.upgrade(url, "0001")
    text = to_text(plan)
    version = text_hash(text)
    done, going, waiting = (OF_THE_FIRST + n for n in (1, 2, 3))
    with closing(sqlite3.connect(folder / "y.db")) as db, db:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("INSERT INTO runner VALUES (1, 'serve', 'here', 1, 'gone', 1.0, 1.0, NULL)")
        db.execute("INSERT INTO pipeline VALUES ('p', 'p.yml', ?, 0, 1.0, 1.0)", (version,))
        db.execute("INSERT INTO pipeline_version VALUES (?, 'p', ?, 1.0)", (version, text))
        db.execute(
            "INSERT INTO run (id, pipeline, version, type, state, logical_date, data_interval_start, "
            "data_interval_end, params, created, started, owner) "
            "VALUES ('r', 'p', ?, 'manual', 'running', ?, ?, ?, '{}', 1.0, 1.0, 1)",
            (version, DAY, DAY, DAY),
        )
        instance = (
            "INSERT INTO task_instance (id, run, task, map_index, state, attempts, tries, attempt, started, ended) "
            "VALUES (?, 'r', ?, -1, ?, ?, ?, ?, ?, ?)"
        )
        db.execute(instance, (done, "done", "success", 1, 1, done + 10, 1.0, 2.0))
        db.execute(instance, (going, "going", "running", 1, 1, going + 10, 2.0, None))
        db.execute(instance, (waiting, "waiting", "none", 0, 0, None, None, None))
        attempt = (
            "INSERT INTO attempt (id, instance, number, state, runner, started, ended, exit, reason) "
            "VALUES (?, ?, 1, ?, 1, ?, ?, ?, ?)"
        )
        db.execute(attempt, (done + 10, done, "success", 1.0, 2.0, 0, "exit"))
        db.execute(attempt, (going + 10, going, "running", 2.0, None, None, None))
        db.execute("INSERT INTO output VALUES (?, ?)", (done, '{"n": 5}'))


def test_a_run_of_the_first_version_goes_on_in_this_one(tmp_path: Path) -> None:
    plan = Plan(
        "p",
        tasks=(
            task(tmp_path, "done", "echo done >> ran"),
            task(tmp_path, "going", "echo going {{ tasks.done.output.n }} >> ran", "done"),
            task(tmp_path, "waiting", "echo waiting >> ran", "going"),
        ),
    )
    first_version(tmp_path, plan)
    database = open_database(f"sqlite:///{tmp_path / 'y.db'}")
    assert revision(database) == REVISION
    executor = LocalExecutor(tmp_path / ".yamldag" / "executor", fork=False)
    life = moves.Life("local", "here", os.getpid(), executor.id, 1.0)
    engine = Engine(database, executor, MachineClock(), moves.begin_runner(database, life), dict(os.environ))
    assert recover(engine, executor, Onlooker.at(tmp_path / ".yamldag", {}, alone=True)) == ["r"]
    engine.work(lambda: not engine.world.runs)
    executor.close()
    with views.reading(database.url) as db:
        run = views.one_run(db, "r")
        attempts = {
            task: [row["reason"] for row in views.attempts(db, "r", task)]
            for task in ("done", "going", "waiting")
        }
    assert run is not None
    assert run["state"] == "success"
    # Nothing is left of the process that was to run it, so it is lost and runs again.
    assert attempts == {"done": ["exit"], "going": ["lost", "exit"], "waiting": ["exit"]}
    assert (tmp_path / "ran").read_text() == "going 5\nwaiting\n"
    assert (database.damage(), database.orphans()) == ([], [])
    database.close()

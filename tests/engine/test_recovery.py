"""An engine that is killed, and another one that goes on with its runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from yamldag.engine.clock import MachineClock
from yamldag.engine.loop.engine import Engine
from yamldag.engine.takeover.lives import Onlooker
from yamldag.engine.takeover.recovery import recover
from yamldag.executors.local.executor import LocalExecutor
from yamldag.store import moves, views
from yamldag.store.database import open_database

KILLED = """
import sys
from pathlib import Path
from yamldag.engine import local_run
from yamldag.engine.local_run import Order, run_here
from yamldag.plan.pipeline import Plan, Task

folder, crash = Path(sys.argv[1]), sys.argv[2]
def bash(name, script, *needs, **more):
    return Task(name, "bash", {"script": script}, needs=needs, judged=needs, folder=str(folder), **more)

life = local_run.new_life
local_run.new_life = lambda kind, *rest: life("serve", *rest)  # whose runs others go on with
slow = "echo begun > begun; while ! [ -e go ]; do sleep 0.02; done; "
plan = Plan("p", tasks=(
    bash("first", "echo n=1 > $YAMLDAG_OUTPUT"),
    bash("slow", slow + "echo slow >> ran; echo m=2 > $YAMLDAG_OUTPUT", "first"),
    bash("last", "echo {{ tasks.first.output.n }} {{ tasks.slow.output.m }} >> ran", "slow", "first"),
))
if crash != "while running":
    import os, signal
    from yamldag.engine.loop import engine as loop
    from yamldag.store import moves
    store, steps = moves.store, []
    def storing(database, *step):
        steps.append(0)
        if crash == f"before commit {len(steps)}":
            os.kill(os.getpid(), signal.SIGKILL)
        stored = store(database, *step)
        if crash == f"after commit {len(steps)}":
            os.kill(os.getpid(), signal.SIGKILL)
        return stored
    moves.store = storing
    (folder / "go").touch()
run_here(Order(plan, {}), database=sys.argv[3], folder=folder / ".yamldag")
"""


def killed(folder: Path, url: str, crash: str) -> None:
    command = [sys.executable, "-c", KILLED, str(folder), crash, url]
    process = subprocess.Popen(command)
    if crash == "while running":
        while not (folder / "begun").exists():
            assert process.poll() is None
            os.sched_yield()
        process.kill()
    assert process.wait() == -signal.SIGKILL


def resumed(folder: Path, url: str) -> dict[str, Any]:
    """Take over what is there, finish it, and tell how it ended."""
    executor = LocalExecutor(folder / ".yamldag" / "executor", fork=False)
    database = open_database(url)
    clock = MachineClock()
    life = moves.Life("local", "here", os.getpid(), executor.id, clock.now())
    engine = Engine(database, executor, clock, moves.begin_runner(database, life), dict(os.environ))
    taken = recover(engine, executor, Onlooker.at(folder / ".yamldag", {}))
    (folder / "go").touch()
    engine.work(lambda: not engine.world.runs)
    executor.forget(())
    executor.close()
    database.close()
    with views.reading(url) as db:
        (run,) = views.runs(db)
        rows = views.instances(db, run["id"])
        events = views.events(db, run["id"])
    return {
        "taken": len(taken),
        "state": run["state"],
        "states": {row.task: row.state for row in rows},
        "ends": [event["event"] for event in events if event["event"] in ("succeed", "fail", "lose")],
        "left": sorted(path.name for path in (folder / ".yamldag" / "executor").glob("*.journal")),
    }


def test_what_runs_goes_on_when_its_engine_is_killed_and_another_takes_over(
    database_url: str, tmp_path: Path
) -> None:
    killed(tmp_path, database_url, "while running")
    found = resumed(tmp_path, database_url)
    assert found == {
        "taken": 1,
        "state": "success",
        "states": {"first": "success", "slow": "success", "last": "success"},
        "ends": ["succeed", "succeed", "succeed", "succeed"],
        "left": [],
    }
    assert (tmp_path / "ran").read_text() == "slow\n1 2\n"


@pytest.mark.parametrize(
    "point", [f"{when} commit {n}" for n in (1, 2, 3, 4) for when in ("before", "after")]
)
def test_a_crash_at_any_commit_loses_nothing_and_does_nothing_twice(
    point: str, database_url: str, tmp_path: Path
) -> None:
    killed(tmp_path, database_url, point)
    found = resumed(tmp_path, database_url)
    assert found["state"] == "success"
    assert set(found["states"].values()) == {"success"}
    assert found["left"] == []
    assert (tmp_path / "ran").read_text() == "slow\n1 2\n"


def test_a_run_whose_engine_lives_is_left_alone(database_url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path), "while running", database_url]
    process = subprocess.Popen(command)
    while not (tmp_path / "begun").exists():
        assert process.poll() is None
        os.sched_yield()
    executor = LocalExecutor(tmp_path / ".yamldag" / "executor", fork=False)
    database = open_database(database_url)
    life = moves.Life("local", "here", os.getpid(), executor.id, 1.0)
    engine = Engine(database, executor, MachineClock(), moves.begin_runner(database, life), {})
    assert recover(engine, executor, Onlooker.at(tmp_path / ".yamldag", {})) == []
    (tmp_path / "go").touch()
    assert process.wait() == 0
    executor.close()
    database.close()

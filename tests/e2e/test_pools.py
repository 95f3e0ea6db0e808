"""Pools and priority, through the command line: in one run, across runs, and beside a server."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.project import PATIENCE, YAMLDAG, Project
from tests.e2e.serving import Serve, wait_until

BUSY = 'echo + >> "$LOG"; sleep 0.1; echo - >> "$LOG"'


def most(log: Path) -> int:
    """How many were at work at once."""
    now = high = 0
    for line in log.read_text().split():
        now += 1 if line == "+" else -1
        high = max(high, now)
    assert now == 0
    return high


def pooled(names: str, **more: object) -> dict[str, object]:
    return {name: {"bash": f"echo {name} >> order", "pool": "db", **more} for name in names}


def test_a_pool_bounds_what_runs_at_once(project: Project) -> None:
    project.write("yamldag.yml", "pools: {db: 2}\n")
    log = project.folder / "log"
    of = {"tasks": {"m": {"foreach": list(range(12)), "pool": "db", "bash": BUSY, "env": {"LOG": str(log)}}}}
    ran = project.run(of)
    assert (ran.state, len(ran.rows)) == ("success", 12)
    assert most(log) == 2


def test_higher_priority_goes_first_and_what_does_not_fit_holds_back_the_rest(project: Project) -> None:
    project.write("yamldag.yml", "pools: {db: 1, pair: 2}\n")
    order = project.folder / "pipelines" / "order"
    tasks = {
        **pooled("abc"),
        **pooled("x", priority=5),
        **pooled("y", priority=-1),
        **pooled("z", priority=2),
    }
    assert project.run({"tasks": tasks}).state == "success"
    assert order.read_text().split() == ["x", "z", "a", "b", "c", "y"]
    order.unlink()
    waits = {"bash": "while ! [ -e go ]; do sleep 0.02; done; echo a >> order", "pool": "pair", "priority": 3}
    big = {"bash": "echo big >> order", "pool": "pair", "pool_slots": 2, "priority": 2}
    small = {"bash": "echo small >> order", "pool": "pair"}
    go = {"bash": "touch go"}
    assert project.run({"tasks": {"small": small, "big": big, "a": waits, "go": go}}).state == "success"
    assert order.read_text().split() == ["a", "big", "small"]


def test_pools_that_are_unknown_or_too_small_fail_the_task_and_say_so(project: Project) -> None:
    project.write("yamldag.yml", "pools: {db: 2}\n")
    ran = project.run(
        "tasks:\n  a: {bash: echo, pool: dbb, retries: 3}\n  b: {bash: echo, pool: db, pool_slots: 3, retries: 3}\n"
        "  c: {bash: echo, needs: [a, b]}\n"
    )
    assert ran.states == {"a": "failed", "b": "failed", "c": "upstream_failed"}
    assert ran.attempts == {"a": 1, "b": 1, "c": 0}
    assert ran.reasons["a"] == "there is no pool `dbb`"
    assert ran.reasons["b"] == "it wants 3 slots of the pool `db`, which has 2"


def test_pools_are_listed_set_and_deleted(project: Project) -> None:
    assert "there are no pools" in project("pools").err
    project.write("yamldag.yml", "pools: {db: 2}\n")
    db = {"name": "db", "slots": 2, "source": "project", "used": 0, "waiting": 0}
    assert project("pools", "--json").json == [db]
    assert not (project.folder / ".yamldag").exists()
    assert project("pools", "set", "api", "0").out == "pool `api`: it has 0 slots\n"
    assert project("pools", "set", "db", "5", "--json").json == {**db, "slots": 5, "source": "command"}
    text = project("pools", "list").out.splitlines()
    assert [line.split() for line in text] == [
        ["POOL", "SLOTS", "USED", "WAITING", "FROM"],
        ["api", "0", "0", "0", "command"],
        ["db", "5", "0", "0", "command"],
    ]
    assert project("pools", "delete", "db").out == "pool `db`: yamldag.yml says 2 slots\n"
    assert project("pools", "delete", "api").code == 0
    assert project("pools", "--json").json == [db]
    for wrong, words in {
        ("delete", "db"): "declared in yamldag.yml",
        ("delete", "dbs"): "did you mean `db`?",
        ("set", "db"): "wants NAME SLOTS",
        ("set", "db", "-1"): "",
        ("set", "db", "many"): "whole number",
        ("list", "db"): "wants nothing",
    }.items():
        answer = project("pools", *wrong)
        assert answer.code == 2, answer
        assert words in answer.err


@pytest.fixture
def begun(project: Project) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Commands that a test leaves running."""
    commands: list[subprocess.Popen[bytes]] = []
    yield commands
    for command in commands:
        command.kill()
        command.wait()


def test_runs_of_several_processes_share_a_pool(
    project: Project, begun: list[subprocess.Popen[bytes]]
) -> None:
    log = project.folder / "log"
    project("pools", "set", "db", "2")
    for name in "abc":
        task = {"foreach": [1, 2, 3, 4, 5], "pool": "db", "bash": BUSY, "env": {"LOG": str(log)}}
        project.pipeline({"pipeline": name, "tasks": {"m": task}})
        command = [*YAMLDAG, "run", name]
        begun.append(subprocess.Popen(command, cwd=project.folder, env=project.environment()))
    assert [command.wait(100) for command in begun] == [0, 0, 0]
    assert most(log) == 2
    assert log.read_text().count("+") == 15


def test_a_server_and_a_run_beside_it_share_a_pool_and_edits_take_effect(
    project: Project, serve: Serve
) -> None:
    project.write("yamldag.yml", "pools: {db: 1}\n")
    hold = {"bash": "touch held; while ! [ -e go ]; do sleep 0.02; done", "pool": "db"}
    project.pipeline(
        {"pipeline": "holder", "schedule": "@once", "tasks": {"hold": {"foreach": [1, 2, 3], **hold}}}
    )
    project.pipeline({"pipeline": "quick", "tasks": {"q": {"bash": "echo", "pool": "db"}}})
    serve()
    wait_until((project.folder / "pipelines" / "held").exists)
    command = [*YAMLDAG, "run", "quick"]
    waiting = subprocess.Popen(command, cwd=project.folder, env=project.environment())
    wait_until(lambda: project("pools", "--json").json[0]["waiting"] == 3)
    assert project("pools", "--json").json[0]["used"] == 1
    assert waiting.poll() is None
    project("pools", "set", "db", "4")
    assert waiting.wait(60) == 0
    (project.folder / "pipelines" / "go").touch()
    wait_until(lambda: project("pools", "--json").json[0]["used"] == 0)


def test_who_is_killed_while_it_holds_a_pool_does_not_keep_it_for_ever(
    project: Project, begun: list[subprocess.Popen[bytes]]
) -> None:
    project.write("yamldag.yml", "pools: {db: 1}\n")
    project.pipeline(
        {"pipeline": "holder", "tasks": {"hold": {"bash": "touch held; sleep 600", "pool": "db"}}}
    )
    command = [*YAMLDAG, "run", "holder"]
    begun.append(subprocess.Popen(command, cwd=project.folder, env=project.environment()))
    wait_until((project.folder / "pipelines" / "held").exists)
    project.pipeline({"pipeline": "quick", "tasks": {"q": {"bash": "echo", "pool": "db"}}})
    other = subprocess.Popen([*YAMLDAG, "run", "quick"], cwd=project.folder, env=project.environment())
    begun.append(other)
    wait_until(lambda: project("pools", "--json").json[0]["waiting"] == 1)
    begun[0].kill()
    assert other.wait(60) == 0


def test_the_server_reads_pools_of_the_file_again(project: Project, serve: Serve) -> None:
    project.write("yamldag.yml", "pools: {db: 1, old: 3}\n")
    hold = {"bash": "touch held-{{ item }}; while ! [ -e go ]; do sleep 0.02; done", "pool": "db"}
    of = {"pipeline": "holder", "schedule": "@once", "tasks": {"hold": {"foreach": [0, 1, 2], **hold}}}
    project.pipeline(of)
    serve()
    folder = project.folder / "pipelines"
    wait_until((folder / "held-0").exists)
    assert not (folder / "held-1").exists()
    project.write("yamldag.yml", "pools: {db: 2}\n")
    wait_until((folder / "held-1").exists)
    assert [row["name"] for row in project("pools", "--json").json] == ["db"]
    assert not (folder / "held-2").exists()
    (folder / "go").touch()
    wait_until((folder / "held-2").exists)


def test_a_run_that_a_closed_pool_holds_back_says_so_once(project: Project) -> None:
    project.write("yamldag.yml", "pools: {db: 0}\n")
    project.pipeline({"tasks": pooled("a")})
    process = project.begin("run", "p")
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "waits: " in line:
            process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    told = [line for line in said if "waits: " in line]
    assert len(told) == 1
    assert told[0].startswith("`a` waits: `db` has 0 slots, 0 in use")
    assert process.returncode == 1

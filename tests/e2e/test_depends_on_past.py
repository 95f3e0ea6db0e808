"""`depends_on_past`, through the command line: alone, in a row of runs, and beside a server."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.project import YAMLDAG, Project
from tests.e2e.serving import Serve, wait_until

BY_HAND = {
    "tasks": {
        "a": {"bash": "test ! -e bad || exit $(cat bad)", "depends_on_past": True},
        "b": {"bash": "echo", "needs": "a"},
    }
}


def bad(project: Project, code: int | None) -> None:
    path = project.folder / "pipelines" / "bad"
    path.unlink(missing_ok=True)
    if code is not None:
        path.write_text(str(code))


def test_the_next_run_waits_for_a_success_or_a_skip_of_the_task(project: Project) -> None:
    run = project.run(BY_HAND, "--date", "2026-01-01")
    assert run.states == {"a": "success", "b": "success"}
    bad(project, 99)
    assert project.run("p", "--date", "2026-01-02").states == {"a": "skipped", "b": "skipped"}
    bad(project, 1)
    failed = project.run("p", "--date", "2026-01-03")
    assert failed.states == {"a": "failed", "b": "upstream_failed"}
    bad(project, None)
    blocked = project.run("p", "--date", "2026-01-04")
    assert blocked.state == "failed"
    assert blocked.states == {"a": "upstream_failed", "b": "upstream_failed"}
    assert blocked.attempts == {"a": 0, "b": 0}
    assert blocked.reasons["a"] == f"`a` was failed in the run before, {failed.id}"
    again = project.run("p", "--date", "2026-01-05")
    assert again.reasons["a"] == f"`a` was upstream_failed in the run before, {blocked.id}"
    # the run with the next lower date, whenever it was made
    assert project.run("p", "--date", "2026-01-02T12:00").states["a"] == "success"
    assert project.run("p", "--date", "2025-12-31").states["a"] == "success"


def test_it_passes_if_the_run_before_lacks_the_task(project: Project) -> None:
    assert project.run({"tasks": {"x": {"bash": "exit 1"}}}, "--date", "2026-01-01").state == "failed"
    assert project.run(BY_HAND, "--date", "2026-01-02").state == "success"


def test_rules_and_conditions_are_asked_as_ever(project: Project) -> None:
    of: dict[str, Any] = {
        "params": {"go": True},
        "tasks": {
            "x": {"bash": "echo", "when": "params.go"},
            "a": {"bash": "exit 1", "needs": "x", "depends_on_past": True},
            "w": {"bash": "exit 1", "when": "params.go", "depends_on_past": True},
        },
    }
    assert project.run(of, "--date", "2026-01-01").states == {"x": "success", "a": "failed", "w": "failed"}
    ran = project.run("p", "--date", "2026-01-02", "--param", "go=false")
    # `a` is skipped by its rule; `w` would be asked for its condition after the run before has passed
    assert ran.states == {"x": "skipped", "a": "skipped", "w": "upstream_failed"}


def test_of_a_mapped_task_the_whole_counts(project: Project) -> None:
    of: dict[str, Any] = {
        "params": {"codes": {"type": "array", "default": [0, 0]}},
        "tasks": {"m": {"foreach": "{{ params.codes }}", "bash": "exit {{ item }}", "depends_on_past": True}},
    }
    assert project.run(of, "--date", "2026-01-01").state == "success"
    ran = project.run("p", "--date", "2026-01-02", "--param", "codes=[0, 1]")
    assert ran.states == {"m[0]": "success", "m[1]": "failed"}
    ran = project.run("p", "--date", "2026-01-03")
    assert ran.states == {"m": "upstream_failed"}
    assert project.run("p", "--date", "2026-01-01T12:00", "--param", "codes=[]").states == {"m": "skipped"}
    assert project.run("p", "--date", "2026-01-01T18:00").state == "success"


def test_a_skip_by_cancel_does_not_pass(project: Project) -> None:
    of: dict[str, Any] = {
        "tasks": {
            "first": {"bash": "touch begun; test -e done || sleep 600"},
            "a": {"bash": "echo", "needs": "first", "depends_on_past": True},
        }
    }
    project.pipeline(of)
    command = [*YAMLDAG, "run", "p", "--date", "2026-01-01"]
    process = subprocess.Popen(command, cwd=project.folder, env=project.environment())
    wait_until((project.folder / "pipelines" / "begun").exists)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 1
    (project.folder / "pipelines" / "done").touch()
    ran = project.run("p", "--date", "2026-01-02")
    assert ran.states == {"first": "success", "a": "upstream_failed"}
    assert "`a` was cancelled in the run before" in ran.reasons["a"]


def states(project: Project, pipeline: str) -> list[tuple[str, list[str]]]:
    """Of each run, the oldest first: its state, and those of its tasks."""
    rows = sorted(project("runs", pipeline, "--json").json, key=lambda row: row["logical_date"])
    tasks = [project("tasks", row["run_id"], "--json").json["tasks"] for row in rows]
    return [(row["state"], [task["state"] for task in those]) for row, those in zip(rows, tasks, strict=True)]


SCHEDULED = """
pipeline: daily
schedule: "@daily"
start: 2026-01-01
end: 2026-01-04
catchup: all
tasks:
  a:
    depends_on_past: true
    bash: echo {{ ds }} >> order; until test -e go; do sleep 0.02; done; sleep 0.1
  b: {bash: echo}
"""


def test_runs_of_a_schedule_go_in_order_though_they_are_active_at_once(
    project: Project, serve: Serve
) -> None:
    project.write("pipelines/daily.yml", SCHEDULED)
    serve()
    order = project.folder / "pipelines" / "order"
    wait_until(lambda: [state for _, state in states(project, "daily")].count(["none", "success"]) == 3)
    assert order.read_text().split() == ["2026-01-01"]
    # one that was started by hand between them is none of theirs, and waits for the newest of them
    (project.folder / "pipelines" / "go").touch()
    wait_until(lambda: [state for state, _ in states(project, "daily")] == ["success"] * 4)
    assert order.read_text().split() == [f"2026-01-0{day}" for day in (1, 2, 3, 4)]


def test_a_run_beside_the_server_waits_for_what_the_server_moves(project: Project, serve: Serve) -> None:
    project.write("pipelines/daily.yml", SCHEDULED.replace("end: 2026-01-04", "end: 2026-01-01"))
    served = serve()
    wait_until((project.folder / "pipelines" / "order").exists)
    command = [*YAMLDAG, "run", "daily", "--json"]
    process = subprocess.Popen(command, cwd=project.folder, env=project.environment(), stdout=subprocess.PIPE)
    wait_until(lambda: ("running", ["none", "success"]) in states(project, "daily"))
    served.process.kill()
    served.process.wait()
    serve()
    assert process.poll() is None
    (project.folder / "pipelines" / "go").touch()
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)["state"]) == (0, "success")
    assert len(Path(project.folder / "pipelines" / "order").read_text().split()) == 2


def test_a_run_before_whose_process_is_killed_is_not_waited_for_for_ever(project: Project) -> None:
    project.pipeline({"tasks": {"a": {"bash": "touch begun; sleep 600", "depends_on_past": True}}})

    def begin(date: str) -> subprocess.Popen[bytes]:
        command = [*YAMLDAG, "run", "p", "--date", date, "--json"]
        return subprocess.Popen(
            command, cwd=project.folder, env=project.environment(), stdout=subprocess.PIPE
        )

    first = begin("2026-01-01")
    wait_until((project.folder / "pipelines" / "begun").exists)
    second = begin("2026-01-02")
    wait_until(lambda: len(project("runs", "p", "--json").json) == 2)
    first.kill()
    first.communicate()
    out, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert [row["state"] for row in json.loads(out)["tasks"]] == ["upstream_failed"]


def test_a_teardown_that_a_cancel_left_nothing_to_do_for_has_not_passed(project: Project) -> None:
    tasks = {
        "up": {"bash": "touch begun; until [ -e go ]; do sleep 0.05; done", "setup": True},
        "work": {"bash": "echo", "needs": "up"},
        "down": {"bash": "echo", "teardown_of": "up", "depends_on_past": True},
    }
    project.pipeline({"tasks": tasks})
    first = project.begin("run", "p", "--date", "2026-01-01", "--json")
    wait_until((project.folder / "pipelines" / "begun").exists)
    first.send_signal(signal.SIGINT)
    out, _ = first.communicate(timeout=60)
    said = json.loads(out)
    states = {row["id"]: row["state"] for row in said["tasks"]}
    assert states == {"up": "failed", "work": "skipped", "down": "skipped"}
    project.write("pipelines/go", "")
    second = project.run("p", "--date", "2026-01-02")
    assert second.states == {"up": "success", "work": "success", "down": "upstream_failed"}
    assert second.reasons["down"] == f"`down` was cancelled in the run before, {said['run_id']}"

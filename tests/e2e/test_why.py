"""`yamldag why`, on runs that wait, run and have ended."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.project import YAMLDAG, Project
from tests.e2e.serving import Serve, wait_until


@pytest.fixture
def gate(project: Project) -> Iterator[Path]:
    """Tasks that say `until test -e gate` run until it is there."""
    path = project.folder / "gate"
    yield path
    path.touch()


def conditions(project: Project, run: str, task: str) -> dict[str, Any]:
    return {each["what"]: each for each in project("why", run, task, "--json").json["conditions"]}


def begin(project: Project, pipeline: dict[str, Any]) -> subprocess.Popen[bytes]:
    project.pipeline(pipeline)
    return subprocess.Popen(
        [*YAMLDAG, "run", "p"],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_why_a_task_of_a_running_run_waits(project: Project, gate: Path) -> None:
    wait = f"touch began; until test -e {gate}; do sleep 0.05; done"
    process = begin(
        project,
        {
            "max_active_tasks": 1,
            "tasks": {
                "a": {"bash": wait, "priority": 1},
                "b": {"bash": "true", "needs": "a", "when": "tasks.a.state == 'success'"},
                "m": {"foreach": [1, 2], "bash": "true"},
            },
        },
    )
    try:
        wait_until((project.folder / "pipelines" / "began").exists)
        answer = project("why", "p", "b", "--json").json
        assert (answer["task"], answer["map_index"], answer["state"], answer["waiting"]) == (
            "b",
            None,
            "none",
            True,
        )
        found = conditions(project, "p", "b")
        assert found["run"]["holds"]
        assert found["parents"] == {
            "what": "parents",
            "holds": False,
            "detail": "`a` is running",
            "until": None,
        }
        assert conditions(project, "p", "m")["max_active_tasks"]["detail"].endswith("1 does: a")
        text = project("why", "p", "m[1]").out.splitlines()
        assert text[0].startswith("`m[1: 2]` of run manual-")
        assert text[0].endswith(" is scheduled")
        assert "no   max_active_tasks" in "\n".join(text)
    finally:
        gate.touch()
        process.wait()
    assert (
        project("why", "p", "b")
        .out.splitlines()[1]
        .strip()
        .startswith("ended  it is success after 1 attempt")
    )


def test_why_a_task_waits_elsewhere(project: Project, gate: Path) -> None:
    process = begin(
        project,
        {
            "tasks": {
                "file": {"wait": {"file": str(gate), "poke_interval": "1s"}, "timeout": "1h"},
                "moment": {"wait": {"delay": "1h"}},
            }
        },
    )
    try:
        wait_until(
            lambda: (project.folder / ".yamldag/yamldag.db").exists() and project("runs", "--json").json
        )
        wait_until(lambda: project("why", "p", "moment", "--json").json["state"] == "deferred")
        found = conditions(project, "p", "file")["wait"]
        assert found["detail"].startswith(f"it waits for the file `{gate}`, at most until ")
        assert found["until"] is None
        assert conditions(project, "p", "moment")["wait"]["until"].endswith("+00:00")
    finally:
        process.terminate()
        process.wait()


def test_why_a_task_did_not_run(project: Project) -> None:
    ran = project.run({"tasks": {"get": {"bash": "exit 3"}, "load": {"bash": "true", "needs": "get"}}})
    answer = project("why", ran.id, "load", "--json").json
    assert (answer["waiting"], answer["run_state"]) == (False, "failed")
    assert answer["instances"] == {"upstream_failed": 1}
    assert conditions(project, ran.id, "load")["upstream"]["detail"] == "`get` failed (exit code 3)"
    for words in (["why", ran.id, "other"], ["why", "nothing", "get"], ["why", ran.id, "load[0]"]):
        wrong = project(*words)
        assert (wrong.code, wrong.out) == (2, "")
    assert "did you mean `load`?" in project("why", ran.id, "laod").err


def test_why_a_run_waits_for_room(project: Project, serve: Serve, gate: Path) -> None:
    project.pipeline(
        {
            "schedule": {"every": "1s"},
            "catchup": "all",
            "max_active_runs": 1,
            "tasks": {"a": {"bash": f"until test -e {gate}; do sleep 0.05; done"}},
        }
    )
    serve()

    def waiting() -> str | None:
        runs = {row["state"]: row["run_id"] for row in project("runs", "--json").json}
        return runs.get("queued") if "running" in runs else None

    run = wait_until(waiting)
    found = conditions(project, run, "a")
    assert found["scheduler"]["holds"]
    assert found["pause"]["holds"]
    assert not found["max_active_runs"]["holds"]
    assert "1 may be active, 1 is: scheduled-" in found["max_active_runs"]["detail"]

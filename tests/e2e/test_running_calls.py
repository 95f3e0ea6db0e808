"""Tasks that run another pipeline and wait for its end."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import Any

from tests.e2e.project import YAMLDAG, Project
from tests.e2e.serving import Serve

CALLEE = """
pipeline: load
params: {table: {type: string}, rows: 3}
tasks:
  count: {bash: "echo '{\\"n\\": {{ params.rows }}}' > $YAMLDAG_OUTPUT"}
  each: {bash: "echo i={{ item }} > $YAMLDAG_OUTPUT", foreach: [1, 2], needs: count}
  table: {bash: "echo {{ params.table | sh }} {{ ds }} {{ run.type }}; exit {{ params.rows - 3 }}", needs: count}
  never: {noop: , when: false}
"""


def runs(project: Project, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = project("runs", "--json", *arguments).json
    return found


def test_the_output_is_that_of_all_tasks(project: Project) -> None:
    project.write("pipelines/load.yml", CALLEE)
    ran = project.run(
        """
tasks:
  call: {pipeline: load, with: {table: "{{ ds_nodash }}", rows: 3}}
  show: {bash: "echo {{ tasks.call.output | tojson | sh }}"}
""",
        "--date",
        "2026-01-02",
    )
    assert ran.state == "success"
    assert json.loads(ran.log("show")) == {
        "count": {"n": 3},
        "each": [{"i": "1"}, {"i": "2"}],
        "table": None,
        "never": None,
    }
    (called,) = runs(project, "load")
    assert (called["type"], called["state"]) == ("pipeline", "success")
    assert called["logical_date"].startswith("2026-01-02T00:00:00")
    assert "20260102 2026-01-02 pipeline" in project("logs", called["run_id"], "table").out


def test_a_failed_run_fails_its_caller_and_a_retry_makes_a_new_one(project: Project) -> None:
    project.write("pipelines/load.yml", CALLEE)
    ran = project.run(
        """
tasks:
  call: {pipeline: load, with: {table: a, rows: 4}, retries: 1, retry_delay: 0s}
  after: {noop: , needs: call}
"""
    )
    assert ran.states == {"call": "failed", "after": "upstream_failed"}
    assert ran.attempts["call"] == 2
    called = runs(project, "load")
    assert [each["state"] for each in called] == ["failed", "failed"]
    assert any(each["run_id"] in ran.reasons["call"] for each in called)


def test_what_cannot_be_called_fails_without_retry(project: Project) -> None:
    project.write("pipelines/load.yml", CALLEE)
    ran = project.run(
        """
params: {n: 1}
tasks:
  bad: {pipeline: load, with: {table: "{{ params.n }}"}, retries: 3}
  date: {pipeline: {id: load, date: "{{ 'never' }}"}, with: {table: a}, retries: 3}
"""
    )
    assert ran.attempts == {"bad": 1, "date": 1}
    assert "param `table` must be text, found `1`" in ran.reasons["bad"]
    assert "found `never`" in ran.reasons["date"]
    assert runs(project, "load") == []


def test_another_date_and_no_waiting(project: Project) -> None:
    project.write("pipelines/load.yml", CALLEE)
    ran = project.run(
        """
tasks:
  call: {pipeline: {id: load, date: "2020-02-29", wait: false}, with: {table: a, rows: 9}}
  after: {bash: "echo {{ tasks.call.output | tojson }}"}
"""
    )
    assert (ran.state, ran.log("after")) == ("success", "null\n")
    (called,) = runs(project, "load")
    assert (called["state"], called["logical_date"][:10]) == ("failed", "2020-02-29")


def test_calls_nest_and_many_are_made_at_once(project: Project) -> None:
    project.write("pipelines/load.yml", CALLEE)
    project.write(
        "pipelines/middle.yml",
        """
pipeline: middle
params: {n: 0}
max_active_runs: 1
tasks:
  call: {pipeline: load, with: {table: "t{{ params.n }}"}}
""",
    )
    ran = project.run(
        """
max_active_tasks: 1
tasks:
  all: {pipeline: middle, with: {n: "{{ item }}"}, foreach: [1, 2, 3], max_active: 2}
  last: {bash: "echo {{ tasks.all.output[2].call.count.n }}"}
"""
    )
    assert (ran.state, ran.log("last")) == ("success", "3\n")
    assert len(runs(project, "middle")) == len(runs(project, "load")) == 3


def test_a_called_run_ends_with_its_caller(project: Project) -> None:
    project.write(
        "pipelines/long.yml",
        "pipeline: long\ntasks: {work: {bash: 'touch begun; sleep 1000'}, after: {noop: , needs: work}}\n",
    )
    project.pipeline("tasks: {call: {pipeline: long}, other: {noop: , needs: call}}")
    process = subprocess.Popen(
        [*YAMLDAG, "run", "p", "--json"],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    while not (project.folder / "pipelines" / "begun").exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    told = json.loads(process.communicate()[0])
    assert {row["id"]: row["state"] for row in told["tasks"]} == {"call": "failed", "other": "skipped"}
    assert [each["state"] for each in runs(project)] == ["cancelled", "cancelled"]


def test_a_call_that_takes_too_long_stops_its_run(project: Project) -> None:
    project.write("pipelines/long.yml", "pipeline: long\ntasks: {work: {bash: sleep 1000}}\n")
    ran = project.run("tasks: {call: {pipeline: long, timeout: 0.5s}}")
    assert ran.reasons["call"] == "timed out after 0.5s"
    assert [each["state"] for each in runs(project, "long")] == ["cancelled"]


def test_calls_under_serve_wait_for_room_and_outlive_a_kill(project: Project, serve: Serve) -> None:
    project.write(
        "pipelines/long.yml",
        """
pipeline: long
max_active_runs: 1
params: {n: 0}
tasks:
  work: {bash: "until [ -e gate ]; do sleep 0.05; done; echo n={{ params.n }} > $YAMLDAG_OUTPUT"}
""",
    )
    project.write(
        "pipelines/top.yml",
        """
pipeline: top
schedule: "@once"
tasks:
  one: {pipeline: long, with: {n: 1}}
  two: {pipeline: long, with: {n: 2}}
  sum: {bash: "echo {{ tasks.one.output.work.n }} {{ tasks.two.output.work.n }}"}
""",
    )

    def states() -> list[str]:
        return sorted(each["state"] for each in runs(project, "long"))

    served = serve()
    served.see(lambda page: states() == ["queued", "running"])
    served.process.kill()
    served.process.wait()
    (project.folder / "pipelines" / "gate").touch()
    again = serve()
    again.see(lambda page: [each["state"] for each in runs(project, "top")] == ["success"])
    assert states() == ["success", "success"]
    (top,) = runs(project, "top")
    assert project("logs", top["run_id"], "sum").out == "1 2\n"

"""Tasks that wait without a worker: for a time, a file, an answer, a function, a run of another pipeline."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.e2e.project import Project
from tests.e2e.serving import Serve


def test_times_pass_and_the_output_is_null(project: Project) -> None:
    ran = project.run(
        """
tasks:
  short: {wait: 1s}
  over: {wait: {until: 2020-01-01}}
  midnight: {wait: {until: "00:00"}}
  moment: {wait: {until: "{{ logical_date | add_days(-1) }}"}}
  last:
    bash: echo "[{{ tasks.short.output | tojson }}]"
    needs: [over, midnight, moment]
"""
    )
    assert ran.state == "success"
    assert set(ran.attempts.values()) == {1}
    assert ran.log("last") == "[null]\n"
    row = next(row for row in ran.rows if row["id"] == "short")
    begun, ended = (datetime.fromisoformat(row[key]) for key in ("started_at", "ended_at"))
    assert (ended - begun).total_seconds() >= 0.9  # it counts from when the task was ready


def test_waiting_takes_no_room_from_others(project: Project) -> None:
    ran = project.run(
        """
max_active_tasks: 1
tasks:
  a: {wait: {file: there, poke_interval: 100ms}}
  b: {wait: {file: "the*", poke_interval: 100ms}}
  c: {bash: touch there}
""".replace("100ms", "0.1s")
    )
    assert ran.states == {"a": "success", "b": "success", "c": "success"}


def test_a_file_is_sought_from_the_folder_of_the_task(project: Project) -> None:
    project.write("pipelines/data/x[1].csv", "")
    ran = project.run(
        """
tasks:
  pattern: {wait: {file: "data/x[1]*"}}
  plain: {wait: {file: "{{ 'x[1].csv' }}"}, working_dir: data}
  other: {wait: {file: "data/y*"}, timeout: 0.2s, allow_failure: true}
"""
    )
    assert ran.states == {"pattern": "success", "plain": "success", "other": "failed"}


def test_time_is_over(project: Project) -> None:
    ran = project.run(
        """
tasks:
  hard: {wait: {file: nowhere}, timeout: 0.3s, retries: 1, retry_delay: 0s, allow_failure: true}
  soft: {wait: {file: nowhere, soft_fail: true}, timeout: 0.3s}
  below: {noop: , needs: soft}
"""
    )
    assert ran.states == {"hard": "failed", "soft": "skipped", "below": "skipped"}
    assert ran.attempts == {"hard": 2, "soft": 1, "below": 0}
    assert ran.reasons["hard"] == "timed out after 0.3s"


def test_a_function_is_asked_until_it_says_yes(project: Project) -> None:
    project.write(
        "pipelines/looks.py",
        "import os, yamldag\n"
        "def third():\n"
        "    open('looks', 'a').write('x')\n"
        "    return len(open('looks').read()) > 2\n"
        "def skip(): raise yamldag.Skip('not today')\n"
        "def fail(): raise yamldag.Fail('never')\n"
        "def broken(): return 1 / 0\n",
    )
    ran = project.run(
        """
tasks:
  third: {wait: {python: "looks:third", poke_interval: 0.1s}}
  skip: {wait: {python: "looks:skip"}}
  fail: {wait: {python: {function: "looks:fail"}}, retries: 3, allow_failure: true}
  broken: {wait: {python: "looks:broken"}, retries: 1, retry_delay: 0s, allow_failure: true}
"""
    )
    assert ran.states == {"third": "success", "skip": "skipped", "fail": "failed", "broken": "failed"}
    assert ran.attempts == {"third": 1, "skip": 1, "fail": 1, "broken": 2}
    assert (project.folder / "pipelines" / "looks").read_text() == "xxx"
    assert "division by zero" in ran.reasons["broken"]


class _Answers(BaseHTTPRequestHandler):
    statuses: list[int]

    def do_GET(self) -> None:
        self.send_response(self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0])
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    _Answers.statuses = [503, 404, 200]
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_answer_is_awaited(project: Project, site: str) -> None:
    ran = project.run(
        f"""
tasks:
  up: {{wait: {{http: "{site}", poke_interval: 0.1s}}}}
  none: {{wait: {{http: {{url: "{site}", expect: 418}}, poke_interval: 0.1s}}, timeout: 1s, needs: up, allow_failure: true}}
  nobody: {{wait: {{http: "http://127.0.0.1:1/"}}, timeout: 1s, allow_failure: true}}
"""
    )
    assert ran.states == {"up": "success", "none": "failed", "nobody": "failed"}
    assert "404" in ran.log("up")


def test_a_run_of_another_pipeline_is_awaited(project: Project) -> None:
    project.write(
        "pipelines/other.yml",
        """
pipeline: other
tasks:
  good: {noop: }
  bad: {bash: "exit 1"}
""",
    )
    waits = """
pipeline: p
tasks:
  task: {wait: {pipeline: other, task: good, poke_interval: 0.2s}, timeout: 30s}
  day: {wait: {pipeline: other, task: good, date: 2026-01-02}, timeout: 30s}
  whole: {wait: {pipeline: other, poke_interval: 0.2s, soft_fail: true}, timeout: 1s}
"""
    project("run", "other", "--date", "2026-01-02")
    ran = project.run(waits, "--date", "2026-01-02")
    assert ran.states == {"task": "success", "day": "success", "whole": "skipped"}
    elsewhere = project.run(waits.replace("30s", "0.5s"), "--date", "2026-01-03")
    assert elsewhere.states == {"task": "failed", "day": "success", "whole": "skipped"}


def test_a_value_that_cannot_be_waited_for_fails_without_retry(project: Project) -> None:
    ran = project.run(
        """
tasks:
  a: {wait: {delay: "{{ 'soon' }}"}, retries: 3}
  b: {wait: {until: "{{ 'tomorrow' }}"}, retries: 3}
"""
    )
    assert ran.attempts == {"a": 1, "b": 1}
    assert "`delay` should be a duration such as 30s" in ran.reasons["a"]
    assert "found `tomorrow`" in ran.reasons["b"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_what_waits_at_once(project: Project, number: int) -> None:
    project.pipeline("tasks: {a: {wait: 1h}, b: {noop: , needs: a}}")
    process = project.begin("run", "p", "--json")
    assert process.stderr is not None
    while "deferred" not in process.stderr.readline():
        pass
    process.send_signal(number)
    told = json.loads(process.communicate()[0])
    assert told["state"] == "cancelled"
    assert {row["id"]: row["state"] for row in told["tasks"]} == {"a": "failed", "b": "skipped"}


def test_a_run_that_takes_too_long_ends_what_waits(project: Project) -> None:
    ran = project.run("timeout: 0.5s\ntasks: {a: {wait: 1h}, b: {noop: , needs: a}}")
    assert (ran.state, ran.states) == ("failed", {"a": "failed", "b": "skipped"})
    assert ran.reasons["a"] == "the run took longer than its timeout"


def test_waiting_goes_on_after_a_kill(project: Project, serve: Serve) -> None:
    project.write(
        "pipelines/long.yml",
        """
pipeline: long
schedule: "@once"
tasks:
  file: {wait: {file: gate, poke_interval: 0.5s}}
  asked: {wait: {python: {script: "import os\\nreturn os.path.exists('gate')"}, poke_interval: 0.5s}}
  late: {wait: {file: nowhere}, timeout: 6s, allow_failure: true}
  after: {bash: echo after, needs: [file, asked]}
""",
    )

    def rows() -> dict[str, dict[str, Any]]:
        (run,) = (row["run_id"] for row in project("runs", "--json").json)
        return {row["id"]: row for row in project("tasks", run, "--json").json["tasks"]}

    served = serve()
    served.run("running")
    # On a machine that is slow enough, `late` is over before it is seen to wait.
    served.see(
        lambda page: [each["state"] in ("deferred", "failed") for each in rows().values()].count(True) == 3
    )
    begun = rows()["late"]["started_at"]
    served.process.kill()
    served.process.wait()
    (project.folder / "pipelines" / "gate").touch()
    again = serve()
    again.run("success")
    found = rows()
    assert {name: row["state"] for name, row in found.items()} == {
        "file": "success",
        "asked": "success",
        "late": "failed",
        "after": "success",
    }
    assert {row["attempts"] for row in found.values()} == {1}
    assert found["late"]["started_at"] == begun
    assert found["late"]["reason"] == "timed out after 6s"


def test_what_waits_is_cancelled_and_cleared_from_elsewhere(project: Project, serve: Serve) -> None:
    project.write(
        "pipelines/p.yml",
        """
pipeline: p
tasks:
  file: {wait: {file: gate, poke_interval: 0.2s}}
  after: {noop: , needs: file}
""",
    )
    served = serve()
    run = project("trigger", "p", "--json").json["run_id"]

    def states() -> dict[str, str]:
        return {row["id"]: row["state"] for row in project("tasks", run, "--json").json["tasks"]}

    served.see(lambda page: states().get("file") == "deferred")
    assert project("clear", run, "file", "--yes").code == 0
    served.see(lambda page: project("tasks", run, "--json").json["tasks"][0]["attempts"] == 2)
    assert project("cancel", run).code == 0
    served.see(lambda page: states() == {"file": "failed", "after": "skipped"})
    (project.folder / "pipelines" / "gate").touch()
    assert project("clear", run, "file", "--yes").code == 0
    served.see(lambda page: states() == {"file": "success", "after": "success"})

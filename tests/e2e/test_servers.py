"""A project whose database is a server's, used through the command line alone."""

from __future__ import annotations

import json
import re
import signal
import subprocess

import pytest

from tests.e2e.project import YAMLDAG, Project
from tests.e2e.serving import Serve

KINDS = pytest.mark.parametrize("database_url", ["postgresql", "mariadb"], indirect=True)

WORK = """\
pipeline: work
params: {who: {type: string, default: "Zoë 😀 %s ?"}}
tasks:
  fails_once: {bash: '[ $YAMLDAG_ATTEMPT = 2 ] && echo "who=$WHO" >> $YAMLDAG_OUTPUT', retries: 1, retry_delay: 0s, env: {WHO: '{{ params.who }}'}}
  each: {bash: 'echo "n={{ item }}" >> $YAMLDAG_OUTPUT', foreach: [1, 2, 3], needs: fails_once}
  sum: {python: {script: "return sum(int(x['n']) for x in each)"}, args: {each: '{{ tasks.each.output }}'}, needs: each}
  big: {python: {script: "return 'ü' * 500_000"}}
  breaks: {bash: exit 7, allow_failure: true}
  Breaks: {bash: 'echo {{ tasks.fails_once.output.who | sh }}', trigger_rule: all_done, needs: [breaks, sum]}
  never: {bash: 'true', trigger_rule: one_failed, needs: sum}
"""


def on(project: Project, url: str) -> Project:
    """The project, with a database that is named in its file."""
    project.write("yamldag.yml", f"database: {json.dumps(url)}\n")
    return project


@KINDS
def test_a_run_and_all_that_tells_of_it(project: Project, database_url: str) -> None:
    on(project, database_url)
    ran = project.run(WORK)
    assert ran.states == {
        "fails_once": "success", "each[0]": "success", "each[1]": "success", "each[2]": "success", "sum": "success",
        "big": "success", "breaks": "failed", "Breaks": "success", "never": "skipped",
    }  # fmt: skip
    assert ran.state == "success"
    assert ran.attempts["fails_once"] == 2
    assert ran.log("Breaks") == "Zoë 😀 %s ?\n"
    assert ran.reasons["breaks"] == "exit code 7"
    (row,) = project("runs", "--json").json
    assert (row["run_id"], row["state"]) == (ran.id, "success")
    assert project("runs", "work").code == 0
    assert "success" in project("list").out
    again = project.run("work", "--task", "sum")
    assert again.states == {"sum": "success"}
    checked = project("db", "check", "--json").json
    assert (checked["ok"], checked["damage"]) == (True, [])
    assert project("db", "upgrade").code == 0


@KINDS
def test_a_day_with_serve(project: Project, serve: Serve, database_url: str) -> None:
    on(project, database_url)
    project.write(
        "pipelines/beat.yml", "pipeline: beat\nschedule: {every: 1s}\ntasks:\n  one: {bash: echo beat}\n"
    )
    served = serve()
    assert "beat" in served.get(f"/runs/{served.run('success')}")[1]
    code, said = served.end()
    assert code == 0, said
    assert "Traceback" not in said


@KINDS
def test_a_task_outlives_a_killed_scheduler(project: Project, serve: Serve, database_url: str) -> None:
    on(project, database_url)
    gate = project.folder / "gate"
    project.write(
        "pipelines/long.yml",
        "pipeline: long\nschedule: '@once'\ntasks:\n"
        f"  wait: {{bash: 'echo began >> began; until [ -e {gate} ]; do sleep 0.05; done'}}\n",
    )
    served = serve()
    served.see(lambda page: json.loads(served.get("/health")[1])["running_tasks"] == 1)
    served.process.kill()
    served.process.wait()
    gate.touch()
    again = serve()
    again.run("success")
    assert again.end()[0] == 0


@KINDS
def test_a_run_that_was_killed_is_ended_by_who_looks_next(project: Project, database_url: str) -> None:
    on(project, database_url)
    project.write(
        "pipelines/long.yml", "pipeline: long\ntasks:\n  wait: {bash: 'touch ../begun; sleep 600'}\n"
    )
    process = subprocess.Popen(
        [*YAMLDAG, "run", "long"],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    while b"wait" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (row,) = project("runs", "--json").json
    assert row["state"] in ("failed", "cancelled")


@KINDS
def test_a_password_is_shown_nowhere(project: Project, database_url: str) -> None:
    url = database_url.replace("@", ":s3cr3t@")
    wrong = re.sub(r"@127.0.0.1(:\d+)?", "@127.0.0.1:1", url)
    project.pipeline("tasks:\n  a: {bash: 'true'}\n")
    for database in (url, wrong):
        for command in (
            ["config"],
            ["config", "--json"],
            ["db", "check"],
            ["db", "upgrade"],
            ["run", "p"],
            ["runs"],
        ):
            answer = project(*command, env={"YAMLDAG_DATABASE": database})
            assert "s3cr3t" not in answer.out + answer.err
            if database == wrong and command[0] != "config":
                assert answer.code == 2
                assert answer.err.count("\n") == 1
                assert "can't be opened" in answer.err

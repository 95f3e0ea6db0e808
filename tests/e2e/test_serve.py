"""`yamldag serve`, as a person has it: a command, a page, an editor and Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.e2e.project import YAMLDAG, Project
from tests.e2e.serving import Serve

GOOD = """\
pipeline: beat
schedule: {every: 1s}
tasks:
  one: {bash: 'echo "beat number $YAMLDAG_ATTEMPT"'}
"""
BAD = GOOD.replace("one: {bash:", "one: {bsh:")


def test_a_day_with_serve(project: Project, serve: Serve) -> None:
    project.write("pipelines/beat.yml", GOOD)
    served = serve()
    run = served.run("success")
    assert "beat" in served.get()[1]
    assert "beat number 1" in served.get(f"/runs/{run}")[1]
    assert "yamldag-graph" in served.get("/pipelines/beat/graph")[1]
    assert served.get("/", host="evil.example")[0] == 400

    project.write("pipelines/beat.yml", BAD)
    page = served.see(lambda page: "1 file is broken" in page)
    assert "did you mean `bash`?" in page.replace("&#39;", "'")
    before = served.successes()
    served.see(lambda page: served.successes() > before + 1)

    project.write("pipelines/beat.yml", GOOD.replace("1s", "1h"))
    served.see(lambda page: "is broken" not in page)

    code, said = served.end()
    assert code == 0, said
    assert "Traceback" not in said
    assert "\x1b" not in said
    assert said.rstrip().endswith("stopped")


def test_a_second_serve_says_who_is_at_work(project: Project, serve: Serve) -> None:
    project.write("pipelines/beat.yml", GOOD)
    served = serve()
    second = project("serve", "--port", "0")
    assert second.code == 2
    assert f"process {served.process.pid} at {served.address}" in second.err
    assert second.err.count("\n") == 1
    assert served.end(signal.SIGINT)[0] == 0


def test_a_port_that_is_taken(project: Project, serve: Serve, tmp_path: Path) -> None:
    served = serve()
    other = tmp_path / "other"
    other.mkdir()
    refused = Project(other)("serve", "--port", served.address.rpartition(":")[2])
    assert refused.code == 2
    assert "address already in use" in refused.err
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.org"])
def test_other_machines_are_not_served(project: Project, host: str) -> None:
    refused = project("serve", "--host", host)
    assert refused.code == 2
    assert "nobody has an account yet" in refused.err
    assert refused.err.count("\n") == 1


def test_with_an_account_or_a_token_others_are_asked_who_they_are(project: Project, serve: Serve) -> None:
    token = project("tokens", "add", "ci").out.strip()
    served = serve("--host", "0.0.0.0", "--port", "0")
    here = served.address.replace("0.0.0.0", "127.0.0.1")
    served.address = here
    status, text = served.get("/api/v1/runs")
    assert (status, "Bearer" in text) == (401, True)
    with urlopen(Request(f"{here}/api/v1/runs", headers={"Authorization": f"Bearer {token}"})) as answer:
        assert json.load(answer) == {"items": [], "next": None}


def test_broken_files_and_an_empty_project_are_told_at_the_start(project: Project, serve: Serve) -> None:
    project.write("pipelines/beat.yml", BAD)
    served = serve()
    assert "1 file is broken" in served.see(lambda page: True)
    assert "YD" in served.end()[1]
    (project.folder / "pipelines" / "beat.yml").unlink()
    empty = serve()
    assert "There is no pipeline yet" in empty.get()[1]
    assert "yamldag init" in empty.end()[1]


def test_a_task_outlives_a_killed_scheduler_and_its_run_goes_on(project: Project, serve: Serve) -> None:
    gate = project.folder / "gate"
    project.write(
        "pipelines/long.yml",
        "pipeline: long\nschedule: '@once'\ntasks:\n"
        f"  wait: {{bash: 'echo begun; until [ -e {gate} ]; do sleep 0.05; done; echo through'}}\n"
        "  after: {bash: echo after, needs: wait}\n",
    )
    served = serve()
    served.see(lambda page: json.loads(served.get("/health")[1])["running_tasks"] == 1)
    served.process.kill()
    served.process.wait()
    gate.touch()
    again = serve()
    run = again.run("success")
    assert "through" in again.get(f"/runs/{run}?task=wait")[1]
    [first, _] = project("tasks", run, "--json").json["tasks"]
    assert first["attempts"] == 1
    assert again.end()[0] == 0


def test_a_run_by_hand_that_was_killed_does_not_stay_running(project: Project, serve: Serve) -> None:
    project.write("pipelines/long.yml", "pipeline: long\ntasks:\n  wait: {bash: sleep 600}\n")
    served = serve()
    by_hand = subprocess.Popen(
        [*YAMLDAG, "run", "long"],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    served.run("running")
    by_hand.kill()
    by_hand.wait()
    served.run("failed", "cancelled")
    assert served.end()[0] == 0


def test_a_second_signal_stops_what_runs_and_the_next_start_goes_on(project: Project, serve: Serve) -> None:
    project.write(
        "pipelines/long.yml",
        "pipeline: long\nschedule: '@once'\ntasks:\n"
        "  wait: {bash: '[ \"$YAMLDAG_ATTEMPT\" = 1 ] && sleep 600; echo done'}\n",
    )
    served = serve()
    served.see(lambda page: json.loads(served.get("/health")[1])["running_tasks"] == 1)
    served.process.send_signal(signal.SIGTERM)
    while "stopping" not in served.line():
        pass
    code, said = served.end(signal.SIGTERM)
    assert code == 0, said
    again = serve()
    again.run("success")
    assert again.end()[0] == 0

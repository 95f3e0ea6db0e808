"""Ctrl-C, TERM, and worse: what a run that did not come to its own end leaves behind."""

from __future__ import annotations

import json
import os
import select
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.project import PATIENCE, YAMLDAG, Project, label


class Gate:
    """A FIFO by which a task says that it has come so far."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._open = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def hear(self, number: int = 1) -> list[str]:
        """The next words, waiting for so many."""
        heard: list[str] = []
        while len(heard) < number:
            assert select.select([self._open], [], [], PATIENCE)[0], f"heard {heard} alone"
            heard += os.read(self._open, 4096).decode().split()
        return heard

    def close(self) -> None:
        os.close(self._open)


@contextmanager
def gate(project: Project) -> Iterator[Gate]:
    made = Gate(project.folder / "pipelines" / "gate")
    yield made
    made.close()


def _heed_all() -> None:
    """As in a terminal: tests that run below nohup ignore HUP, and so would what they start."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def running(project: Project, tasks: str) -> Iterator[subprocess.Popen[str]]:
    """The run in a session of its own."""
    name = project.pipeline(tasks)
    process = subprocess.Popen(
        [*YAMLDAG, "run", name, "--json"],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_heed_all,  # noqa: PLW1509 - there is one thread
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def end(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in err
    result: dict[str, Any] = json.loads(out)
    result["code"] = process.returncode
    result["states"] = {label(row): row["state"] for row in result["tasks"]}
    result["attempts"] = {label(row): row["attempts"] for row in result["tasks"]}
    return result


def alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


def wait_for_retry(project: Project) -> None:
    """Until the task that has failed already is known to wait for its next try."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with closing(sqlite3.connect(project.folder / ".yamldag" / "yamldag.db")) as db:
            if db.execute("SELECT 1 FROM task_instance WHERE state = 'up_for_retry'").fetchone():
                return
    raise AssertionError("no task waits for a retry")


TASKS = """
tasks:
  done: {bash: echo}
  hangs: {needs: done, bash: 'echo $$ > gate; exec sleep 300', retries: 3, retry_delay: 0s}
  python: {needs: done, retries: 3, retry_delay: 0s, python: {script: 'import os, time; open("gate", "w").write(f"{os.getpid()}\\n"); time.sleep(300)'}}
  waits: {bash: exit 1, retries: 1, retry_delay: 1h}
  below: {needs: hangs, bash: echo}
  always: {needs: hangs, trigger_rule: all_done, bash: echo}
"""


def test_ctrl_c_and_term_cancel_the_run(project: Project) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with gate(project) as heard, running(project, TASKS) as process:
            pids = heard.hear(2)
            wait_for_retry(project)
            process.send_signal(number)
            result = end(process)
        (project.folder / "pipelines" / "gate").unlink()
        assert result["code"] == 1
        assert result["state"] == "cancelled"
        assert result["states"] == {
            "done": "success",
            "hangs": "failed",
            "python": "failed",
            "waits": "skipped",
            "below": "skipped",
            "always": "skipped",
        }
        assert result["attempts"]["hangs"] == result["attempts"]["python"] == 1
        assert not any(map(alive, pids))
        rows = {row["id"]: row for row in project("tasks", result["run_id"], "--json").json["tasks"]}
        for task in ("hangs", "python", "waits", "below"):
            assert "cancelled" in rows[task]["reason"], rows[task]
    [*runs] = project("runs", "--json").json
    assert [run["state"] for run in runs] == ["cancelled"] * 3


def test_ctrl_c_typed_at_a_terminal_reaches_tasks_in_order_too(project: Project) -> None:
    """The whole foreground group gets the signal: tasks must not die of it before the run knows."""
    with gate(project) as heard, running(project, TASKS) as process:
        heard.hear(2)
        wait_for_retry(project)
        os.killpg(process.pid, signal.SIGINT)
        result = end(process)
    assert (result["code"], result["state"]) == (1, "cancelled")
    assert result["states"]["hangs"] == "failed"
    assert result["attempts"]["hangs"] == 1


def test_a_second_ctrl_c_kills_what_does_not_heed_the_first(project: Project) -> None:
    stubborn = """
tasks:
  stubborn:
    bash: |
      trap 'echo heard > gate' TERM
      echo $$ > gate
      while true; do sleep 300 & wait $! || true; done
"""
    with gate(project) as heard, running(project, stubborn) as process:
        [pid] = heard.hear()
        process.send_signal(signal.SIGINT)
        assert heard.hear() == ["heard"]
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        result = end(process)
    assert (result["code"], result["state"], result["states"]) == (1, "cancelled", {"stubborn": "failed"})
    assert not alive(pid)


def test_a_run_whose_process_was_killed_is_not_running_for_ever(project: Project) -> None:
    """Whoever looks next, or runs next, ends it and what is left of it."""
    for look in (("run", "other"), ("runs",), ("list",), ("tasks", "p"), ("logs", "p", "done")):
        project.pipeline("pipeline: other\ntasks: {a: {bash: echo}}")
        with gate(project) as heard, running(project, TASKS) as process:
            pids = heard.hear(2)
            wait_for_retry(project)
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            assert process.returncode == -signal.SIGKILL
        (project.folder / "pipelines" / "gate").unlink()
        answer = project(*look)
        assert answer.code == 0, answer
        run = next(run for run in project("runs", "--json").json if run["pipeline"] == "p")
        assert (run["state"], run["reason"]) == ("failed", "the process that ran it is gone")
        assert run["ended_at"]
        assert not any(map(alive, pids))
        rows = {row["id"]: row for row in project("tasks", run["run_id"], "--json").json["tasks"]}
        assert {name: row["state"] for name, row in rows.items()} == {
            "done": "success",
            "hangs": "failed",
            "python": "failed",
            "waits": "skipped",
            "below": "skipped",
            "always": "skipped",
        }
        assert rows["hangs"]["reason"] == "the process that ran it is gone"
    assert not list((project.folder / ".yamldag" / "executor").iterdir())


def test_a_run_that_goes_on_is_left_alone(project: Project) -> None:
    with gate(project) as heard, running(project, TASKS) as process:
        pids = heard.hear(2)
        wait_for_retry(project)
        assert project.run("pipeline: other\ntasks: {a: {bash: echo}}").state == "success"
        states = {run["pipeline"]: run["state"] for run in project("runs", "--json").json}
        assert states == {"p": "running", "other": "success"}
        assert all(map(alive, pids))
        rows = {row["id"]: row["state"] for row in project("tasks", "p", "--json").json["tasks"]}
        assert (rows["hangs"], rows["below"]) == ("running", "none")
        process.send_signal(signal.SIGINT)
        assert end(process)["state"] == "cancelled"


SCOPE = """
tasks:
  made: {setup: true, bash: echo}
  work: {needs: [made], bash: 'echo $$ > gate; exec sleep 300'}
  below: {needs: work, trigger_rule: all_done, bash: echo}
  torn: {teardown_of: made, bash: echo torn}
"""


def test_teardowns_of_done_setups_still_run_after_ctrl_c(project: Project) -> None:
    with gate(project) as heard, running(project, SCOPE) as process:
        heard.hear()
        process.send_signal(signal.SIGINT)
        result = end(process)
    assert (result["code"], result["state"]) == (1, "cancelled")
    assert result["states"] == {
        "made": "success",
        "work": "failed",
        "below": "skipped",
        "torn": "success",
    }
    assert project("logs", result["run_id"], "torn").out == "torn\n"


def test_ctrl_c_before_anything_runs_leaves_no_run_behind_that_is_running(project: Project) -> None:
    """The signal may come at any moment from the start on."""
    with running(project, TASKS) as process:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert process.returncode in (1, 130, -signal.SIGINT)
    assert not [run for run in project("runs", "--json").json if run["state"] == "running"]

"""`yamldag serve`, as a person has it: a command, a page, an editor and Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.e2e.project import PATIENCE, YAMLDAG, Project

GOOD = """\
pipeline: beat
schedule: {every: 1s}
tasks:
  one: {bash: 'echo "beat number $YAMLDAG_ATTEMPT"'}
"""
BAD = GOOD.replace("one: {bash:", "one: {bsh:")


@dataclass
class Served:
    """A server that runs."""

    project: Project
    process: subprocess.Popen[bytes]
    said: str = ""
    unread: str = ""
    address: str = ""

    def __post_init__(self) -> None:
        while not self.address:
            found = re.search(r" at (http://\S+)", self.line())
            self.address = found[1] if found else ""

    def line(self) -> str:
        """The next line that it writes."""
        while "\n" not in self.unread:
            assert self.read(), f"it said no more after {self.said}"
        line, _, self.unread = self.unread.partition("\n")
        self.said += f"{line}\n"
        return line

    def read(self) -> bool:
        """Read on; False: there is no more."""
        assert self.process.stderr is not None
        ready, _, _ = select.select([self.process.stderr], [], [], PATIENCE)
        assert ready, f"it has been silent since {self.said}"
        data = os.read(self.process.stderr.fileno(), 65_536)
        self.unread += data.decode()
        return bool(data)

    def get(self, path: str = "/", host: str | None = None) -> tuple[int, str]:
        request = Request(self.address + path, headers={"Host": host} if host else {})
        try:
            with urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def see(self, what: Callable[[str], bool]) -> str:
        """The home page, once it is so."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            page = self.get()[1]
            if what(page):
                return page
            select.select([], [], [], 0.05)
        raise AssertionError(f"this never came: {page}")

    def successes(self) -> int:
        rows = self.project("runs", "--json").json
        return sum(row["state"] == "success" for row in rows)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code, and all that it wrote."""
        self.process.send_signal(number)
        while self.read():
            pass
        return self.process.wait(PATIENCE), self.said + self.unread


Serve = Callable[..., Served]


@pytest.fixture
def serve(project: Project) -> Iterator[Serve]:
    running: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> Served:
        process = subprocess.Popen(
            [*YAMLDAG, "serve", *(arguments or ("--port", "0"))],
            cwd=project.folder,
            env=project.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        running.append(process)
        return Served(project, process)

    yield start
    for process in running:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def test_a_day_with_serve(project: Project, serve: Serve) -> None:
    project.write("pipelines/beat.yml", GOOD)
    served = serve()
    page = served.see(lambda page: "success, " in page)
    assert "beat" in page
    run = re.search(r'href="(/runs/[^"?#]+)"', page)
    assert run
    assert "beat number 1" in served.get(run[1])[1]
    assert "yamldag-graph" in served.get("/pipelines/beat")[1]
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
    assert "no users yet" in refused.err
    assert refused.err.count("\n") == 1


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
    page = again.see(lambda page: "success, " in page)
    run = re.search(r'href="(/runs/[^"?#]+)"', page)
    assert run
    page = again.get(f"{run[1]}?task=wait")[1]
    assert "through" in page
    assert "try" not in page.partition("Log of wait")[2].partition("<pre")[0], "one attempt"
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
    served.see(lambda page: 'aria-label="running, ' in page)
    by_hand.kill()
    by_hand.wait()
    served.see(lambda page: 'aria-label="failed, ' in page or 'aria-label="cancelled, ' in page)
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
    again.see(lambda page: "success, " in page)
    assert again.end()[0] == 0

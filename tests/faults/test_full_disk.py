"""A disk that is full, or that can't be written to, and few open files: told in words, nothing is spoiled, and all goes
on when there is room again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.project import PATIENCE, YAMLDAG, Project
from tests.e2e.serving import wait_until
from tests.faults.conftest import Tell
from tests.faults.long import much
from yamldag.executors.local import journal

BEAT = """\
pipeline: beat
schedule: {every: 1s}
catchup: all
tasks:
  one: {bash: 'echo hello; echo 1 > "$YAMLDAG_OUTPUT"'}
  two: {python: {script: 'return 1'}, needs: one}
"""
TIMES = much(1, 48)
"""How often a disk is filled below one scheduler, or below one after another."""
SERVE = (*YAMLDAG, "serve", "--port", "0")


@dataclass
class Disk:
    """A small one."""

    at: Path

    def fill(self) -> None:
        """To the last byte and the last file."""
        for number in range(10_000):
            try:
                with (self.at / f"filler-{number}").open("wb", buffering=0) as file:
                    while file.write(b"x" * 4096):
                        pass
            except OSError:
                if not (self.at / f"filler-{number}").exists():
                    return
        raise AssertionError("it can't be filled")

    def clear(self) -> None:
        for filler in self.at.glob("filler-*"):
            filler.unlink()


@pytest.fixture
def mount() -> Iterator[Callable[[Path, str], Disk]]:
    mounted: list[Path] = []

    def make(at: Path, options: str) -> Disk:
        at.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            why = f"a file system can't be mounted here: {done.stderr.strip()}"
            assert os.environ.get("CI") != "true", why
            pytest.skip(why)
        mounted.append(at)
        return Disk(at)

    yield make
    for at in mounted:
        subprocess.run(["umount", "-l", str(at)], check=True)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@dataclass
class Serving:
    project: Project
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, project: Project, *before: str) -> Serving:
        with (project.folder / "said").open("ab") as log:
            process = subprocess.Popen(
                [*before, *SERVE], cwd=project.folder, env=project.environment(), stdout=log, stderr=log
            )
        return cls(project, process)

    @property
    def said(self) -> str:
        return (self.project.folder / "said").read_text()

    def wait_for(self, what: Callable[[], Any]) -> Any:
        def looked() -> Any:
            assert self.process.poll() is None, self.said
            return what()

        return wait_until(looked)

    def ask(self, query: str, path: str = ".yamldag/yamldag.db") -> list[Any]:
        try:
            with closing(sqlite3.connect(self.project.folder / path, timeout=PATIENCE)) as db:
                return db.execute(query).fetchall()
        except sqlite3.OperationalError:  # not there yet, or no room for its index
            return []

    def succeeds_anew(self) -> None:
        """Wait for a run that is made from now on, and succeeds."""
        newest = max([date for (date,) in self.ask("SELECT max(logical_date) FROM run") if date], default="")
        self.wait_for(
            lambda: self.ask(f"SELECT 1 FROM run WHERE state = 'success' AND logical_date > '{newest}'")
        )

    def end(self) -> None:
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0, self.said


@contextlib.contextmanager
def serving(project: Project, *before: str) -> Iterator[Serving]:
    served = Serving.start(project, *before)
    try:
        yield served
    finally:
        served.process.kill()
        served.process.wait()


def check(served: Serving) -> None:
    """Nothing is spoiled, and no tick is lost."""
    answer = served.project("doctor", "--json")
    assert answer.code == 0, answer.out
    assert "Traceback" not in served.said
    assert "bug in yamldag" not in served.said
    dates = [
        datetime.fromisoformat(date) for (date,) in served.ask("SELECT logical_date FROM run ORDER BY 1")
    ]
    seconds = [(date - dates[0]).total_seconds() for date in dates]
    assert seconds == list(range(len(dates)))


@pytest.mark.parametrize("what", ["logs", "runs", "executor"])
def test_attempts_fail_in_words_while_their_disk_is_full(
    what: str, project: Project, mount: Callable[[Path, str], Disk]
) -> None:
    disk = mount(project.folder / ".yamldag" / what, "size=1m,nr_inodes=200,mode=700")
    project.write("pipelines/beat.yml", BEAT)
    with serving(project) as served:
        served.succeeds_anew()
        disk.fill()
        served.wait_for(lambda: served.ask("SELECT 1 FROM run WHERE state = 'failed'"))
        disk.clear()
        served.succeeds_anew()
        served.end()
        check(served)
        told = {
            message
            for (message,) in served.ask(
                "SELECT message FROM attempt WHERE state = 'failed' AND reason <> 'exit'"
            )
        }
        assert all("no space left on device" in each or "is the disk full?" in each for each in told)
        failed = served.ask("SELECT 1 FROM attempt WHERE state = 'failed' AND reason = 'unstartable'")
        assert failed or what == "logs"


def test_a_runner_that_dies_while_its_disk_is_full_is_replaced_when_there_is_room(
    project: Project, mount: Callable[[Path, str], Disk]
) -> None:
    disk = mount(project.folder / ".yamldag" / "executor", "size=1m,nr_inodes=200,mode=700")
    project.write("pipelines/beat.yml", BEAT)
    with serving(project) as served:
        served.succeeds_anew()
        disk.fill()
        (runner,) = (journal.read(path).runner for path in disk.at.glob("*.journal"))
        os.kill(runner, signal.SIGKILL)
        words = "there is no runner, and none can be made: no space left on device"
        served.wait_for(lambda: served.ask(f"SELECT 1 FROM attempt WHERE message = '{words}'"))
        disk.clear()
        served.succeeds_anew()
        served.end()
        check(served)
        assert "the runner died, and there can't be another one: no space left on device" in served.said
        assert "there is a runner again" in served.said


@pytest.mark.parametrize("killed", [False, True])
def test_the_scheduler_waits_while_the_disk_of_its_database_is_full(
    killed: bool, project: Project, mount: Callable[[Path, str], Disk], figures: Tell
) -> None:
    # The write-ahead log alone takes 4 MiB before it is brought into the database.
    disk = mount(project.folder / "data", "size=16m,nr_inodes=50,mode=700")
    project.write("yamldag.yml", f"database: sqlite:///{disk.at}/y.db\n")
    project.write("pipelines/beat.yml", BEAT)

    def ask(query: str) -> list[Any]:
        return served.ask(query, "data/y.db")

    def count() -> int:
        return len(ask("SELECT 1 FROM run WHERE state = 'success'"))

    def runs_full(served: Serving) -> None:
        told = served.said.count("full")
        disk.fill()
        served.wait_for(lambda: served.said.count("full") > told)

    def goes_on(served: Serving) -> None:
        before = count()
        served.wait_for(lambda: count() > before)

    with contextlib.ExitStack() as stack:
        served = stack.enter_context(serving(project))
        served.wait_for(lambda: count() > 0)
        for _ in range(TIMES):
            runs_full(served)
            if killed:
                served.process.kill()
                served.process.wait()
            disk.clear()
            if killed:
                served = stack.enter_context(serving(project))
            goes_on(served)
        served.end()
    figures(filled=TIMES, runs=count())
    assert ask("PRAGMA integrity_check") == [("ok",)]
    assert project("doctor").code == 0
    dates = [datetime.fromisoformat(date) for (date,) in ask("SELECT logical_date FROM run ORDER BY 1")]
    assert [(date - dates[0]).total_seconds() for date in dates] == list(range(len(dates)))
    assert "bug in yamldag" not in served.said


def test_a_read_only_disk_is_told_in_words(project: Project, mount: Callable[[Path, str], Disk]) -> None:
    mount(project.folder / ".yamldag", "ro,size=1m")
    project.write("pipelines/p.yml", "pipeline: p\ntasks:\n  a: {bash: 'true'}\n")
    assert project("validate").code == 0
    for command in (("run", "p"), ("serve", "--port", "0")):
        answer = project(*command)
        assert answer.code == 2
        assert "read-only file system" in answer.err
    doctor = project("doctor", "--json")
    assert doctor.code == 1
    assert [each["name"] for each in doctor.json["checks"] if each["state"] == "wrong"] == ["state folder"]


def test_64_open_files_are_enough_to_run_by(project: Project) -> None:
    wide = f"  wide: {{bash: 'true', foreach: {list(range(40))}}}\n"
    project.write("pipelines/beat.yml", BEAT + wide)
    with serving(project, "bash", "-c", 'ulimit -n 64; exec "$@"', "-") as served:
        served.succeeds_anew()
        served.succeeds_anew()
        served.end()
        check(served)
        assert served.ask("SELECT count(*) FROM run WHERE state = 'failed'") == [(0,)]

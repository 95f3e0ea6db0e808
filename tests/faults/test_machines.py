"""Schedulers that can't see each other: each in process ids of its own and a folder of its own, as on two machines."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.project import YAMLDAG, Project
from tests.e2e.serving import wait_until
from yamldag.store.database import Database, open_database

LEASE = 2.0
PIPELINE = """\
pipeline: long
schedule: "@once"
tasks:
  wait:
    bash: |
      until [ -e {go} ]; do echo $YAMLDAG_ATTEMPT $YAMLDAG_ATTEMPT_ID >> {history}; sleep 0.05; done
"""
_APART = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


@pytest.fixture(scope="module", autouse=True)
def _namespaces() -> None:
    if shutil.which("unshare") is None or subprocess.run([*_APART, "true"], check=False).returncode:
        words = "process ids of one's own need `unshare`, and root"
        pytest.fail(words) if os.environ.get("CI") == "true" else pytest.skip(words)


class Machine:
    def __init__(self, folder: Path, url: str) -> None:
        folder.mkdir()
        self.project = Project(folder)
        self.url = url

    def begin(self) -> None:
        env = {"YAMLDAG_LEASE": str(LEASE), "YAMLDAG_DATABASE": self.url}
        with open(self.project.folder / "said", "wb") as said:
            self.process = subprocess.Popen(
                [*_APART, *YAMLDAG, "scheduler"],
                cwd=self.project.folder,
                env=self.project.environment(env),
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
        wait_until(lambda: "(Ctrl-C stops)" in self.said)

    @property
    def said(self) -> str:
        return (self.project.folder / "said").read_text()

    @property
    def scheduler(self) -> int:
        """Its process, as seen from here."""
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def lose_power(self) -> None:
        """Everything on it is gone at once."""
        self.process.kill()
        self.process.wait()


@pytest.fixture
def machines(server_url: str, tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    """The task runs on the first one, and each knows of the other."""
    history = tmp_path / "history"
    history.touch()
    text = PIPELINE.format(go=tmp_path / "go", history=history)
    made = Machine(tmp_path / "a", server_url), Machine(tmp_path / "b", server_url)
    try:
        with closing(open_database(server_url)) as database:
            for each in made:
                each.project.write("pipelines/long.yml", text)
                each.begin()
                wait_until(history.read_text)
            _know_each_other(database)
        yield made
    finally:
        for each in made:
            if hasattr(each, "process"):
                each.lose_power()


def _know_each_other(database: Database) -> None:
    """Both have looked round since the second one began."""
    wait_until(
        lambda: database.execute(
            "SELECT 1 FROM runner a, runner b WHERE a.id < b.id AND a.seen > b.started + 1.5 AND b.seen > b.started + 1.5"
        ).fetchone()
    )


def attempts(folder: Path) -> list[str]:
    return [line.split()[0] for line in (folder / "history").read_text().splitlines()]


def finish(server_url: str, folder: Path) -> list[tuple[str, ...]]:
    """Let the task end; its attempts."""
    (folder / "go").touch()
    with closing(open_database(server_url)) as database:
        wait_until(lambda: database.execute("SELECT 1 FROM run WHERE state = 'success'").fetchone())
        rows = database.execute("SELECT state, reason FROM attempt ORDER BY number").fetchall()
    return [tuple(row) for row in rows]


Lose = Callable[[Machine], None]


def hang(machine: Machine) -> None:
    os.kill(machine.scheduler, signal.SIGSTOP)


@pytest.mark.parametrize("lose", [hang, Machine.lose_power], ids=["it hangs", "it is gone"])
def test_what_a_lost_machine_ran_runs_again_and_never_at_the_same_time(
    machines: tuple[Machine, Machine], server_url: str, tmp_path: Path, lose: Lose
) -> None:
    lost, _ = machines
    lose(lost)
    wait_until(lambda: "2" in attempts(tmp_path))
    assert finish(server_url, tmp_path) == [("failed", "lost"), ("success", "exit")]
    seen = attempts(tmp_path)
    assert seen == sorted(seen), "the first attempt went on beside the second"
    if lose is hang:
        os.kill(lost.scheduler, signal.SIGCONT)
        assert lost.process.wait(60) == 1
        assert "another scheduler took this one for dead after" in lost.said

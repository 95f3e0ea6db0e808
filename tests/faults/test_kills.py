"""`yamldag serve` under load is killed, its runner is killed, both are, at any moment; again and again."""

from __future__ import annotations

import os
import random
import select
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.project import PATIENCE, YAMLDAG, Project
from tests.e2e.serving import wait_until
from tests.faults import histories
from tests.faults.conftest import Tell
from tests.faults.long import LONG, much
from tests.faults.pipelines import BODY
from yamldag.executors.local import journal
from yamldag.store.invariants import INVARIANTS, SUCCESS, broken


def pipeline(history: Path, start: datetime, end: datetime | None = None) -> dict[str, Any]:
    """A tick each second; tasks that take a little, that are mapped, and one that fails at first."""
    said: dict[str, Any] = {
        "pipeline": "beat",
        "schedule": {"every": "1s"},
        "start": start.isoformat(),
        "catchup": "all",
        "max_active_runs": 3,
        "env": {"HISTORY": str(history)},
        "tasks": {
            "one": {"bash": BODY.format("sleep 0.2;")},
            "slow": {"bash": BODY.format("sleep 0.8;")},
            "some": {"bash": BODY.format("sleep 0.1;"), "foreach": ["x", "y"], "needs": "one"},
            "again": {
                "bash": 'echo x >> "$YAMLDAG_RUN_DIR/tries"; '
                + BODY.format('[ "$(wc -l < "$YAMLDAG_RUN_DIR/tries")" -gt 1 ];'),
                "retries": 1,
                "retry_delay": "0s",
            },
            "python": {"python": {"script": PYTHON}, "needs": "one"},
            "used": {"python": {"function": "beat:call", "reuse": True}, "foreach": [1, 2], "needs": "one"},
            "last": {"noop": None, "needs": ["some", "again", "python", "used"]},
        },
    }
    return said if end is None else {**said, "end": end.isoformat()}


PYTHON = """\
import os
def say(what):
    with open(os.environ["HISTORY"], "a") as file:
        file.write(os.environ["YAMLDAG_ATTEMPT_ID"] + " " + what + "\\n")
say("begin")
say("end")
return 1
"""
MODULE = "def call():\n" + "".join(f"    {line}\n" for line in PYTHON.splitlines())


@dataclass
class Killing:
    project: Project
    seed: int
    source: random.Random = field(init=False)
    process: subprocess.Popen[bytes] | None = None
    slowest: float = 0.0
    """Seconds from a start to the first move."""

    def __post_init__(self) -> None:
        self.source = random.Random(self.seed)

    @property
    def history(self) -> Path:
        return self.project.folder / "history"

    @property
    def said(self) -> Path:
        return self.project.folder / "said"

    def ask(self, query: str) -> list[Any]:
        path = self.project.folder / ".yamldag" / "yamldag.db"
        with closing(sqlite3.connect(path, timeout=PATIENCE)) as db:
            return db.execute(query).fetchall()

    def note(self, line: str) -> None:
        with self.said.open("a") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}  -- {line}\n")

    def start(self) -> None:
        self.note("start")
        with self.said.open("ab") as log:
            self.process = subprocess.Popen(
                [*YAMLDAG, "serve", "--port", "0"],
                cwd=self.project.folder,
                env=self.project.environment(),
                stdout=log,
                stderr=log,
            )

    def moves(self) -> int:
        with suppress(sqlite3.Error):
            return int(self.ask("SELECT coalesce(max(id), 0) FROM event")[0][0])
        return 0

    def kill(self, what: str) -> None:
        """Of `scheduler`, `runner` or `both`, in any order."""
        assert self.process is not None
        victims = [] if what == "runner" else [self.process.pid]
        victims += [] if what == "scheduler" else self.runners()
        self.source.shuffle(victims)
        self.note(f"kill {victims}")
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if what != "runner":
            self.process.wait()
            assert self.ask("PRAGMA integrity_check") == [("ok",)]

    def runners(self) -> list[int]:
        """Those that live, of this project: whoever holds a journal open."""
        journals = list((self.project.folder / ".yamldag" / "executor").glob("*.journal"))
        told = [(path, journal.read(path).runner) for path in journals]
        return [runner for path, runner in told if runner and self._holds(runner, path)]

    def _holds(self, pid: int, path: Path) -> bool:
        with suppress(OSError):
            return any(os.readlink(each) == str(path) for each in Path(f"/proc/{pid}/fd").iterdir())
        return False

    def moment(self) -> None:
        """Let some time go by: from none to a second."""
        select.select([], [], [], self.source.random() ** 2 * 1.5)

    def round(self, what: str) -> None:
        """Let it move, and kill."""
        if self.process is None or self.process.poll() is not None:
            begun, before = time.monotonic(), self.moves()
            self.start()
            if self.source.random() < 0.25:
                self.moment()  # before it has come up
            else:
                wait_until(lambda: self.moves() > before)
                took = time.monotonic() - begun
                self.slowest = max(self.slowest, took)
                self.note(f"the first move came after {took:.1f} s")
        self.moment()
        self.kill(what)
        self.check()

    def go_on(self, until: Callable[[], Any]) -> None:
        """As long as it moves: a slow machine has a long queue by now."""
        while not until():
            before = self.moves()
            wait_until(lambda: self.moves() > before or until())  # noqa: B023

    def check(self) -> None:
        found = [(one.invariant.name, one.where) for one in broken(self.ask, (*INVARIANTS, SUCCESS))]
        assert found == [], self.words()

    def words(self) -> str:
        tail = self.said.read_text()[-3000:] if self.said.exists() else ""
        return f"seed {self.seed} (the moments of the kills are not in it)\n{tail}"

    def end(self) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)


@pytest.fixture
def killing(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Killing]:
    made = Killing(Project(tmp_path), request.param)
    yield made
    if made.process is not None:
        made.process.kill()
        made.process.wait()
    for pid in made.runners():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("what", "killing"),
    [(what, seed) for what in ("scheduler", "runner", "both") for seed in range(1)],
    indirect=["killing"],
)
def test_kills_lose_nothing_and_double_nothing(what: str, killing: Killing, figures: Tell) -> None:
    start = datetime.now(UTC).replace(microsecond=0)
    killing.project.write("pipelines/beat.yml", pipeline(killing.history, start))
    (killing.project.folder / "pipelines" / "beat.py").write_text(MODULE)
    killing.start()
    wait_until(lambda: killing.moves() > 0)
    for _ in range(much(8, 67)):
        killing.round(what)
    without_end = killing.ask("SELECT version FROM pipeline")
    end = datetime.now(UTC).replace(microsecond=0)
    killing.project.write("pipelines/beat.yml", pipeline(killing.history, start, end))
    if killing.process is None or killing.process.poll() is not None:
        killing.start()
    ticks = [start + timedelta(seconds=number) for number in range(int((end - start).total_seconds()) + 1)]
    last = ticks[-1].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    killing.go_on(
        lambda: (
            killing.ask("SELECT version FROM pipeline") != without_end  # until it is read, ticks go on
            and killing.ask(f"SELECT 1 FROM schedule_position WHERE decided_until >= '{last}'")
            and not killing.ask("SELECT 1 FROM run WHERE state IN ('queued', 'running')")
        )
    )
    killing.end()
    killing.check()
    runs = killing.ask("SELECT logical_date, state FROM run ORDER BY logical_date")
    wanted = [tick.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for tick in ticks]
    verdict = histories.judge_made(wanted, [date for date, _ in runs if date <= last])
    failed = killing.ask(
        "SELECT count(attempt.id) FROM task_instance JOIN attempt ON attempt.instance = task_instance.id "
        "AND attempt.reason = 'lost' WHERE task_instance.state = 'failed' GROUP BY task_instance.id"
    )
    assert all(lost >= 5 for (lost,) in failed), "only what was lost five times in a row may fail"
    assert failed or {state for _, state in runs} == {"success"}, killing.words()
    attempts = histories.attempts_of(killing.ask)
    verdict += histories.judge(histories.read(killing.history), attempts)
    lost = [each for each in attempts if each.reason == "lost"]
    if what == "scheduler":
        assert lost == [], "its runner lived on: nothing is lost"
    if what == "both" and LONG:
        assert lost, "no task was ever running: the kills have tried nothing"
    answer = killing.project("doctor", "--json")
    assert answer.code == 0, answer.out
    figures(
        kills=much(8, 67),
        of=what,
        ticks=len(wanted),
        attempts=len(attempts),
        **{"died and run again": len(lost), **verdict.acquit(killing.words())},
        slowest=f"{killing.slowest:.1f} s to the first move",
    )

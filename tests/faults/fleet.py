"""Several schedulers on one database, killed and paused at random, and what must be so whatever happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from tests.e2e.project import YAMLDAG, Project
from tests.e2e.serving import wait_until
from yamldag.store.database import Database, open_database
from yamldag.store.invariants import INVARIANTS, broken

LEASE = 2.0
START = datetime(2026, 1, 1, tzinfo=UTC)
PIPELINE = """\
pipeline: load
schedule: {{every: 1h}}
start: "{start:%Y-%m-%dT%H:%M:%S}"
end: "{end:%Y-%m-%dT%H:%M:%S}"
catchup: all
max_active_runs: 12
defaults: {{retries: 1, retry_delay: 1s}}
tasks:
  first: {{bash: '{body}; test $YAMLDAG_ATTEMPT -gt 1 || test $((RANDOM % 10)) -gt 0'}}
  fan: {{bash: '{body}', foreach: {items}, needs: first}}
  last: {{bash: '{body}', needs: fan, retries: 0}}
"""
TASKS = 2
"""Of a run, beside those of its fan."""


@dataclass(frozen=True, slots=True)
class Size:
    runs: int
    fan: int
    kills: int
    crashes: int
    pauses: int
    freezes: int = 0
    """Pauses of one with its runner: that can't answer who takes its tasks over."""
    schedulers: int = 4
    between: float = 0.5
    """Seconds from one fault to the next, on average."""

    @property
    def tasks(self) -> int:
        return self.runs * (self.fan + TASKS)


@dataclass(slots=True)
class Fleet:
    """The schedulers of a project, each in a process of its own."""

    project: Project
    url: str
    chance: random.Random
    history: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    all: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def begin(self) -> None:
        with open(self.project.folder / "said", "ab") as said:
            process = subprocess.Popen(
                [*YAMLDAG, "scheduler", "--slots", "6"],
                cwd=self.project.folder,
                env=self.project.environment(
                    {
                        "YAMLDAG_LEASE": str(LEASE),
                        "YAMLDAG_DATABASE": self.url,
                        "TMPDIR": str(self.project.folder),
                    }
                ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
        self.processes.append(process)
        self.all.append(process)

    def victim(self) -> subprocess.Popen[bytes]:
        """One that is at work: it has a life in the database."""
        return self.chance.choice(wait_until(self._at_work))

    def _at_work(self) -> list[subprocess.Popen[bytes]]:
        with closing(open_database(self.url)) as database:
            rows = database.execute("SELECT pid FROM runner WHERE ended IS NULL AND kind = 'scheduler'")
            alive = {row[0] for row in rows.fetchall()}
        return [each for each in self.processes if each.pid in alive and each.poll() is None]

    def kill(self) -> None:
        """One of them, at once; another one takes its place."""
        victim = self.victim()
        victim.kill()
        victim.wait()
        self.replace()

    def crash(self) -> None:
        """One of them with its runner: its tasks are lost, and run again elsewhere."""
        victim = self.victim()
        victim.send_signal(signal.SIGSTOP)  # or it would begin another runner
        for runner in runners(victim.pid):
            with suppress(ProcessLookupError):
                os.kill(runner, signal.SIGKILL)
        victim.kill()
        victim.wait()
        self.replace()

    def pause(self) -> None:
        """Stop one for longer than its lease: the others go on for it, and kill it for that."""
        victim = self.victim()
        victim.send_signal(signal.SIGSTOP)
        time.sleep(LEASE * self.chance.uniform(1.2, 2.5))
        victim.send_signal(signal.SIGCONT)

    def freeze(self) -> None:
        """Stop one and its runner: others kill both, and run again what has been running."""
        victim = self.victim()
        victim.send_signal(signal.SIGSTOP)
        stopped = runners(victim.pid)
        for runner in stopped:
            with suppress(ProcessLookupError):
                os.kill(runner, signal.SIGSTOP)
        time.sleep(LEASE * self.chance.uniform(2.0, 2.5))
        for pid in (victim.pid, *stopped):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def replace(self) -> None:
        """Let there be as many again as there were."""
        wanted = len(self.processes)
        self.processes = [each for each in self.processes if each.poll() is None]
        while len(self.processes) < wanted:
            self.begin()

    def end(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(60)

    @property
    def said(self) -> str:
        return (self.project.folder / "said").read_text(errors="replace")


def runners(scheduler: int) -> list[int]:
    """The children of a scheduler that lead sessions of their own."""
    with suppress(OSError):
        children = Path(f"/proc/{scheduler}/task/{scheduler}/children").read_text().split()
        return [child for child in map(int, children) if os.getsid(child) == child]
    return []


@contextmanager
def fleet(project: Project, url: str, size: Size, seed: int) -> Iterator[Fleet]:
    history = project.folder / "history"
    history.touch()
    body = f"echo b $YAMLDAG_ATTEMPT_ID >> {history}; sleep 0.$((RANDOM % 4)); echo e $YAMLDAG_ATTEMPT_ID >> {history}"
    end = START + timedelta(hours=size.runs - 1)
    items = list(range(size.fan))
    project.write("pipelines/load.yml", PIPELINE.format(start=START, end=end, body=body, items=items))
    made = Fleet(project, url, random.Random(seed), history)
    try:
        for _ in range(size.schedulers):
            made.begin()
        yield made
    finally:
        for process in made.all:
            process.kill()
            process.wait()


def torment(made: Fleet, size: Size, patience: float) -> dict[str, Any]:
    """Kill and pause as often as wanted, as long as there is work; what has come of it."""
    faults = (
        ["kill"] * size.kills + ["crash"] * size.crashes + ["pause"] * size.pauses + ["freeze"] * size.freezes
    )
    made.chance.shuffle(faults)
    done: dict[str, int] = defaultdict(int)
    database = _opened(made)
    began, until = time.monotonic(), time.monotonic() + patience
    try:
        while _ended(database) < size.runs:
            assert time.monotonic() < until, (
                f"{_ended(database)} of {size.runs} runs have ended\n{made.said[-5000:]}"
            )
            time.sleep(made.chance.uniform(0, 2 * size.between))
            made.replace()
            if faults:
                fault = faults.pop()
                getattr(made, fault)()
                done[fault] += 1
        made.end()
        _look_round(database, made)
        return {**done, "seconds": round(time.monotonic() - began, 1), **check(database, made, size)}
    finally:
        database.close()


def _look_round(database: Database, made: Fleet) -> None:
    """A last scheduler finds what those that were killed at the very end have left."""
    made.processes = []
    made.begin()
    wait_until(lambda: _count(database, "runner WHERE kind = 'scheduler' AND ended IS NULL") == 1)
    wait_until(lambda: made.said.rstrip().endswith("(Ctrl-C stops)"))
    made.end()


def _opened(made: Fleet) -> Database:
    return open_database(made.url)


def _count(database: Database, what: str) -> int:
    row = database.execute(f"SELECT COUNT(*) FROM {what}").fetchone()
    assert row is not None
    return int(row[0])


def _ended(database: Database) -> int:
    return _count(database, "run WHERE state IN ('success', 'failed', 'cancelled')")


# What must be so


def check(database: Database, made: Fleet, size: Size) -> dict[str, Any]:
    """Nothing is lost, nothing is doubled, database and history agree; figures."""
    for log in made.project.folder.glob("yamldag-bug-*.log"):
        raise AssertionError(log.read_text())
    assert "Traceback" not in made.said, made.said[-5000:]
    wrong = [f"{each.invariant.words}: {each.where}" for each in broken(database.execute, INVARIANTS)]
    assert not wrong, wrong
    _check_runs(database, size)
    lost = _check_attempts(database, made, size)
    lives = database.execute("SELECT started, seen, ended FROM runner WHERE kind = 'scheduler'").fetchall()
    assert all(row[2] is not None for row in lives), "a life that nobody has ended"
    waits = sorted(_wait(life, lives) for life in lives)
    return {
        "tasks": size.tasks,
        "lives": len(lives),
        "lost": lost,
        "takeovers": f"median {median(waits):.2f} s, slowest {waits[-1]:.2f} s",
        "fenced alive": made.said.count("took this one for dead"),
    }


def _wait(life: Any, lives: Any) -> float:
    """Seconds from its last sign of life to its end, as far as another one was at work."""
    _, seen, ended = life
    others = [max(seen, each[0]) for each in lives if each != life and each[0] <= ended <= each[2]]
    return float(max(0.0, ended - min(others, default=ended)))


def _check_runs(database: Database, size: Size) -> None:
    rows = database.execute("SELECT tick, state FROM run ORDER BY tick").fetchall()
    ticks = [f"{START + timedelta(hours=n):%Y-%m-%dT%H:%M:%S.%fZ}" for n in range(size.runs)]
    assert [row[0] for row in rows] == ticks, "each tick is one run"
    bad = [row for row in rows if row[1] != "success"]
    assert len(bad) <= size.runs, bad
    assert not _count(database, "task_instance WHERE state NOT IN ('success', 'failed', 'upstream_failed')")
    assert not _count(database, "attempt WHERE ended IS NULL")


def _check_attempts(database: Database, made: Fleet, size: Size) -> int:
    """Each begins and ends once, none of an instance while another one is alive; how many were lost."""
    rows = database.execute(
        "SELECT id, instance, number, state, reason FROM attempt ORDER BY instance, number"
    ).fetchall()
    known = {row[0]: row for row in rows}
    lines = [line.split() for line in made.history.read_text().splitlines()]
    places: dict[tuple[str, int], int] = {}
    for at, (what, attempt) in enumerate(lines):
        assert (what, int(attempt)) not in places, f"attempt {attempt} has done this twice: {what}"
        assert int(attempt) in known, f"attempt {attempt} is unheard of"
        places[what, int(attempt)] = at
    by_instance: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_instance[row[1]].append(row)
    for attempts in by_instance.values():
        assert [row[2] for row in attempts] == list(range(1, len(attempts) + 1))
        assert all(row[3] == "failed" for row in attempts[:-1])
        behind = -1
        for attempt, _, _, _, reason in attempts:
            mine = [places[what, attempt] for what in "be" if (what, attempt) in places]
            assert mine == sorted(mine)
            assert not mine or mine[0] > behind, f"attempt {attempt} began while its forerunner was alive"
            behind = mine[-1] if mine else behind
            if reason != "lost":
                assert len(mine) == 2, (
                    f"attempt {attempt} has ended by {reason}, and the history knows {mine}"
                )
    assert len(by_instance) == size.tasks
    return sum(row[4] == "lost" for row in rows)

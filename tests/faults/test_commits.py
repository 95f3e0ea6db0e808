"""The scheduler dies before, and after, each of its commits; the next one goes on as if nothing had happened.

Its runner lives on, as it does when a scheduler is killed: so nothing may be lost, run again, or come out otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Servers
from tests.faults import histories, pipelines
from tests.faults.conftest import Tell
from tests.faults.crasher import DIED, Crasher, Fuse
from tests.faults.histories import Verdict
from tests.faults.long import much
from tests.faults.pipelines import CASES, NEWER
from tests.servers import KINDS
from yamldag.store.database import open_database
from yamldag.store.invariants import INVARIANTS, SUCCESS, broken


@pytest.fixture(scope="module")
def crasher() -> Iterator[Crasher]:
    made = Crasher()
    yield made
    made.close()


@dataclass
class Course:
    """What came of one project: its tasks, and what their bodies wrote."""

    root: Path
    url: str
    runs: int
    verdict: Verdict = field(default_factory=Verdict)

    @classmethod
    def make(cls, root: Path, tasks: str, url: str | None = None, newer: str = "") -> Course:
        (root / "pipelines").mkdir(parents=True)
        (root / "pipelines" / "p.yml").write_text(pipelines.whole(tasks, str(root / "history")))
        if newer:
            (root / "newer.yml").write_text(pipelines.whole(newer, str(root / "history")))
        url = url or f"sqlite:///{root}/y.db"
        (root / "yamldag.yml").write_text(json.dumps({"database": url, "pools": pipelines.POOLS}))
        return cls(root, url, pipelines.runs(tasks))

    def check(self) -> Any:
        """Its end: (run's state, {(task, index): (state, attempts, output)}, clears, requests); with all that must hold."""
        database = open_database(self.url)

        def ask(query: str) -> list[Any]:
            return list(database.execute(query).fetchall())

        try:
            assert [(one.invariant.name, one.where) for one in broken(ask, (*INVARIANTS, SUCCESS))] == []
            runs = ask("SELECT state, type FROM run ORDER BY id")
            rows = ask(
                "SELECT task, map_index, state, attempts, value FROM task_instance "
                "LEFT JOIN output ON output.instance = task_instance.id"
            )
            self.verdict = histories.judge(histories.read(self.root / "history"), histories.attempts_of(ask))
            cleared = ask("SELECT count(*) FROM event WHERE event = 'clear' AND instance IS NULL")
            asked = ask("SELECT kind, answer FROM request ORDER BY id")
            return runs, {tuple(row[:2]): tuple(row[2:]) for row in rows}, cleared, asked
        finally:
            database.close()

    def told(self) -> set[str]:
        """Notifications: each went once at least."""
        path = self.root / "history.told"
        return set(path.read_text().splitlines()) if path.exists() else set()

    def said(self) -> str:
        return (self.root / "said").read_text()[-4000:]


def fuses(commits: int, step: int) -> Iterator[tuple[Fuse, ...]]:
    """Before and after each commit of a life; now and then the next life dies as well."""
    for number in range(0, commits, step):
        for when in ("before", "after"):
            again: tuple[Fuse, ...] = ((number % 4, "after" if when == "before" else "before"),)
            yield ((number, when), *(again if number % 3 == 0 else ()), None)


AS_NEWER = {
    ("a", -1): ("success", 1, None),
    ("b", -1): ("success", 2, None),
    ("c", -1): ("removed", 1, None),
    ("d", -1): ("success", 1, None),
    ("e", -1): ("success", 1, None),
}
"""What comes of the run that goes on by a newer version: what had ended stays, what was cut short has one attempt more."""


@dataclass
class Places:
    """A project with an empty database for each case."""

    folder: Path
    tasks: str
    url: Callable[[], str | None] = lambda: None
    newer: str = ""

    def new(self, name: str) -> Course:
        return Course.make(self.folder / name, self.tasks, self.url(), self.newer)


def is_short(commits: int, lives: tuple[Fuse, ...]) -> bool:
    """Two ends may come in one step or in two: now and then a life has no commit of that number."""
    return lives[0] is not None and commits <= lives[0][0]


def crash_everywhere(places: Places, crasher: Crasher, step: int) -> dict[str, int]:
    """How often it was gone through, each time with other crashes, and what was wrong."""
    number = -1
    whole = places.new("whole")
    [(code, commits)] = crasher.lives(whole.root, whole.runs, [None])
    assert code == 0, whole.said()
    wanted = whole.check()
    assert len(wanted[0]) == whole.runs
    if places.newer:
        assert wanted[1] == AS_NEWER
        assert wanted[2:] == ([(1,)], [("clear", "cleared 2")])
    verdict = whole.verdict
    assert (whole.root / "history.told").exists() == ("on_failure" in places.tasks)
    for number, lives in enumerate(fuses(commits, step)):
        course = places.new(str(number))
        ended = crasher.lives(course.root, course.runs, lives)
        assert ended[0][0] == DIED or is_short(ended[0][1], lives), course.said()
        assert ended[-1][0] == 0, f"{lives}: {course.said()}"
        assert course.check() == wanted, f"{lives}: {course.said()}"
        assert course.told() == whole.told(), f"{lives}: {course.said()}"
        verdict += course.verdict
    return {"courses": number + 1, **verdict.acquit()}


@pytest.mark.parametrize("name", CASES)
def test_a_crash_at_any_commit_changes_nothing(
    name: str, tmp_path: Path, crasher: Crasher, figures: Tell
) -> None:
    places = Places(tmp_path, CASES[name], newer=NEWER.get(name, ""))
    figures(**crash_everywhere(places, crasher, much(2, 1)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", much(("maps", "retries", "calls", "newer"), tuple(CASES)))
def test_a_crash_at_any_commit_to_a_server_changes_nothing(
    name: str, kind: str, tmp_path: Path, crasher: Crasher, database_servers: Servers, figures: Tell
) -> None:
    places = Places(tmp_path, CASES[name], lambda: database_servers.emptied(kind), NEWER.get(name, ""))
    figures(**crash_everywhere(places, crasher, much(7, 1)))

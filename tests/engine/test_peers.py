"""Several schedulers on one database: one leads, all work, and whoever is left goes on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import cast

import pytest

from tests.engine.test_service import Clock, Hands
from yamldag.compile.project import find
from yamldag.engine.loop.engine import Engine
from yamldag.engine.schedule.catalogue import Catalogue
from yamldag.engine.service import Service
from yamldag.engine.takeover.lives import FAR, LEASE, Onlooker, new_life
from yamldag.engine.takeover.peers import Peers
from yamldag.executors.local.executor import LocalExecutor
from yamldag.executors.local.recovery import Found
from yamldag.store import lives, moves, schedules
from yamldag.store.database import Database, Fenced, open_database

PIPELINE = "pipeline: p\nschedule: {{every: 10s}}\n{more}tasks:\n  a: {{bash: 'true'}}\n"
AT_ONCE = "---\n".join(
    f"pipeline: {name}\nschedule: '@{preset}'\ntasks:\n  a: {{bash: 'true'}}\n"
    for name, preset in (("again", "continuous"), ("one", "once"))
)


class Heir(Hands):
    """An executor for which nothing of dead ones is there to be found."""

    def adopt(self, owner: str, lock: int | None = None) -> bool:
        return True

    def give_up(self, running: Mapping[int, str]) -> dict[int, Found]:
        return {}

    def recover(self, running: Mapping[int, str], **_: object) -> dict[int, Found]:
        return dict.fromkeys(running, Found("unstarted"))

    def forget(self, running: Collection[int]) -> None:
        pass

    def go_on(self, seconds: float | None) -> None:
        pass


class Member:
    """A scheduler, with a connection and hands of its own."""

    def __init__(self, root: Path, clock: Clock, name: str) -> None:
        self.said: list[str] = []
        self.database = open_database(f"sqlite:///{root}/.yamldag/y.db")
        self.hands = Heir(clock)
        (root / "executor").mkdir(exist_ok=True)
        life = new_life("scheduler", name, clock.now(), "elsewhere", 4)
        runner = moves.begin_runner(self.database, life)
        self.database.live(runner)
        engine = Engine(self.database, self.hands, clock, runner, {}, slots=4)
        onlooker = Onlooker(root / ".yamldag" / "executor", "here", elapsed=clock.now)
        peers = self.peers = Peers(engine, cast(LocalExecutor, self.hands), onlooker, self.said.append)
        peers.look()
        catalogue = Catalogue(find(str(root), None, {}))
        self.service = Service(engine, catalogue, root / ".yamldag", self.said.append, peers)


class Team:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = Clock()
        self.members: list[Member] = []
        (root / "pipelines").mkdir()
        (root / "yamldag.yml").write_text("{}\n")

    def write(self, more: str = "") -> None:
        (self.root / "pipelines" / "p.yml").write_text(PIPELINE.format(more=more))

    def join(self, name: str) -> Member:
        self.members.append(Member(self.root, self.clock, name))
        return self.members[-1]

    def go(self, seconds: float) -> None:
        """All turn, until so much time has passed."""
        until = self.clock.time + seconds
        while self.clock.time < until:
            before = self.clock.time
            for member in self.members:
                member.service.turn(wait=False)
            self.clock.time = before + 0.1

    def ticks(self, database: Database) -> list[tuple[int, str]]:
        rows = database.execute(
            "SELECT CAST(strftime('%s', logical_date) AS INTEGER) - 1800000000, state FROM run ORDER BY logical_date"
        )
        return [(int(at), str(state)) for at, state in rows.fetchall()]


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    monkeypatch.chdir(tmp_path)
    made = Team(tmp_path)
    yield made
    for member in made.members:
        member.database.close()


def test_the_first_one_leads_and_all_get_runs(team: Team) -> None:
    team.write()
    first, second = team.join("a"), team.join("b")
    assert (first.service.leads, second.service.leads) == (True, False)
    for each in (first, second):
        each.hands.automatic = False
    team.go(41)
    assert (len(first.hands.live), len(second.hands.live)) == (2, 2)
    assert team.ticks(first.database) == [(at, "running") for at in (10, 20, 30, 40)]


def test_runs_of_others_count_for_max_active_runs(team: Team) -> None:
    team.write("max_active_runs: 1\ncatchup: all\n")
    first, second = team.join("a"), team.join("b")
    first.service.engine.slots = None
    first.peers.members = []
    for each in (first, second):
        each.hands.automatic = False
    team.go(1)
    # The leader is busier than the other one, which gets the run.
    first.peers.members = [
        each._replace(runs=5 if each.id == first.service.engine.runner else 0) for each in first.peers.members
    ]
    team.go(32)
    (holder,) = (each for each in (first, second) if each.hands.live)
    assert [state for _, state in team.ticks(first.database)] == ["running", "queued", "queued"]
    holder.hands.end(next(iter(holder.hands.live)))
    team.go(1)
    assert [state for _, state in team.ticks(first.database)] == ["success", "running", "queued"]


def test_when_the_leader_withdraws_another_one_leads_and_each_tick_is_one_run(team: Team) -> None:
    team.write("catchup: none\n")
    first, second = team.join("a"), team.join("b")
    team.go(12)
    first.service.stop()
    team.go(3)
    assert (first.service.leads, second.service.leads) == (False, True)
    assert "this scheduler leads now" in second.said
    team.go(30)
    assert team.ticks(second.database) == [(at, "success") for at in (10, 20, 30, 40)]


def test_one_that_follows_knows_what_comes_and_what_is_paused(team: Team) -> None:
    team.write()
    leader, follower = team.join("a"), team.join("b")
    team.go(12)
    assert not follower.service.leads
    assert follower.service.board.status.next == {"p": 1_800_000_020.0}
    leader.database.write(lambda: schedules.pause(leader.database, "p"))
    team.go(1)
    assert follower.service.board.status.paused == {"p"}
    assert follower.service.board.status.next == {}


def test_one_that_follows_knows_what_its_leader_has_begun(team: Team) -> None:
    team.write()
    (team.root / "pipelines" / "p.yml").write_text(AT_ONCE)
    leader, follower = team.join("a"), team.join("b")
    for each in (leader, follower):
        each.hands.automatic = False
        each.service.engine.slots = None
    team.go(1)
    running = [*leader.hands.live, *follower.hands.live]
    assert len(running) == 2
    assert follower.service.board.status.next == {}, (
        "the one has no more, the other goes on when it has ended"
    )
    for each in (leader, follower):
        for attempt in list(each.hands.live):
            each.hands.end(attempt)
    team.go(0.5)
    assert list(follower.service.board.status.next) == ["again"]


def test_one_that_was_taken_for_dead_writes_nothing_and_its_runs_go_on(team: Team) -> None:
    team.write()
    first = team.join("a")
    first.hands.automatic = False
    team.go(11)
    second = team.join("b")
    second.hands.automatic = False
    second.service.turn(wait=False)
    team.clock.time += FAR * LEASE + 1
    second.service.turn(wait=False)
    second.service.turn(wait=False)
    assert second.service.leads
    assert lives.runs_of(second.database, second.service.engine.runner)
    first.hands.end(next(iter(first.hands.live)))
    with pytest.raises(Fenced):
        first.service.turn(wait=False)
    team.members.remove(first)
    second.hands.end(next(iter(second.hands.live)))
    team.go(1)
    assert team.ticks(second.database) == [(10, "success"), (70, "running")]
    assert len(second.hands.started) == 2
    first.database.close()

"""A server of pages that schedules nothing: what it sees of the schedulers, and of the files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.test_peers import Member, Team
from yamldag.compile.project import find
from yamldag.engine.schedule.catalogue import Catalogue
from yamldag.engine.takeover.lives import LEASE
from yamldag.engine.watch import LOOK, Watch
from yamldag.store import lives, moves, schedules
from yamldag.store.database import open_database

BEGIN = 1_800_000_000.0


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    monkeypatch.chdir(tmp_path)
    made = Team(tmp_path)
    yield made
    for member in made.members:
        member.database.close()


@pytest.fixture
def watch(team: Team) -> Iterator[Watch]:
    team.write()
    database = open_database(f"sqlite:///{team.root}/.yamldag/y.db")
    catalogue = Catalogue(find(str(team.root), None, {}))
    yield Watch(database, catalogue, LEASE, lambda _: None, team.clock.now)
    database.close()


def later(team: Team, watch: Watch, seconds: float) -> None:
    if team.members:
        team.go(seconds)
    else:
        team.clock.time += seconds
    watch.turn()


def end(member: Member) -> None:
    moves.end_runner(member.database, member.service.engine.runner)


def test_without_a_scheduler_it_shows_the_files_and_is_not_healthy(team: Team, watch: Watch) -> None:
    status = watch.board.status
    assert list(status.pipelines) == ["p"]
    assert status.next == {"p": BEGIN + 10}
    assert (status.schedulers, status.leads, status.apart) == (0, False, True)
    assert not status.healthy(team.clock.time)
    later(team, watch, 25)
    assert watch.board.status.next == {"p": BEGIN + 30}


def test_it_sees_who_is_at_work_and_what_runs(team: Team, watch: Watch) -> None:
    first, second = team.join("a"), team.join("b")
    for each in (first, second):
        each.hands.automatic = False
    later(team, watch, 13)
    status = watch.board.status
    assert (status.schedulers, status.slots, status.running) == (2, 8, 1)
    assert status.healthy(team.clock.time)
    assert status.next == {"p": BEGIN + 20}
    end(first)
    end(second)
    team.members.clear()
    later(team, watch, LOOK + 1)
    assert watch.board.status.schedulers == 0
    for each in (first, second):
        each.database.close()


def test_one_that_gives_no_sign_is_not_at_work(team: Team, watch: Watch) -> None:
    scheduler = team.join("a")
    later(team, watch, LOOK + 1)
    assert watch.board.status.schedulers == 1
    scheduler.database.execute("UPDATE runner SET seen = seen - ?", (LEASE + 1,))
    team.members.clear()
    later(team, watch, LOOK + 1)
    assert not watch.board.status.healthy(team.clock.time)
    scheduler.database.close()


def test_a_pause_an_edit_and_a_mistake_are_seen(team: Team, watch: Watch) -> None:
    scheduler = team.join("a")
    later(team, watch, 1)
    scheduler.database.write(lambda: schedules.pause(scheduler.database, "p"))
    later(team, watch, 1)
    assert watch.board.status.paused == {"p"}
    assert watch.board.status.next == {}
    team.write("tags: [x]\n")
    watch.reload()
    later(team, watch, 1)
    assert watch.board.status.pipelines["p"].plan.tags == ("x",)
    team.write("tagz: [x]\n")
    watch.reload()
    later(team, watch, 1)
    [broken] = watch.board.status.broken
    assert [each.code for each in broken.found] == ["YD401"]
    assert watch.board.status.pipelines["p"].stale


def test_it_writes_nothing(team: Team, watch: Watch) -> None:
    later(team, watch, 30)
    assert lives.executors(watch.database) == set()
    assert schedules.positions(watch.database) == {}


def test_told_to_stop_it_ends(watch: Watch) -> None:
    watch.stop()
    watch.run()

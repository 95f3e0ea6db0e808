"""The scheduler's loop: files come, change and go, ticks become runs, runs outlive the scheduler."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from yamldag.compile.project import find
from yamldag.engine import orders, outside, times
from yamldag.engine.loop.engine import Engine
from yamldag.engine.loop.news import BEAT
from yamldag.engine.memory.newer import Newer
from yamldag.engine.schedule.catalogue import Catalogue, last_in_force
from yamldag.engine.schedule.known import Known
from yamldag.engine.schedule.ticker import QUEUE
from yamldag.engine.service import Service
from yamldag.engine.step.choice import Wish
from yamldag.engine.takeover.lock import Lock
from yamldag.executors.contract import Ended, Start
from yamldag.store import backfills, moves, pools, schedules
from yamldag.store.database import open_database

EVERY = "pipeline: {name}\nschedule: {{every: 10s}}\n{more}tasks:\n  a: {{bash: '{script}'}}\n"


class Clock:
    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self) -> float:
        return self.time

    def moved(self) -> float:
        return 0.0


class Hands:
    """An executor of which the test says how attempts end; waiting is passing of time."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.live: dict[int, Start] = {}
        self.started: list[str] = []
        self.stopped: list[int] = []
        self.ends: list[Ended] = []
        self.automatic = True
        self.waits: list[float | None] = []

    def start(self, batch: Sequence[Start]) -> None:
        for each in batch:
            self.live[each.attempt] = each
            self.started.append(each.argv[-1])
            if self.automatic:
                self.end(each.attempt)

    def end(self, attempt: int, exit_: int = 0, reason: str = "exit") -> None:
        del self.live[attempt]
        now = self.clock.now()
        self.ends.append(Ended(attempt, exit_, reason, now, now))

    def stop(self, attempts: Iterable[int], *, kill: bool = False) -> None:
        for each in attempts:
            self.stopped.append(each)
            self.end(each, -15, "stopped")

    def receive(self, timeout: float | None) -> list[Ended]:
        self.waits.append(timeout)
        if not self.ends and timeout:
            self.clock.time += timeout
        found, self.ends = self.ends, []
        return found

    def acknowledge(self, attempts: Iterable[int]) -> None:
        pass

    def wake(self) -> None:
        pass

    def close(self) -> None:
        pass


class Place:
    """A project's folder and database, and the lives of schedulers in it."""

    def __init__(self, root: Path, database: str | None = None) -> None:
        self.root = root
        self.clock = Clock()
        self.hands = Hands(self.clock)
        self.said: list[str] = []
        (root / "pipelines").mkdir()
        (root / "yamldag.yml").write_text("{}\n")
        self.database = open_database(database or f"sqlite:///{root}/.yamldag/yamldag.db")

    def write(
        self, name: str, text: str | None = None, more: str = "", script: str = "true", to: str = ""
    ) -> None:
        made = EVERY.format(name=name, more=more, script=script) if text is None else text
        (self.root / "pipelines" / f"{to or name}.yml").write_text(made)

    def service(self, earlier: dict[str, Known] | None = None) -> Service:
        life = moves.Life("serve", "here", 1, "x", self.clock.now())
        runner = moves.begin_runner(self.database, life)
        engine = Engine(self.database, self.hands, self.clock, runner, {}, slots=16)
        catalogue = Catalogue(find(str(self.root), None, {}), lambda: earlier or {})
        return Service(engine, catalogue, self.root / ".yamldag", self.said.append)

    def go(self, service: Service, seconds: float) -> None:
        """Turn until so much time has passed."""
        until = self.clock.time + seconds
        for _ in range(10_000):
            if self.clock.time >= until:
                return
            service.turn()
        raise AssertionError("it turns without getting on")

    def ticks(self, name: str) -> list[tuple[int, str]]:
        """(seconds since the beginning, state) of each scheduled run."""
        rows = self.database.execute(
            "SELECT logical_date, state FROM run WHERE pipeline = ? ORDER BY logical_date", (name,)
        )
        return [(round(times.read(at).timestamp()) - 1_800_000_000, state) for at, state in rows]

    def last_good(self) -> dict[str, Known]:
        return last_in_force(self.database, str(self.root))


@pytest.fixture
def place(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.chdir(tmp_path)
    made = Place(tmp_path, database_url)
    yield made
    made.database.close()


def test_each_tick_is_a_run_that_ends(place: Place) -> None:
    place.write("p")
    place.go(place.service(), 35)
    assert place.ticks("p") == [(10, "success"), (20, "success"), (30, "success")]


def test_it_sleeps_until_something_is_due_and_no_longer(place: Place) -> None:
    place.write("p")
    place.clock.time += 1.25
    service = place.service()
    place.go(service, 9)
    assert max(wait or 0 for wait in place.hands.waits) <= 2
    assert len(place.hands.waits) < 1.5 * 9 / BEAT
    assert service.board.status.late == pytest.approx(0, abs=0.001)


def test_a_restart_makes_no_tick_twice_and_the_newest_missed_one_once(place: Place) -> None:
    place.write("p")
    place.go(place.service(), 12)
    place.clock.time += 33  # to 45
    place.go(place.service(), 10)
    assert [at for at, _ in place.ticks("p")] == [10, 40, 50]


def test_a_restart_between_recording_and_starting_starts_the_run(place: Place) -> None:
    place.write("p")
    first = place.service()
    first.turn(wait=False)
    place.clock.time += 10
    first.ticks.see(place.clock.now())
    assert place.ticks("p") == [(10, "queued")]
    place.go(place.service(), 1)
    assert place.ticks("p") == [(10, "success")]


def test_a_tick_that_a_backfill_has_run_gets_no_second_run(place: Place) -> None:
    """One that was cancelled has run nothing."""
    place.write("p", more="catchup: all\n")
    place.go(place.service(), 11)
    add_backfill(place, {20: "success", 30: "cancelled", 40: "failed", 50: "queued"})
    place.clock.time += 50  # to 61
    place.go(place.service(), 3)
    assert scheduled(place) == [10, 30, 60]


def test_a_tick_that_comes_while_a_backfill_is_being_asked_for_has_one_run(place: Place) -> None:
    place.write("p")
    service = place.service()
    place.go(service, 3)
    known = service.catalogue.pipelines["p"]
    found = orders.range_of(known.plan, times.shown(1_800_000_010) or "", times.shown(1_800_000_030) or "")
    chosen = orders.plan_backfill(place.database, known.plan, found, "none")
    place.go(service, 10)
    version = moves.Version("p", known.plan.file, known.version, known.text, place.clock.now())
    how = {"reprocess": "none", "max_active": None}
    _, runs = orders.begin_backfill(place.database, known.plan, version, chosen, {}, place.clock.now(), **how)
    assert len(runs) == 2
    place.go(service, 20)
    assert [at for at, _ in place.ticks("p")] == [10, 20, 30]
    assert scheduled(place) == [10]


def test_ticks_after_more_than_a_portion_that_a_backfill_has_run_need_not_wait(place: Place) -> None:
    place.write("p", more="catchup: all\n")
    place.go(place.service(), 11)
    backfilled = range(20, 20 + 10 * (QUEUE + 5), 10)
    add_backfill(place, dict.fromkeys(backfilled, "success"))
    place.clock.time = 1_800_000_000 + backfilled[-1] + 15
    place.go(place.service(), 3)
    assert scheduled(place) == [10, backfilled[-1] + 10]


def test_two_schedulers_by_mistake_still_make_one_run_of_a_tick(place: Place) -> None:
    place.write("p")
    first, second = place.service(), place.service()
    first.turn(wait=False)
    second.turn(wait=False)
    place.clock.time += 10
    first.ticks.see(place.clock.now())
    second.ticks.see(place.clock.now())
    assert len(place.ticks("p")) == 1


def test_max_active_runs_holds_and_all_catches_up_oldest_first(place: Place) -> None:
    place.hands.automatic = False
    place.write("p", more="max_active_runs: 1\ncatchup: all\n")
    service = place.service()
    place.go(service, 35)
    assert place.ticks("p") == [(10, "running"), (20, "queued"), (30, "queued")]
    place.hands.end(next(iter(place.hands.live)))
    place.go(service, 0.5)
    assert place.ticks("p") == [(10, "success"), (20, "running"), (30, "queued")]


@pytest.mark.parametrize(("catchup", "after"), [("latest", [10, 30]), ("none", [10])])
def test_a_tick_without_room(place: Place, catchup: str, after: list[int]) -> None:
    place.hands.automatic = False
    place.write("p", more=f"max_active_runs: 1\ncatchup: {catchup}\n")
    service = place.service()
    place.go(service, 35)
    place.hands.end(next(iter(place.hands.live)))
    place.go(service, 1)
    assert [at for at, _ in place.ticks("p")] == after


def test_an_edited_file_is_the_plan_of_coming_runs(place: Place) -> None:
    place.hands.automatic = False
    place.write("p", script="echo old")
    service = place.service()
    place.go(service, 11)
    place.write("p", script="echo new version")
    place.go(service, 10)
    assert [each.split()[1] for each in place.hands.started] == ["old", "new"]
    versions = place.database.execute("SELECT count(DISTINCT version) FROM run").fetchone()
    assert versions == (2,)


def test_a_broken_edit_keeps_the_last_good_version_and_says_what_is_wrong(place: Place) -> None:
    place.write("p")
    service = place.service()
    place.go(service, 11)
    place.write("p", "pipeline: p\nschedule: {every: 10s}\ntasks:\n  a: {bash: x, needs: b}\n")
    place.go(service, 20)
    assert [at for at, _ in place.ticks("p")] == [10, 20, 30]
    status = service.board.status
    assert status.pipelines["p"].stale
    assert [found.code for broken in status.broken for found in broken.found] == ["YD203"]
    place.write("p", script="echo mended")
    place.go(service, 10)
    assert not service.board.status.broken
    assert not service.board.status.pipelines["p"].stale


def test_a_file_that_breaks_and_is_mended_is_told_once_each(place: Place) -> None:
    place.write("p")
    service = place.service()
    place.go(service, 3)
    place.write("p", "pipeline: p\nschedule: {every: 10s}\ntasks:\n  a: {bash: x, needs: [b, c]}\n")
    place.write("new", "pipeline: new\ntasks: {}\n")
    place.go(service, 6)
    place.write("other")
    place.go(service, 3)
    place.write("p", script="echo mended")
    (place.root / "pipelines" / "new.yml").unlink()
    place.go(service, 4)
    assert [line for line in place.said if not line.startswith("run ")] == [
        "pipelines/new.yml:2:1: YD307: there is no task in `tasks`; nothing of it runs",
        "pipelines/p.yml:4:24: YD203: `a` needs `b`, but there is no such task (and 1 more); "
        "the last good version of `p` goes on",
        "pipelines/p.yml is in order again",
    ]


def test_a_file_that_is_no_yaml_any_more_keeps_its_pipelines(place: Place) -> None:
    place.write("p")
    service = place.service()
    place.go(service, 3)
    place.write("p", "pipeline: [\n")
    place.go(service, 10)
    assert [at for at, _ in place.ticks("p")] == [10]


def test_a_file_that_was_broken_before_the_start_runs_its_last_good_version(place: Place) -> None:
    place.write("p")
    place.go(place.service(), 11)
    place.write("p", "pipeline: [\n")
    service = place.service(place.last_good())
    assert service.board.status.pipelines["p"].stale
    place.go(service, 10)
    assert [at for at, _ in place.ticks("p")] == [10, 20]


def test_a_file_that_was_broken_before_the_start_does_not_bring_back_what_it_had_lost(place: Place) -> None:
    place.write("old", to="p")
    service = place.service()
    place.go(service, 11)
    place.write("new", to="p")
    place.go(service, 10)
    place.write("new", "pipeline: [\n", to="p")
    place.go(place.service(place.last_good()), 10)
    assert [at for at, _ in place.ticks("new")] == [20, 30]
    assert [at for at, _ in place.ticks("old")] == [10]


def test_a_bad_file_never_hides_another(place: Place) -> None:
    place.write("bad", "tasks: {}\n")
    place.write("p")
    place.go(place.service(), 11)
    assert [at for at, _ in place.ticks("p")] == [10]


def test_a_pipeline_whose_file_has_gone_gets_no_ticks(place: Place) -> None:
    place.write("p")
    service = place.service()
    place.go(service, 11)
    (place.root / "pipelines" / "p.yml").unlink()
    place.go(service, 20)
    assert [at for at, _ in place.ticks("p")] == [10]
    assert not service.board.status.pipelines
    place.write("p")
    place.go(service, 12)
    assert [at for at, _ in place.ticks("p")] == [10, 40], "what came while it was away is not made up"


@pytest.mark.parametrize(("catchup", "made"), [("latest", [10, 60]), ("all", [10, 20, 30, 40, 50, 60])])
def test_a_file_that_is_put_back_while_nobody_schedules(place: Place, catchup: str, made: list[int]) -> None:
    more = f"catchup: {catchup}\n"
    place.write("p", more=more)
    service = place.service()
    place.go(service, 11)
    (place.root / "pipelines" / "p.yml").unlink()
    place.go(service, 20)
    place.write("p", more=more)
    place.clock.time += 20  # to 51
    place.service()  # it dies at once
    place.go(place.service(), 12)
    assert [at for at, _ in place.ticks("p")] == made


def test_a_new_file_is_found(place: Place) -> None:
    service = place.service()
    place.go(service, 3)
    place.write("p")
    place.go(service, 8)
    assert [at for at, _ in place.ticks("p")] == [10]


def test_of_two_pipelines_with_one_id_the_first_runs_and_the_other_is_told(place: Place) -> None:
    place.write("p", to="a", script="echo first")
    place.write("p", to="b", script="echo second")
    service = place.service()
    place.go(service, 11)
    assert place.hands.started == ["echo first"]
    assert [broken.path for broken in service.board.status.broken] == ["pipelines/b.yml"]


@pytest.mark.parametrize("restart", [False, True], ids=["under way", "over a restart"])
def test_a_pool_that_the_project_file_no_longer_declares_is_gone(place: Place, *, restart: bool) -> None:
    (place.root / "yamldag.yml").write_text("pools: {kept: 1, gone: 2}\n")
    service = place.service()
    place.database.write(lambda: pools.put(place.database, "set", 3, "command"))
    (place.root / "yamldag.yml").write_text("pools: {kept: 4}\n")
    place.go(place.service() if restart else service, 3)
    found = [(pool.name, pool.slots) for pool in pools.pools(place.database)]
    assert found == [("kept", 4), ("set", 3)]


def test_a_broken_project_file_keeps_the_last_good_project(place: Place) -> None:
    place.write("p", script="echo {{ vars.x }}")
    (place.root / "yamldag.yml").write_text("vars: {x: one}\n")
    service = place.service()
    (place.root / "yamldag.yml").write_text("vars: {x: one}\nfoo: bar\n")
    place.go(service, 11)
    assert place.hands.started == ["echo one"]
    assert service.board.status.broken
    assert place.said[0] == (
        "yamldag.yml:2:1: YD401: unknown key `foo` at the top level; what it said before stays in force"
    )
    (place.root / "yamldag.yml").write_text("vars: {x: two}\n")
    place.go(service, 10)
    assert place.hands.started == ["echo one", "echo two"]
    assert not service.board.status.broken


class Dying(Catalogue):
    """Of a compiler that has a bug, for a while."""

    dies = True

    def refresh(self) -> bool:
        return bool(1 / 0) if self.dies else super().refresh()


def test_a_file_that_the_compiler_dies_of_stops_nothing(place: Place) -> None:
    place.write("p")
    service = place.service()
    catalogue = service.desk.catalogue = service.files.looks.catalogue = Dying(service.catalogue.project)
    place.go(service, 23)
    catalogue.dies = False
    assert [at for at, _ in place.ticks("p")] == [10, 20]
    [told] = [line for line in place.said if "report this bug" in line]
    Path(told.split()[-1]).unlink()
    place.write("q")
    place.go(service, 4)
    assert "q" in service.board.status.pipelines


def test_told_to_it_looks_at_the_files_at_once(place: Place) -> None:
    service = place.service()
    place.go(service, 3)
    place.write("p")
    service.reload()
    place.hands.waits.clear()
    service.turn()
    assert place.hands.waits == [0]
    assert "p" in service.board.status.pipelines


def test_a_clock_that_is_set_back_keeps_nothing_waiting(place: Place) -> None:
    place.write("p")
    service = place.service()
    place.go(service, 31)
    place.clock.time -= 3600
    place.write("q")
    place.go(service, 4)
    assert "q" in service.board.status.pipelines
    place.clock.time += 3600
    place.go(service, 10)
    assert [at for at, _ in place.ticks("p")] == [10, 20, 30, 40]


def test_once_and_continuous(place: Place) -> None:
    place.write("o", "pipeline: o\nschedule: '@once'\ntasks:\n  a: {bash: 'true'}\n")
    place.write("c", "pipeline: c\nschedule: '@continuous'\ntasks:\n  a: {bash: 'true'}\n")
    service = place.service()
    place.go(service, 9)
    dates = [at for at, _ in place.ticks("c")]
    assert dates == list(range(len(dates))), "a second after another"
    assert len(dates) >= 8
    place.go(place.service(), 1)
    assert len(place.ticks("o")) == 1
    assert len(place.hands.waits) < 10 / BEAT + 45


def test_a_stop_starts_nothing_more_and_lets_what_runs_end(place: Place) -> None:
    place.hands.automatic = False
    place.write(
        "p", "pipeline: p\nschedule: {every: 10s}\ntasks:\n  a: {bash: 'a'}\n  b: {bash: b, needs: a}\n"
    )
    service = place.service()
    place.go(service, 11)
    service.stop()
    service.turn()
    assert not service.farewell.over
    place.hands.end(next(iter(place.hands.live)))
    service.run()
    assert place.hands.started == ["a"]
    assert place.ticks("p") == [(10, "running")]
    assert not place.hands.stopped


def test_a_stop_gives_up_after_a_while(place: Place) -> None:
    place.hands.automatic = False
    place.write("p")
    service = place.service()
    place.go(service, 11)
    service.stop()
    before = place.clock.time
    service.run()
    assert place.clock.time - before == pytest.approx(10, abs=1.1)
    assert place.hands.live


def test_a_second_stop_stops_what_runs_and_costs_it_no_try(place: Place) -> None:
    place.hands.automatic = False
    place.write("p")
    service = place.service()
    place.go(service, 11)
    service.stop()
    service.turn()
    service.stop()
    service.run()
    assert len(place.hands.stopped) == 1
    state = place.database.execute("SELECT state, tries FROM task_instance").fetchone()
    assert state == ("scheduled", 0)


def test_the_lock_says_who_holds_it(tmp_path: Path) -> None:
    import subprocess
    import sys

    held = Lock(tmp_path / "y.db.serve")
    held.say("process 7 at http://127.0.0.1:1")
    program = (
        "import sys; from pathlib import Path; from yamldag.engine.takeover.lock import *\n"
        "try: Lock(Path(sys.argv[1]))\nexcept HeldError as held: print(held)\nelse: print('free')"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "y.db.serve")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "process 7 at http://127.0.0.1:1"
    held.release()
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "free"
    Lock(tmp_path / "y.db.serve").release()


def test_a_clear_of_a_run_that_is_stopping_is_done_once_it_has_ended(place: Place) -> None:
    """Nobody else writes any more when it has: who moves it remembers that something is asked."""
    place.write("p", "pipeline: p\nschedule: '@once'\ntasks:\n  a: {bash: 'true'}\n")
    place.hands.automatic = False
    service = place.service()
    place.go(service, 1)
    with closing(open_database(place.database.url)) as other:
        [(run,)] = other.execute("SELECT id FROM run").fetchall()
        assert outside.cancel(other, run, place.clock.now()) == "asked"
        assert outside.clear(other, run, Wish(), place.clock.now()) == "asked"
        place.hands.stop = lambda attempts, *, kill=False: None  # type: ignore[method-assign]
        [first] = place.hands.live
        place.go(service, 3)  # what was asked is looked at, and the run goes on stopping
        place.hands.end(first, -15, "stopped")
        place.go(service, 3)
        [second] = place.hands.live
        place.hands.end(second)
        place.go(service, 3)
        rows = other.execute(
            "SELECT run.state, attempts FROM run JOIN task_instance ON run = run.id"
        ).fetchall()
    assert list(rows) == [("success", 2)]


def test_a_run_under_way_goes_on_by_the_newest_version_and_leaves_its_room_meanwhile(place: Place) -> None:
    place.write(
        "p", "pipeline: p\nmax_active_runs: 1\ntasks:\n  a: {bash: 'true'}\n  b: {bash: sleep, needs: a}\n"
    )
    service = place.service()
    queue(place, service.catalogue.pipelines["p"], "r")
    place.hands.automatic = False
    place.go(service, 3)
    [first] = place.hands.live
    place.hands.end(first)
    place.go(service, 1)
    place.write(
        "p", "pipeline: p\nmax_active_runs: 1\ntasks:\n  a: {bash: 'true'}\n  c: {bash: echo, needs: a}\n"
    )
    place.go(service, 5)
    newest = service.catalogue.pipelines["p"]
    with closing(open_database(place.database.url)) as other:
        newer = Newer(newest.plan, newest.version)
        assert outside.clear(other, "r", Wish((("c", None),)), place.clock.now(), newer) == "asked"
        place.go(service, 5)
        assert len(place.hands.stopped) == 1
        [second] = place.hands.live
        place.hands.end(second)
        place.go(service, 3)
        rows = other.execute("SELECT task, state, attempts FROM task_instance ORDER BY task").fetchall()
        states = other.execute("SELECT state, version FROM run").fetchall()
    assert list(rows) == [("a", "success", 1), ("b", "removed", 1), ("c", "success", 1)]
    assert list(states) == [("success", newest.version)]
    assert "run r of p is still, and goes on by a newer version" in place.said
    assert "run r of p starts again" in place.said


def test_who_was_asked_for_before_room_came_has_part_in_it(place: Place) -> None:
    """Also if the scheduler was to look only a moment later what others have written."""
    place.write("p", "pipeline: p\nmax_active_runs: 1\ntasks:\n  a: {bash: 'true'}\n")
    place.hands.automatic = False
    service = place.service()
    known = service.catalogue.pipelines["p"]
    queue(place, known, "fifth", day=5)
    place.go(service, 1)
    queue(place, known, "third", day=3)
    place.go(service, 1)
    queue(place, known, "second", day=2)
    place.hands.end(next(iter(place.hands.live)))
    service.turn(wait=False)
    rows = place.database.execute("SELECT id FROM run WHERE state = 'running'").fetchall()
    assert list(rows) == [("second",)]


def scheduled(place: Place) -> list[int]:
    """The ticks that have a scheduled run, in seconds since the beginning."""
    rows = place.database.execute("SELECT logical_date FROM run WHERE type = 'scheduled'").fetchall()
    return sorted(round(times.read(at).timestamp()) - 1_800_000_000 for (at,) in rows)


def add_backfill(place: Place, states: Mapping[int, str]) -> None:
    """A backfill of `p`, with runs in these states by the seconds since the beginning."""

    def work() -> None:
        rows = []
        for at in states:
            date = times.stored_at(1_800_000_000 + at)
            rows.append(schedules.QueuedRun(f"b{at}", "p", "backfill", date, date, date, "{}", 0.0))
        first, last = rows[0].logical_date, rows[-1].logical_date
        asked = backfills.NewBackfill("b", "p", first, last, "none", 1, "{}", 0.0)
        backfills.create(place.database, asked, rows)
        for at, state in states.items():
            place.database.execute("UPDATE run SET state = ?, ended = 1 WHERE id = ?", (state, f"b{at}"))

    place.database.write(work)


def queue(place: Place, of: Known, name: str, day: int = 1) -> None:
    """A run by hand, as a command asks for it."""
    date = f"2026-01-0{day}T00:00:00.000000Z"
    row = schedules.QueuedRun(name, "p", "manual", date, date, date, "{}", place.clock.now())
    version = moves.Version("p", of.plan.file, of.version, of.text, place.clock.now())

    def work() -> None:
        moves.save_version(other, version)
        schedules.queue_run(other, row)

    with closing(open_database(place.database.url)) as other:
        other.write(work)

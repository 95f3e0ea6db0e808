"""A clock that is set, that sleeps, that runs fast or slow, over days on which it changes anyhow: random walks of it
under the scheduler's agenda and its database. No tick is lost or doubled, as `catchup` means that.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import cast

import pytest

from tests.faults.conftest import Tell
from tests.faults.histories import Verdict, judge_made
from tests.faults.long import much
from tests.faults.simulate import Place, begin_run, memory
from yamldag.engine import times
from yamldag.engine.clock import SLACK, MachineClock
from yamldag.engine.loop.engine import Engine
from yamldag.engine.loop.news import BEAT
from yamldag.engine.memory.run import Instance
from yamldag.engine.schedule.agenda import Agenda
from yamldag.engine.schedule.known import Known, known
from yamldag.engine.schedule.ticker import LATE, QUEUE, Decision
from yamldag.engine.takeover.lives import Onlooker
from yamldag.engine.takeover.recovery import recover
from yamldag.executors.contract import Ended, Start
from yamldag.executors.local.executor import LocalExecutor
from yamldag.executors.local.recovery import Found
from yamldag.plan.pipeline import Plan, Task
from yamldag.plan.state import FINAL, TaskState
from yamldag.store import moves, schedules
from yamldag.store.schedules import QueuedRun, StoredPosition

HOUR = 3600.0
DAYS = (
    datetime(2026, 3, 28, 20, tzinfo=UTC),
    datetime(2026, 10, 24, 20, tzinfo=UTC),
    datetime(2026, 7, 1, tzinfo=UTC),
)
"""Evenings before the clocks of Europe change, and one without."""
SCHEDULES = (
    ({"every": "10m"}, "UTC"),
    ("@hourly", "Europe/Berlin"),
    ("30 2 * * *", "Europe/Berlin"),
    ("*/30 1-3 * * *", "Europe/Berlin"),
    ("0 0 * * *", "America/New_York"),
)


@dataclass
class Walk:
    place: Place
    seed: int
    source: random.Random = field(init=False)
    now: float = field(init=False)
    pace: float = 1.0
    """Of this clock against time: drifting."""
    known: Known = field(init=False)
    agenda: Agenda = field(init=False)
    made: list[float] = field(default_factory=list)
    furthest: float = field(init=False)
    """The latest that this clock has ever shown the scheduler."""
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        source = self.source = random.Random(self.seed)
        self.now = source.choice(DAYS).timestamp() + source.randint(0, 7200)
        schedule, zone = source.choice(SCHEDULES)
        catchup = source.choice(["all", "latest", "none"])
        begin = datetime.fromtimestamp(self.now - 2 * HOUR, UTC).isoformat()
        plan = Plan("p", schedule=schedule, timezone=zone, start=begin, catchup=catchup)  # type: ignore[arg-type]
        self.known = known(plan, "{}", "v", "p.yml")
        self.first = self.furthest = self.now
        moves.save_version(self.place.database, moves.Version("p", "p.yml", "v", "{}", self.now))
        self.begin_life()

    def begin_life(self) -> None:
        self.agenda = Agenda.read(self.place.database, self.now)
        self.agenda.adopt({"p": self.known})
        self.say("a life begins")

    def say(self, line: str) -> None:
        self.story.append(f"{datetime.fromtimestamp(self.now, UTC):%d %H:%M:%S} {line}")

    # The walk

    def go(self) -> None:
        self.look()  # first seen: what came before counts only for `all`
        for _ in range(30):
            self.source.choices(
                [self.wait, self.set, self.sleep, self.drift, self.restart, self.die], [12, 2, 1, 1, 1, 1]
            )[0]()
        for _ in range(3):
            self.wait()

    def wait(self) -> None:
        """As the loop does: to the coming tick, or a while."""
        due = self.agenda.due()
        ahead = HOUR if due is None else min(due - self.now, 9 * HOUR)
        if ahead > 2:
            self.now += ahead - 1
            self.look()
        self.now += min(2.0, max(0.0, ahead)) * self.pace + self.source.random()
        self.look()

    def set(self) -> None:
        self.now += self.source.choice([-HOUR, HOUR, -24 * HOUR, -60, 60])
        self.say("set")
        self.look()

    def sleep(self) -> None:
        self.now += 8 * HOUR
        self.say("slept")
        self.look()

    def drift(self) -> None:
        self.pace = self.source.choice([0.9, 1.0, 1.1])

    def restart(self) -> None:
        self.now += self.source.choice([0.5, 30.0, HOUR, 5 * HOUR])
        self.begin_life()
        self.look()

    def die(self) -> None:
        """Between the decision and its commit."""
        self.agenda.decide(self.now)
        self.restart()

    def look(self) -> None:
        since, before = min(self.agenda.since, self.now), self.furthest
        decisions = self.agenda.decide(self.now)
        new = self.store(decisions)
        self.furthest = max(self.furthest, self.now)
        self.made += new
        if new:
            self.say(f"made {', '.join(f'{datetime.fromtimestamp(each, UTC):%d %H:%M}' for each in new)}")
        assert len(set(self.made)) == len(self.made), self.words("a tick is doubled")
        getattr(self, f"check_{self.known.plan.catchup}")(since, before, new)

    def store(self, decisions: list[Decision]) -> list[float]:
        database = self.place.database

        def record() -> list[QueuedRun]:
            made = []
            for decision in decisions:
                for tick in decision.ticks:
                    date, start, end = map(times.stored, tick)
                    row = QueuedRun(f"{date}", "p", "scheduled", date, start, end, "{}", self.now)
                    if schedules.queue_run(database, row):
                        made.append(row)
                position = StoredPosition(times.stored(decision.position.decided), decision.position.rule)
                schedules.set_position(database, "p", position, self.now)
            return made

        rows = database.write(record)
        assert len(rows) == sum(len(decision.ticks) for decision in decisions), self.words(
            "a tick was made before"
        )
        self.agenda.decided(decisions, rows)
        self.end_runs()
        return [datetime.fromisoformat(row.logical_date).timestamp() for row in rows]

    def end_runs(self) -> None:
        """What was made starts and is over at once."""
        while taken := self.agenda.take({"p": self.known}):
            for row, _ in taken:
                self.place.database.execute(
                    "UPDATE run SET state = 'success', ended = ? WHERE id = ?", (self.now, row.id)
                )
                self.agenda.began("p", row.id)
                self.agenda.ended("p", row.id, self.now)

    def verdict(self) -> Verdict:
        """Of the runs that are in the database after all."""
        rows = self.place.database.execute("SELECT tick FROM run").fetchall()
        made = [datetime.fromisoformat(tick).timestamp() for (tick,) in rows]
        start = self.known.schedule.start
        assert start is not None
        every = self.known.plan.catchup == "all"
        return judge_made(self.ticks(start.timestamp() - 1e-6, self.furthest) if every else made, made)

    # What must hold after each look

    def ticks(self, after: float, until: float) -> list[float]:
        """Of the schedule: later than `after`, up to and with `until`."""
        found: Iterator[float] = (
            tick.logical_date.timestamp()
            for tick in self.known.schedule.intervals(datetime.fromtimestamp(after, UTC))
        )
        return list(takewhile(lambda tick: tick <= until, found))

    def check_all(self, since: float, before: float, new: list[float]) -> None:
        start = self.known.schedule.start
        assert start is not None
        wanted = self.ticks(start.timestamp() - 1e-6, self.furthest)
        assert sorted(self.made) == wanted, self.words(f"expected every tick: {len(wanted)}")

    def check_latest(self, since: float, before: float, new: list[float]) -> None:
        self.check_steady(since, before)
        open_ = self.ticks(before, self.furthest)
        assert not open_ or open_[-1] in self.made, self.words("the newest tick is missing")
        missed = [tick for tick in new if tick <= max(since, self.now - LATE.total_seconds())]
        assert len(missed) <= 1, self.words("more than one missed tick was made up for")

    def check_none(self, since: float, before: float, new: list[float]) -> None:
        self.check_steady(since, before)
        late = [tick for tick in new if not max(since, self.now - LATE.total_seconds()) < tick <= self.now]
        assert late == [], self.words("a missed tick was made")

    def check_steady(self, since: float, before: float) -> None:
        """What came while the scheduler looked on is there."""
        floor = max(since, before, self.now - LATE.total_seconds())
        lacking = set(self.ticks(floor, self.now)) - set(self.made)
        assert not lacking, self.words(f"lacking {lacking}")

    def words(self, line: str) -> str:
        tail = "\n  ".join(self.story[-25:])
        return f"seed {self.seed}, {self.known.plan.schedule}, {self.known.plan.catchup}: {line}\n  {tail}"


DAY = 24 * HOUR
TASKS = (
    Task(
        "again",
        "bash",
        {"script": "false"},
        retries=3,
        retry_delay=20.0,
        retry_backoff=1.0,
        max_retry_delay=22.0,
    ),
    Task("pause", "wait", {"delay": "40s"}),
    Task("patient", "wait", {"pipeline": "other", "poke_interval": "5s"}, timeout=60.0),
    Task("late", "bash", {"script": "sleep"}, needs=("pause",), judged=("pause",)),
)


@dataclass
class Waits:
    """An engine that waits while its clock is set: `now` is what the clock shows, `true` what has gone by."""

    place: Place
    seed: int
    true: float = 0.0
    ahead: float = 1_700_000_000.0
    shown: float = 1_700_000_000.0
    """`ahead`, as far as the engine was told."""
    longest: float = 0.0
    """Seconds that went by at once, as to one who sleeps."""
    started: dict[str, list[float]] = field(default_factory=dict)
    ended: dict[str, list[float]] = field(default_factory=dict)
    live: dict[int, str] = field(default_factory=dict)
    ends: list[Ended] = field(default_factory=list)
    deaths: int = 0
    """Of the engine. What a clock is set by meanwhile can't be known: waits may end early, or begin again."""

    def __post_init__(self) -> None:
        self.source = random.Random(self.seed)
        self.engine = self.begin()
        begin_run(self.engine, "r", Plan("p", tasks=TASKS, timeout=200.0), self.place.folder)

    def begin(self) -> Engine:
        database = self.place.open()
        runner = moves.begin_runner(database, moves.Life("serve", "here", 1, "x", self.now()))
        database.live(runner)
        return Engine(database, self, self, runner, {}, watch=self.watch)

    # The clock

    def now(self) -> float:
        return self.shown + self.true

    def moved(self) -> float:
        by, self.shown = self.ahead - self.shown, self.ahead
        return by

    # The executor

    def start(self, batch: Sequence[Start]) -> None:
        for each in batch:
            task = each.env["YAMLDAG_TASK_ID"]
            self.started.setdefault(task, []).append(self.true)
            self.live[each.attempt] = task
            if task == "again":
                self.end(each.attempt, 1, "exit")

    def end(self, attempt: int, code: int, reason: str) -> None:
        self.ended.setdefault(self.live.pop(attempt), []).append(self.true)
        wall = self.ahead + self.true
        self.ends.append(Ended(attempt, code, reason, wall, wall))

    def stop(self, attempts: Iterable[int], *, kill: bool = False) -> None:
        for each in attempts:
            self.end(each, -15, "stopped")

    def receive(self, timeout: float | None) -> list[Ended]:
        ends, self.ends = self.ends, []
        if ends:
            return ends
        assert timeout is not None
        assert timeout <= BEAT, "it stalls"
        self.true += timeout
        chance = self.source.random()
        if chance < 0.02:
            self.ahead += self.source.choice([-HOUR, HOUR, -DAY, DAY, -5.0, 5.0])
        elif chance < 0.022:
            slept = self.source.choice([10.0, 30.0])
            self.true += slept
            self.longest = max(self.longest, slept)
        return []

    def acknowledge(self, attempts: Iterable[int]) -> None:
        pass

    def wake(self) -> None:
        pass

    def close(self) -> None:
        pass

    def adopt(self, owner: str, lock: int | None = None) -> bool:
        return True

    def recover(self, running: Mapping[int, str], **_: object) -> dict[int, Found]:
        return dict.fromkeys(running, Found("running"))

    def give_up(self, running: Mapping[int, str]) -> dict[int, Found]:
        return {}

    def forget(self, running: Collection[int]) -> None:
        pass

    # The walk

    def watch(self, instance: Instance, state: TaskState) -> None:
        if state in FINAL:
            self.ended.setdefault(instance.label, []).append(self.true)

    def go(self) -> None:
        self.engine.turn(0.0)
        while self.engine.world.runs:
            self.engine.turn(1.0)
            if self.source.random() < 0.002:
                self.die()
        self.engine.database.close()
        self.check()

    def die(self) -> None:
        self.deaths += 1
        self.engine.database.close()
        self.ahead += self.source.choice([-DAY, -HOUR, HOUR])
        self.shown = self.ahead
        self.engine = self.begin()
        recover(
            self.engine,
            cast(LocalExecutor, self),
            Onlooker(self.place.folder / "executor", "here", alone=True),
        )

    def check(self) -> None:
        late = self.longest + 4 * BEAT
        again, ended = self.started["again"], self.ended["again"]
        waits = [begin - end for begin, end in zip(again[1:], ended, strict=False)]
        waited = {"pause": (40.0, self.ended["pause"][0]), "patient": (60.0, self.ended["patient"][0])}
        waited |= {f"retry {number}": (20.0, wait) for number, wait in enumerate(waits)}
        whole = max(times[-1] for times in self.ended.values())
        waited["run"] = (200.0, whole)
        for name, (least, took) in waited.items():
            longer = least * 1.1 + late
            assert took <= (1 + self.deaths) * longer, f"seed {self.seed}: {name} waited {took} s"
            assert self.deaths or took >= least - 1e-3, f"seed {self.seed}: {name} waited {took} s only"
        assert self.deaths or len(again) == 4


def test_the_machines_clock_is_steady_until_it_is_asked_by_how_much_it_was_set() -> None:
    times = {"wall": 1000.0, "elapsed": 5.0}
    clock = MachineClock(lambda: times["wall"], lambda: times["elapsed"])
    times.update(wall=1000.0 + HOUR, elapsed=6.0)
    assert clock.now() == 1001.0
    assert clock.moved() == HOUR - 1
    assert (clock.now(), clock.moved()) == (1000.0 + HOUR, 0.0)
    times.update(wall=1000.0 + HOUR + 8 * HOUR, elapsed=6.0 + 8 * HOUR)  # it was suspended
    assert (clock.moved(), clock.now()) == (0.0, 1000.0 + 9 * HOUR)
    times["wall"] += SLACK / 2
    assert clock.moved() == 0.0
    times["wall"] += SLACK
    assert clock.moved() == pytest.approx(1.5 * SLACK)


@pytest.mark.parametrize("portion", range(much(1, 10)))
def test_a_clock_that_is_set_brings_no_wait_forward_and_makes_none_longer(portion: int) -> None:
    with memory() as folder:
        place = Place.make(folder)
        place.database.execute("PRAGMA synchronous=OFF")
        for seed in range(portion * 100, (portion + 1) * 100):
            place.clear()
            Waits(place, seed).go()
        place.database.close()


@pytest.mark.parametrize("portion", range(much(4, 100)))
def test_no_walk_of_the_clock_loses_or_doubles_a_tick(portion: int, figures: Tell) -> None:
    with memory() as folder:
        place = Place.make(folder)
        place.database.execute("PRAGMA synchronous=OFF")
        verdict, ticks = Verdict(), 0
        for seed in range(portion * 100, (portion + 1) * 100):
            place.clear()
            walk = Walk(place, seed)
            walk.go()
            verdict += walk.verdict()
            ticks += len(walk.made)
        place.database.close()
    figures(walks=100, ticks=ticks, **verdict.acquit())


def test_a_walk_that_sleeps_for_longer_than_a_portion_of_ticks_gets_them_all(tmp_path: Path) -> None:
    place = Place.make(tmp_path)
    seed = next(n for n in range(1000) if Walk(place, n).known.plan.catchup == "all")
    place.clear()
    walk = Walk(place, seed)
    walk.known = known(
        Plan("p", schedule={"every": "1m"}, catchup="all", start=datetime.fromtimestamp(walk.now, UTC).isoformat()),
        "{}", "v", "p.yml",
    )  # fmt: skip
    walk.begin_life()
    begun = walk.now
    walk.now += timedelta(minutes=3 * QUEUE).total_seconds()
    while (due := walk.agenda.due()) is not None and due <= walk.now:
        walk.made += walk.store(walk.agenda.decide(walk.now))
    assert walk.made == walk.ticks(begun - 1e-6, walk.now)
    assert len(walk.made) == 3 * QUEUE + 1
    place.database.close()

"""A clock that is set, that sleeps, that runs fast or slow, over days on which it changes anyhow: random walks of it
under the scheduler's agenda and its database. No tick is lost or doubled, as `catchup` means that.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import pytest

from tests.faults.long import much
from tests.faults.simulate import Place, memory
from yamldag.engine import times
from yamldag.engine.schedule.agenda import Agenda
from yamldag.engine.schedule.known import Known, known
from yamldag.engine.schedule.ticker import LATE, QUEUE, Decision
from yamldag.plan.pipeline import Plan
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


@pytest.mark.parametrize("portion", range(much(4, 40)))
def test_no_walk_of_the_clock_loses_or_doubles_a_tick(portion: int) -> None:
    with memory() as folder:
        place = Place.make(folder)
        place.database.execute("PRAGMA synchronous=OFF")
        for seed in range(portion * 250, (portion + 1) * 250):
            place.clear()
            Walk(place, seed).go()
        place.database.close()


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

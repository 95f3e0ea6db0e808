"""What a scheduler keeps in mind: positions, coming ticks, and the runs that wait or are active, by pipeline.

All of it is read from the database when it starts, and follows what is stored.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct, field

from yamldag.engine.schedule.known import Known
from yamldag.engine.schedule.ticker import Decision, Position, Scheduled, due, tick
from yamldag.store import schedules
from yamldag.store.database import Database
from yamldag.store.schedules import QueuedRun

_BY_ITSELF = ("scheduled", "assets")
"""Types of run that nobody asked for by hand."""


class Agenda(Struct):
    since: float
    """When ticks were last looked for."""
    coming: dict[str, float] = field(default_factory=dict)
    """When each pipeline is to be looked at next: its coming tick."""
    paused: frozenset[str] = frozenset()
    hurries: bool = False
    """More runs could begin than the last `take` gave."""
    _soon: list[tuple[float, str]] = field(default_factory=list)
    """A heap of what is coming; what is no longer so is passed over."""
    _snapshot: dict[str, float] | None = None
    _known: dict[str, Known] = field(default_factory=dict)
    _positions: dict[str, Position] = field(default_factory=dict)
    _queued: dict[str, list[QueuedRun]] = field(default_factory=dict)
    _bounds: dict[str, int] = field(default_factory=dict)
    """Of each backfill, how many of its runs may be active."""
    _active: defaultdict[str, dict[str, str | None]] = field(default_factory=lambda: defaultdict(dict))
    """The runs under way of each pipeline, with the backfill that they are part of."""
    _parts: dict[str, str] = field(default_factory=dict)
    """The runs that were under way when this was read, and are part of a backfill."""
    _ends: dict[str, float] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)
    """Pipelines to look at now: new, edited, or with more room than before."""
    _once: set[str] = field(default_factory=set)
    """Pipelines that have one tick for ever."""
    _back: set[str] = field(default_factory=set)
    _seen: bool = False

    @classmethod
    def read(cls, database: Database, now: float) -> Agenda:
        """From the database, but for the runs under way: `began` tells of them."""
        made = cls(now)
        made._read_positions(database)
        made._ends = schedules.last_ends(database)
        made._parts = schedules.parts(database)
        made.hear(database)
        return made

    def hear(self, database: Database) -> None:
        """Other processes have written: what waits, and which pipelines are paused."""
        self._bounds = schedules.bounds(database)
        self._queued = {}
        for row in schedules.queued_runs(database):
            self._queued.setdefault(row.pipeline, []).append(row)
        before, self.paused = self.paused, schedules.paused(database)
        for name in self.paused - before:
            self._expect_none(name)
        if before - self.paused:  # how far they are decided was moved with the flag
            self._read_positions(database)
            self._open |= before - self.paused

    def overhear(self, database: Database, now: float) -> None:
        """What another scheduler has done, to one that only looks on."""
        self.hear(database)
        there = schedules.under_way(database)
        for name, runs in list(self._active.items()):
            for run in runs.keys() - there.keys():
                self.ended(name, run, now)
        for run, name in there.items():
            if run not in self._active[name]:
                self.began(name, run)
                self._open.add(name)
        if waits := self._once & self.coming.keys():
            self._read_positions(database)
            self._open |= waits

    def _read_positions(self, database: Database) -> None:
        for name, stored in schedules.positions(database).items():
            self._positions[name] = Position(datetime.fromisoformat(stored.decided_until), stored.rule)

    @property
    def waiting(self) -> int:
        """Runs that wait for room."""
        return sum(map(len, self._queued.values()))

    @property
    def names(self) -> set[str]:
        """The pipelines that have runs waiting."""
        return {name for name, rows in self._queued.items() if rows}

    def elsewhere(self) -> set[str]:
        """Pipelines that are not in force, and have runs waiting that were asked for by hand."""
        return {
            name
            for name, rows in self._queued.items()
            if name not in self._known and any(map(_by_hand, rows))
        }

    def version(self, pipeline: str) -> str | None:
        """The version of it that was adopted last."""
        known = self._known.get(pipeline)
        return known.version if known else None

    # Pipelines come, change and go

    def adopt(self, pipelines: Mapping[str, Known], back: Collection[str] = ()) -> None:
        """These are in force now; of those `back` it was recorded that their files had gone."""
        old, self._known = self._known, dict(pipelines)
        self._back.update(back)
        for name, known in pipelines.items():
            if self._seen and name not in old:
                self._back.add(name)
            if name not in old or old[name] is not known:
                self._open.add(name)
        self._seen = True
        self._once = {name for name, known in pipelines.items() if known.schedule.once}
        self._snapshot = None
        self.coming = {name: at for name, at in self.coming.items() if name in pipelines}

    # Ticks

    def due(self) -> float | None:
        """When to look for ticks next."""
        if self._open:
            return self.since
        while self._soon and self.coming.get(self._soon[0][1]) != self._soon[0][0]:
            heapq.heappop(self._soon)
        return self._soon[0][0] if self._soon else None

    def snapshot(self) -> dict[str, float]:
        """What is coming, for others to keep."""
        if self._snapshot is None:
            self._snapshot = dict(self.coming)
        return self._snapshot

    def decide(self, now: float) -> list[Decision]:
        """What has come by the clock, of the pipelines that are to be looked at."""
        asked = self._asked(now)
        moment, since = _at(now), _at(min(self.since, now))
        self.since = now
        decisions = tick(asked, since, moment)
        self._look_ahead(asked, moment)
        return decisions

    def foresee(self, now: float) -> None:
        """Know what is coming, where it is another's to decide what has come."""
        self._look_ahead(self._asked(now), _at(now))

    def _asked(self, now: float) -> list[Scheduled]:
        """The pipelines to look at now."""
        names = (self._open | self._come(now)) - self.paused
        self._open.clear()
        return [self._scheduled(name) for name in names if name in self._known]

    def _look_ahead(self, asked: list[Scheduled], moment: datetime) -> None:
        ahead: dict[object, datetime | None] = {}
        for one in asked:
            if one.likeness not in ahead:
                ahead[one.likeness] = due(one, moment)
            self._expect(one.pipeline, ahead[one.likeness])

    def _come(self, now: float) -> set[str]:
        """Those whose tick has come."""
        names = set()
        while self._soon and self._soon[0][0] <= now:
            at, name = heapq.heappop(self._soon)
            if self.coming.get(name) == at:
                names.add(name)
        return names

    def decided(self, decisions: Iterable[Decision], made: Sequence[QueuedRun]) -> None:
        """That is stored now."""
        runs = Counter(row.pipeline for row in made)
        for each in decisions:
            self._positions[each.pipeline] = each.position
            self._back.discard(each.pipeline)
            if runs[each.pipeline] < len(each.ticks):  # some had a run: what comes after them has not to wait
                self._open.add(each.pipeline)
            if each.position.decided.year == 9999:
                self._expect_none(each.pipeline)
        self.queued(made)
        for row in made:
            if self._known[row.pipeline].schedule.continuous:
                self._expect_none(row.pipeline)

    def queued(self, made: Iterable[QueuedRun]) -> None:
        """These are stored, and wait for room."""
        for row in made:
            rows = self._queued.setdefault(row.pipeline, [])
            rows.append(row)
            rows.sort(key=_age)

    def is_full(self, name: str) -> bool:
        """Whether as many of its runs are queued or active as may be."""
        known = self._known[name]
        return self._waiting(name) + self._counted(name) >= known.plan.max_active_runs

    def _expect(self, name: str, moment: datetime | None) -> None:
        if moment is None:
            self._expect_none(name)
            return
        self._snapshot = None
        self.coming[name] = moment.timestamp()
        heapq.heappush(self._soon, (self.coming[name], name))

    def _expect_none(self, name: str) -> None:
        self.coming.pop(name, None)
        self._snapshot = None

    def _scheduled(self, name: str) -> Scheduled:
        known = self._known[name]
        ended = self._ends.get(name)
        queued, active = self._waiting(name), self._counted(name)
        return Scheduled(
            name,
            known.schedule,
            known.rule,
            known.plan.catchup,
            self._positions.get(name),
            known.plan.max_active_runs - active - queued,
            queued,
            active + queued,
            None if ended is None else _at(ended),
            name in self._back,
        )

    # Runs

    def take(self, pipelines: Mapping[str, Known], most: int | None = None) -> list[tuple[QueuedRun, Known]]:
        """So many of the queued runs that may begin and find room, no longer queued; the oldest logical date
        first.

        `pipelines` may hold more than those in force: what was asked for by hand runs though its file has gone.
        """
        found: list[tuple[QueuedRun, Known]] = []
        oldest: list[tuple[str, str]] = []
        self.hurries = False
        for age, name in sorted((min(map(_age, self._queued[name])), name) for name in self.names):
            if most is not None and len(oldest) == most and oldest[-1] < age:
                self.hurries = True  # all others are younger: they need no look now
                break
            for pair in self._take(pipelines[name]) if name in pipelines else ():
                found.append(pair)
                insort(oldest, _age(pair[0]))
                del oldest[most:]
        found.sort(key=lambda pair: _age(pair[0]))
        self.hurries = self.hurries or (most is not None and len(found) > most)
        if most is not None:
            self.queued(row for row, _ in found[most:])
        return found[:most]

    def _take(self, known: Known) -> Iterator[tuple[QueuedRun, Known]]:
        name = known.plan.pipeline
        room = known.plan.max_active_runs - self._counted(name)
        filled = Counter(filter(None, self._active[name].values()))
        left = []
        for row in self._queued[name]:
            if row.backfill is not None:
                fits = filled[row.backfill] < self._bounds.get(row.backfill, 1)
                filled[row.backfill] += fits
            else:
                fits = room > 0 and self._may_begin(row)
                room -= fits
            if fits:
                yield row, known
            else:
                left.append(row)
        self._queued[name] = left

    def _may_begin(self, row: QueuedRun) -> bool:
        """A pause, and a file that has gone, hold up what comes by itself; not what was asked for by hand."""
        return _by_hand(row) or (row.pipeline not in self.paused and row.pipeline in self._known)

    def _counted(self, name: str) -> int:
        """Runs under way that `max_active_runs` counts: a backfill has a bound of its own."""
        return sum(backfill is None for backfill in self._active[name].values())

    def _waiting(self, name: str) -> int:
        return sum(row.backfill is None for row in self._queued.get(name, ()))

    def began(self, pipeline: str, run: str, backfill: str | None = None) -> None:
        """A run, which may be part of a backfill, is under way."""
        self._active[pipeline][run] = backfill or self._parts.get(run)

    def ended(self, pipeline: str, run: str, at: float) -> None:
        """A run has ended: there may be room for a tick that has found none."""
        part = self._active[pipeline].pop(run, None)
        if part is None:
            self._ends[pipeline] = max(at, self._ends.get(pipeline, 0.0))
        self._open.add(pipeline)

    def lost(self, run: str) -> None:
        """A run is no longer ours."""
        for name, runs in self._active.items():
            if runs.pop(run, ...) is not ...:
                self._open.add(name)


def _by_hand(row: QueuedRun) -> bool:
    """Also of one that is to begin again: somebody has cleared it."""
    return row.type not in _BY_ITSELF or row.version is not None or row.backfill is not None


def _age(row: QueuedRun) -> tuple[str, str]:
    return row.logical_date, row.id


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

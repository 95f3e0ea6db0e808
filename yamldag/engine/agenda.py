"""What a scheduler keeps in mind: positions, coming ticks, and the runs that wait or are active, by pipeline.

All of it is read from the database when it starts, and follows what is stored.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from yamldag.engine.catalogue import Known
from yamldag.engine.ticker import Decision, Position, Scheduled, due, tick
from yamldag.store import schedules
from yamldag.store.database import Database
from yamldag.store.schedules import QueuedRun


@dataclass(slots=True)
class Agenda:
    since: float
    """When ticks were last looked for."""
    coming: dict[str, float] = field(default_factory=dict)
    """When each pipeline is to be looked at next: its coming tick."""
    hurries: bool = False
    """More runs could begin than the last `take` gave."""
    _soon: list[tuple[float, str]] = field(default_factory=list)
    """A heap of what is coming; what is no longer so is passed over."""
    _snapshot: dict[str, float] | None = None
    _known: dict[str, Known] = field(default_factory=dict)
    _positions: dict[str, Position] = field(default_factory=dict)
    _queued: defaultdict[str, list[QueuedRun]] = field(default_factory=lambda: defaultdict(list))
    _active: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _ends: dict[str, float] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)
    """Pipelines to look at now: new, edited, or with more room than before."""
    _back: set[str] = field(default_factory=set)
    _seen: bool = False

    @classmethod
    def read(cls, database: Database, now: float) -> Agenda:
        """From the database, but for the runs under way: `began` tells of them."""
        made = cls(now)
        for name, stored in schedules.positions(database).items():
            made._positions[name] = Position(datetime.fromisoformat(stored.decided_until), stored.rule)
        for row in schedules.queued_runs(database):
            made._queued[row.pipeline].append(row)
        made._ends = schedules.last_ends(database)
        return made

    @property
    def waiting(self) -> int:
        """Runs that wait for room."""
        return sum(map(len, self._queued.values()))

    def version(self, pipeline: str) -> str | None:
        """The version of it that was adopted last."""
        known = self._known.get(pipeline)
        return known.version if known else None

    # Pipelines come, change and go

    def adopt(self, pipelines: Mapping[str, Known]) -> None:
        """These are in force now."""
        old, self._known = self._known, dict(pipelines)
        for name, known in pipelines.items():
            if self._seen and name not in old:
                self._back.add(name)
            if name not in old or old[name] is not known:
                self._open.add(name)
        self._seen = True
        self._snapshot = None
        self.coming = {
            name: at for name, at in self.coming.items() if name in pipelines and pipelines[name].runs
        }

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
        names, self._open = self._open, set()
        while self._soon and self._soon[0][0] <= now:
            at, name = heapq.heappop(self._soon)
            if self.coming.get(name) == at:
                names.add(name)
        moment, since = _at(now), _at(min(self.since, now))
        self.since = now
        asked = [self._scheduled(name) for name in names if name in self._known and self._known[name].runs]
        decisions = tick(asked, since, moment)
        ahead: dict[object, datetime | None] = {}
        for one in asked:
            if one.likeness not in ahead:
                ahead[one.likeness] = due(one, moment)
            self._expect(one.pipeline, ahead[one.likeness])
        return decisions

    def decided(self, decisions: Iterable[Decision], made: Sequence[QueuedRun]) -> None:
        """That is stored now."""
        for each in decisions:
            self._positions[each.pipeline] = each.position
            self._back.discard(each.pipeline)
            if each.position.decided.year == 9999:
                self._expect_none(each.pipeline)
        self.queued(made)
        for row in made:
            if self._known[row.pipeline].schedule.continuous:
                self._expect_none(row.pipeline)

    def queued(self, made: Iterable[QueuedRun]) -> None:
        """These are stored, and wait for room."""
        for row in made:
            self._queued[row.pipeline].append(row)

    def is_full(self, name: str) -> bool:
        """Whether as many of its runs are queued or active as may be."""
        known = self._known[name]
        held = len(self._queued.get(name, ())) + len(self._active.get(name, ()))
        return held >= known.plan.max_active_runs

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
        queued, active = len(self._queued.get(name, ())), len(self._active.get(name, ()))
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
        """So many of the queued runs that find room, no longer queued; the oldest logical date first."""
        found: list[tuple[QueuedRun, Known]] = []
        for name, rows in self._queued.items():
            if (known := pipelines.get(name)) and known.runs:
                room = max(0, known.plan.max_active_runs - len(self._active.get(name, ())))
                found += [(row, known) for row in rows[:room]]
        self.hurries = most is not None and len(found) > most
        found = sorted(found, key=lambda pair: (pair[0].logical_date, pair[0].id))[:most]
        for row, _ in found:
            self._queued[row.pipeline].remove(row)
            if not self._queued[row.pipeline]:
                del self._queued[row.pipeline]
        return found

    def began(self, pipeline: str, run: str) -> None:
        self._active[pipeline].add(run)

    def ended(self, pipeline: str, run: str, at: float) -> None:
        """A run has ended: there may be room for a tick that has found none."""
        self._active[pipeline].discard(run)
        self._ends[pipeline] = max(at, self._ends.get(pipeline, 0.0))
        self._open.add(pipeline)

    def lost(self, run: str) -> None:
        """A run is no longer ours."""
        for name, runs in self._active.items():
            if run in runs:
                runs.discard(run)
                self._open.add(name)


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

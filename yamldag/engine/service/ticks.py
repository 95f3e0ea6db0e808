"""Records the runs that have come: those of ticks, and those of assets that were updated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from yamldag.engine import times
from yamldag.engine.memory.records import new_id
from yamldag.engine.schedule.ticker import LATE, Decision
from yamldag.engine.service.desk import Desk
from yamldag.store import backfills, schedules
from yamldag.store.database import Database
from yamldag.store.schedules import QueuedRun, StoredPosition

NEWS = 0.5
"""Seconds between two looks at what other processes have updated, while a pipeline awaits assets."""


class Ticks(Struct):
    desk: Desk
    late: float = 0.0
    """Seconds after its moment that the last tick was seen."""
    _news_at: float = 0.0

    @property
    def due(self) -> float | None:
        """When to look next; None: nothing comes by itself."""
        moments = [self.desk.agenda.due(), None if self.desk.awaiting.idle else self._news_at]
        return min((each for each in moments if each is not None), default=None)

    def expect_news(self) -> None:
        """Assets may have been updated, or there may be room for who awaits them."""
        self._news_at = 0.0

    def see(self, now: float) -> None:
        """All that has come until now."""
        self._tick(now)
        self._meet(now)

    def _tick(self, now: float) -> None:
        """Record the runs of the ticks that have come, with the positions that say so."""
        database, agenda = self.desk.database, self.desk.agenda
        decisions = agenda.decide(now)
        if not decisions:
            return

        def record() -> list[QueuedRun]:
            # Positions first: a backfill that is being recorded, and the ticks, wait for each other at them.
            for each in decisions:
                decided = times.stored(each.position.decided)
                position = StoredPosition(decided, each.position.rule)
                schedules.set_position(database, each.pipeline, position, now)
            made: list[QueuedRun] = []
            backfilled = backfills.pipelines(database) if any(each.ticks for each in decisions) else ()
            for each in decisions:
                taken = _taken(database, each) if each.ticks and each.pipeline in backfilled else ()
                rows = (row for row in _rows(each, now) if row.logical_date not in taken)
                made += [row for row in rows if schedules.queue_run(database, row)]
            return made

        made = database.write(record)
        agenda.decided(decisions, made)
        if made:
            late = now - datetime.fromisoformat(made[-1].logical_date).timestamp()
            self.late = late if late < LATE.total_seconds() else self.late

    def _meet(self, now: float) -> None:
        """Record the runs of the conditions over assets that are met."""
        engine, awaiting, agenda = self.desk.engine, self.desk.awaiting, self.desk.agenda
        due = engine.updated or not now < self._news_at <= now + NEWS
        if awaiting.idle or not due:
            return
        engine.updated = False
        self._news_at = now + NEWS
        awaiting.read()
        agenda.queued(awaiting.make_runs(agenda.is_full, now))


def _taken(database: Database, decision: Decision) -> set[str]:
    """The ticks that have a backfill's run: a tick never has two. One that was cancelled does not count."""
    first, last = (times.stored(decision.ticks[at].logical_date) for at in (0, -1))
    runs = backfills.tick_runs(database, decision.pipeline, first, last)
    return {run.logical_date for run in runs if run.state != "cancelled"}


def _rows(decision: Decision, now: float) -> Iterator[QueuedRun]:
    for tick in decision.ticks:
        date, start, end = map(times.stored, tick)
        name = new_id("scheduled", tick.logical_date)
        yield QueuedRun(name, decision.pipeline, "scheduled", date, start, end, "{}", now)

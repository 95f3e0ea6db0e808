"""A schedule that was read: when it ticks, and the interval of each tick."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime, tzinfo
from itertools import islice
from typing import NamedTuple

from msgspec import Struct

from yamldag.plan.pipeline import Json
from yamldag.plan.schedule.ticking import EARLIEST, Source, at, instant


class Tick(NamedTuple):
    """Aware times in the pipeline's zone. Compare them in UTC: in one zone Python compares wall clocks."""

    logical_date: datetime
    data_interval_start: datetime
    data_interval_end: datetime


class Schedule(Struct, frozen=True):
    zone: tzinfo
    """The pipeline's."""
    sources: tuple[Source, ...] = ()
    start: datetime | None = None
    """The first moment that may be a tick, in UTC; `end`: the last."""
    end: datetime | None = None
    once: bool = False
    continuous: bool = False
    assets: Json = None
    """`{"all": […]}` or `{"any": […]}`, whose members are names or such mappings; None: no assets."""

    @property
    def has_clock(self) -> bool:
        """Whether it has ticks. `@once` has one at `start`; without, its run is due when first seen."""
        return bool(self.sources)

    def ticks(
        self, after: datetime | None = None, *, inclusive: bool = False, bounded: bool = True
    ) -> Iterator[datetime]:
        """Ticks in UTC, ascending, strictly after `after`, or from it on with `inclusive`.

        `after=None`: from `start`, or without one from 1970 on. `bounded=False` ignores `start` and `end`.
        """
        return map(at, self._ticks(self._floor(after, inclusive, bounded), bounded))

    def intervals(
        self, after: datetime | None = None, *, inclusive: bool = False, bounded: bool = True
    ) -> Iterator[Tick]:
        """As `ticks`, each with its data interval: since the tick before it, which may lie before `start`."""
        previous: int | None = None
        for tick in self._ticks(self._floor(after, inclusive, bounded), bounded):
            previous = self._before(tick) if previous is None else previous
            yield self._tick(tick, previous)
            previous = tick

    def tick(self, logical_date: datetime) -> Tick:
        """That moment, which should be a tick, with its interval."""
        moment = instant(logical_date)
        return self._tick(moment, self._before(moment))

    def newest(self, after: datetime | None, until: datetime) -> datetime | None:
        """The newest tick after `after`, up to and including `until`: the one that `latest` makes up for."""
        found = self._before(self._ceiling(until) + 1)
        return at(found) if found is not None and found > self._floor(after, False, True) else None

    def interval_of(self, moment: datetime) -> tuple[datetime, datetime]:
        """Of a run started by hand: between the newest two ticks up to `moment`, `start` aside.

        Where there are no two: empty, at the moment. In the pipeline's zone.
        """
        end = self._before(self._ceiling(moment) + 1)
        start = None if end is None else self._before(end)
        if start is None or end is None:
            here = moment.astimezone(self.zone)
            return here, here
        return self._local(start), self._local(end)

    def _tick(self, tick: int, previous: int | None) -> Tick:
        local = self._local(tick)
        return Tick(local, local if previous is None else self._local(previous), local)

    def _local(self, tick: int) -> datetime:
        return at(tick).astimezone(self.zone)

    def _floor(self, after: datetime | None, inclusive: bool, bounded: bool) -> int:
        """Ticks lie strictly above this."""
        asked = None if after is None else instant(after) - inclusive
        start = instant(self.start) - 1 if bounded and self.start else None
        given = [bound for bound in (asked, start) if bound is not None]
        return max(given, default=-1)

    def _ceiling(self, moment: datetime) -> int:
        return min(instant(moment), instant(self.end)) if self.end else instant(moment)

    def _ticks(self, after: int, bounded: bool) -> Iterator[int]:
        last = instant(self.end) if bounded and self.end else None
        newest = EARLIEST - 1
        for tick in heapq.merge(*(source.after(after) for source in self.sources)):
            if last is not None and tick > last:
                return
            if tick > newest:  # equal instants are one tick
                yield tick
            newest = tick

    def _before(self, moment: int) -> int | None:
        return max(
            (tick for source in self.sources if (tick := source.before(moment)) is not None), default=None
        )


def coming(
    schedule: Schedule, after: datetime, until: datetime | None = None, count: int | None = None
) -> list[Tick]:
    """The ticks strictly after `after`, up to and including `until`, at most `count`."""
    found: list[Tick] = []
    for tick in islice(schedule.intervals(after), count):
        if until is not None and instant(tick.logical_date) > instant(until):
            break
        found.append(tick)
    return found


def rows(ticks: list[Tick]) -> list[dict[str, str]]:
    """Ticks as JSON rows, ISO 8601 with the offset of the pipeline's zone."""
    return [{name: moment.isoformat() for name, moment in tick._asdict().items()} for tick in ticks]

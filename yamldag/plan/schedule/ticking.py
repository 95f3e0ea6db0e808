"""What ticks: a cron line on a wall clock, a grid of elapsed time, a list of moments.

Instants are whole microseconds since 1970 in UTC here: they compare and add without surprises from folds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from typing import Protocol

from msgspec import Struct

from yamldag.plan.schedule import days
from yamldag.plan.schedule.cron import Cron
from yamldag.plan.schedule.times import EPOCH, FIRST, LAST

_MICROSECOND = timedelta(microseconds=1)
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_FIRST_DAY = EPOCH.toordinal()
EARLIEST = (FIRST - EPOCH) // _MICROSECOND
LATEST = (LAST - EPOCH) // _MICROSECOND


def instant(moment: datetime) -> int:
    return min(max((moment - EPOCH) // _MICROSECOND, EARLIEST), LATEST)


def at(instant: int) -> datetime:
    return EPOCH + timedelta(microseconds=instant)


class Source(Protocol):
    def after(self, instant: int) -> Iterator[int]:
        """Its ticks, ascending, strictly after the instant."""

    def before(self, instant: int) -> int | None:
        """Its newest tick strictly before the instant."""


class Moments(Struct, frozen=True):
    moments: tuple[int, ...]
    """Ascending, each once."""

    def after(self, instant: int) -> Iterator[int]:
        return iter(self.moments[bisect_right(self.moments, instant) :])

    def before(self, instant: int) -> int | None:
        place = bisect_left(self.moments, instant)
        return self.moments[place - 1] if place else None


class Grid(Struct, frozen=True):
    step: int
    """Microseconds, above 0."""
    anchor: int

    def after(self, instant: int) -> Iterator[int]:
        first = instant + self.step - (instant - self.anchor) % self.step
        return iter(range(first, LATEST + 1, self.step))

    def before(self, instant: int) -> int | None:
        newest = instant - 1 - (instant - 1 - self.anchor) % self.step
        return newest if newest >= EARLIEST else None


class Clock(Struct, frozen=True):
    """A cron line, counted on the wall clock of a zone.

    A time that the spring gap leaves out moves forward by the gap; of several in one gap only the first does,
    for the clock has passed the others then. A time that comes twice ticks on the second pass, or on both
    if the hour field covers every hour.
    """

    cron: Cron
    lines: days.Lines
    """Those of its days."""
    zone: tzinfo

    def after(self, instant: int) -> Iterator[int]:
        held: list[int] = []
        begin = self._day(instant) - timedelta(days=2)  # a gap moves a tick by a day at most
        for day in days.since(self.lines, begin):
            ticks = self._ticks(day)
            if not held and max(ticks, default=instant) <= instant:
                continue
            held = sorted({*held, *(tick for tick in ticks if tick > instant)})
            ready = bisect_left(held, self._dawn(day + timedelta(days=1)))
            yield from held[:ready]
            del held[:ready]
        yield from held

    def before(self, instant: int) -> int | None:
        found: list[int] = []
        end = date.min
        for day in days.until(self.lines, self._day(instant) + timedelta(days=1)):
            if day < end:  # so far back no gap moves a tick past what was found
                break
            here = [tick for tick in self._ticks(day) if tick < instant]
            end = day - timedelta(days=2) if here and not found else end
            found += here
        return max(found, default=None)

    def _day(self, instant: int) -> date:
        return at(min(max(instant, EARLIEST + 9 * _DAY), LATEST)).astimezone(self.zone).date()

    def _dawn(self, day: date) -> int:
        """Before any tick of the day, or of a later one."""
        return _midnight(day) - _SECOND * max(self._offset(day, 0, 0), self._offset(day, 0, 1))

    def _ticks(self, day: date) -> list[int]:
        early, late, end, end_late = (
            self._offset(day, minute, fold) for minute in (0, 1439) for fold in (0, 1)
        )
        if early == late == end == end_late:
            start = _midnight(day) - early * _SECOND
            return [start + minute * 60 * _SECOND for minute in self.cron.minutes]
        return [tick for tick in self._settled(day) if tick <= LATEST]

    def _settled(self, day: date) -> Iterator[int]:
        """The ticks of a day on which the clock changes, in the order of the wall clock."""
        gap_passed = self._gap_before(day)
        for minute in self.cron.minutes:
            wall = _midnight(day) // _SECOND + minute * 60
            early, late = self._offset(day, minute, 0), self._offset(day, minute, 1)
            if early > late:
                yield (wall - late) * _SECOND
                if self.cron.every_hour:
                    yield (wall - early) * _SECOND
            elif early == late:
                yield (wall - early) * _SECOND
            elif wall >= gap_passed:
                yield (wall - early) * _SECOND
                gap_passed = wall + late - early

    def _gap_before(self, day: date) -> int:
        """Up to which wall-clock time no tick moves, as one of the day before was in the same gap."""
        eve = day - timedelta(days=1)
        if next(days.since(self.lines, eve), None) != eve:
            return EARLIEST
        minute = self.cron.minutes[-1]
        gap = self._offset(eve, minute, 1) - self._offset(eve, minute, 0)
        return _midnight(eve) // _SECOND + minute * 60 + max(gap, 0)

    def _offset(self, day: date, minute: int, fold: int) -> int:
        wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60, fold=fold, tzinfo=self.zone)
        offset = wall.utcoffset()
        assert offset is not None
        return offset.days * 86_400 + offset.seconds


def _midnight(day: date) -> int:
    """As if the wall clock were UTC's."""
    return (day.toordinal() - _FIRST_DAY) * _DAY

"""Ticks found the slow way: every minute of a stretch of time is asked whether it is one."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from croniter import croniter

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
Window = tuple[ZoneInfo, datetime, datetime]


@cache
def matcher(line: str) -> Callable[[datetime], bool]:
    """Whether a wall-clock minute is one that the line means; the fields are read by another library."""
    expanded, counted = croniter.expand(line)[:2]
    minutes, hours, days, months, weekdays = expanded
    nth: dict[object, set[object]] = {day: {*weeks} for day, weeks in counted.items()}

    def matches(wall: datetime) -> bool:
        if not (fits(wall.minute, minutes) and fits(wall.hour, hours) and fits(wall.month, months)):
            return False
        last = wall.day == monthrange(wall.year, wall.month)[1]
        by_day = fits(wall.day, days) or (last and "l" in days)
        weekday = wall.isoweekday() % 7
        counts = nth.get(weekday)
        by_weekday = fits(weekday, weekdays) and (
            not counts
            or (wall.day + 6) // 7 in counts
            or ("l" in {*map(str, counts)} and (wall + timedelta(days=7)).month != wall.month)
        )
        if "*" in days or "*" in weekdays:
            return by_day and by_weekday
        return by_day or by_weekday

    return matches


def fits(value: int, field: Sequence[int | str]) -> bool:
    return "*" in field or value in field


@lru_cache(4)
def minutes(window: Window) -> list[tuple[datetime, datetime]]:
    """Each minute from two days before the window until two after it, and what a clock on the wall shows."""
    zone, first, last = window
    moment = first - 2 * DAY
    found = []
    while moment <= last + 2 * DAY:
        found.append((moment, moment.astimezone(zone).replace(tzinfo=None)))
        moment += MINUTE
    return found


def ticks(line: str, window: Window) -> list[datetime]:
    _, first, last = window
    return sorted({tick for tick in _ticks(line, window) if first <= tick <= last})


def _ticks(line: str, window: Window) -> Iterator[datetime]:
    matches = matcher(line)
    passes = Counter(wall for _, wall in minutes(window))
    left = passes.copy()
    before = minutes(window)[0][1] - MINUTE
    for moment, wall in minutes(window):
        gap = before + MINUTE
        while gap < wall:
            if matches(gap):  # the first that the clock leaves out comes as much later as it lies in the gap
                yield moment + (gap - before - MINUTE)
                break
            gap += MINUTE
        left[wall] -= 1
        if matches(wall) and (not left[wall] or "*" in croniter.expand(line)[0][1]):
            yield moment
        before = wall


def changes(zone: ZoneInfo, first: int, last: int) -> Iterator[datetime]:
    """The first minutes of new offsets of a zone."""
    day = datetime(first, 1, 1, tzinfo=UTC)
    while day.year < last:
        if _offset(day, zone) != _offset(day + DAY, zone):
            yield next(
                day + minute * MINUTE
                for minute in range(24 * 60 + 1)
                if _offset(day + minute * MINUTE, zone) != _offset(day, zone)
            )
        day += DAY


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


def reads_alike(line: str) -> bool:
    """Whether the other library takes nothing but a `*` for one in the two fields of days, which it may."""
    expanded = croniter.expand(line)[0]
    return all((expanded[place] == ["*"]) == (line.split()[place] == "*") for place in (2, 4))


def other(line: str, after: datetime) -> Iterator[datetime]:
    """What the other library makes of it; its treatment of clock changes is not ours."""
    ticks = croniter(line, after)
    while True:
        yield ticks.get_next(datetime)

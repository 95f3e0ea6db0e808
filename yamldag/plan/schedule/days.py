"""The days that a cron line names, found by croniter on a calendar without clocks and time zones."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from croniter import croniter

LAST = -1
"""Stands for the last one: in a set of days, or as the count of a weekday."""
Days = frozenset[int]
"""Days of the month, LAST among them or not."""
Weekdays = frozenset[tuple[int, int]]
"""(weekday from Monday = 0, the how manieth of the month, LAST, or 0 for each)."""
Lines = tuple[str, ...]
"""Lines that croniter reads as we do; a day that one of them names will do. None: each day."""
_Step = Callable[..., datetime]
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def ever(days: Days | None, months: Iterable[int], weekdays: Weekdays | None) -> bool:
    """Whether there is any such day. Each weekday comes a fifth time in each month of some years."""
    return weekdays is not None or days is None or _come(days, months)


def _come(days: Days, months: Iterable[int]) -> bool:
    return min(days) <= max(_LONGEST[month - 1] for month in months)  # LAST is less than any


def lines(days: Days | None, months: tuple[int, ...], weekdays: Weekdays | None) -> Lines:
    """One line for each kind of field, as croniter takes no two kinds together as we do."""
    month = _listed(months) if len(months) < 12 else "*"
    found = [f"0 0 * {month} *"] if days is None and weekdays is None and month != "*" else []
    if days is not None and _come(days, months):
        found.append(f"0 0 {_listed('l' if day == LAST else day for day in sorted(days))} {month} *")
    plain = [each for each in sorted(weekdays or ()) if not each[1]]
    counted = [each for each in sorted(weekdays or ()) if each[1]]
    return (*found, *(f"0 0 * {month} {_listed(map(_weekday, each))}" for each in (plain, counted) if each))


def _weekday(each: tuple[int, int]) -> str:
    weekday, count = (each[0] + 1) % 7, each[1]
    return f"l{weekday}" if count == LAST else f"{weekday}#{count}" if count else f"{weekday}"


def _listed(values: Iterable[object]) -> str:
    return ",".join(map(str, values))


def since(lines: Lines, first: date) -> Iterator[date]:
    """The days from `first` on, to the year 9998."""
    return _walk(lines, first, 1)


def until(lines: Lines, last: date) -> Iterator[date]:
    """The days from `last` down to the year 2."""
    return _walk(lines, last, -1)


def _walk(lines: Lines, begin: date, way: int) -> Iterator[date]:
    next_to = _walked(lines, way) if lines else lambda day: day + timedelta(days=way)
    day = next_to(begin - timedelta(days=way))
    while day is not None and 1 < day.year < 9999:
        yield day
        day = next_to(day)


def _walked(lines: Lines, way: int) -> Callable[[date], date | None]:
    """What finds the next day: in years around 2200, as the calendar repeats after 400 and has ends."""
    walkers = [copy.copy(_walker(line)) for line in lines]  # of our own: they remember where they stand
    steps: list[_Step] = [walker.get_next if way > 0 else walker.get_prev for walker in walkers]

    def next_to(day: date) -> date | None:
        here = datetime(2000 + day.year % 400, day.month, day.day)  # noqa: DTZ001 -- on no clock
        found = [step(datetime, start_time=here) for step in steps]
        near = min(found) if way > 0 else max(found)
        year = near.year - here.year + day.year
        return date(year, near.month, near.day) if MINYEAR <= year <= MAXYEAR else None

    return next_to


@lru_cache(1024)
def _walker(line: str) -> croniter:
    from croniter import croniter

    return croniter(line)

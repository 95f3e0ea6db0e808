"""Days that cron lines name, against ones found by asking every day."""

from __future__ import annotations

import subprocess
import sys
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yamldag.plan.schedule import days
from yamldag.plan.schedule.days import LAST, Days, Weekdays

MONTHS = tuple(range(1, 13))


def named(day: date, of_month: Days | None, months: tuple[int, ...], of_week: Weekdays | None) -> bool:
    length = monthrange(day.year, day.month)[1]
    counts = {0, (day.day + 6) // 7, *([LAST] if day.day + 7 > length else [])}
    by_month = of_month is not None and (day.day in of_month or (day.day == length and LAST in of_month))
    by_week = of_week is not None and any((day.weekday(), count) in of_week for count in counts)
    return day.month in months and (by_month or by_week or (of_month is None and of_week is None))


def each(first: date, way: int) -> Iterator[date]:
    while 1 < first.year < 9999:
        yield first
        first += timedelta(days=way)


of_month = st.none() | st.frozensets(st.integers(1, 31) | st.just(LAST), min_size=1, max_size=6)
counts = st.sampled_from([0, 0, 1, 2, 3, 4, 5, LAST])
of_week = st.none() | st.frozensets(st.tuples(st.integers(0, 6), counts), min_size=1, max_size=5)
of_year = st.sets(st.integers(1, 12), min_size=1).map(lambda found: tuple(sorted(found))) | st.just(MONTHS)
begins = st.dates(date(3, 1, 1), date(9997, 1, 1))


@settings(max_examples=300, deadline=None)
@given(of_month, of_year, of_week, begins)
def test_days_are_those_that_asking_each_day_finds(
    of_month: Days | None, months: tuple[int, ...], of_week: Weekdays | None, begin: date
) -> None:
    wanted = (of_month, months, of_week)
    lines = days.lines(*wanted)
    if not days.ever(*wanted):
        return
    for way, walk in ((1, days.since), (-1, days.until)):
        slow = [day for day in islice(each(begin, way), 800) if named(day, *wanted)]
        assert list(islice(walk(lines, begin), len(slow))) == slow


@pytest.mark.parametrize("begin", [date(1896, 2, 29), date(2096, 2, 29), date(9600, 2, 29)])
def test_a_fifth_weekday_of_february_is_found_over_forty_years(begin: date) -> None:
    lines = days.lines(None, (2,), frozenset({(begin.weekday(), 5)}))
    first, second = islice(days.since(lines, begin), 2)
    assert first == begin
    assert (second.month, second.day, second.weekday()) == (2, 29, begin.weekday())
    assert next(days.until(lines, second - timedelta(days=1))) == begin


@pytest.mark.parametrize("month", MONTHS)
def test_whether_a_day_ever_comes(month: int) -> None:
    longest = max(monthrange(year, month)[1] for year in (2023, 2024))
    for day in range(1, 32):
        assert days.ever(frozenset({day}), (month,), None) == (day <= longest)
    assert days.ever(frozenset({31, LAST}), (month,), None)
    assert days.ever(frozenset({31}), (month,), frozenset({(0, 5)}))


def test_a_day_that_never_comes_does_not_hide_the_weekdays_beside_it() -> None:
    lines = days.lines(frozenset({30, 31}), (2,), frozenset({(0, 0)}))
    assert list(islice(days.since(lines, date(2026, 2, 20)), 2)) == [date(2026, 2, 23), date(2027, 2, 1)]


def test_the_calendar_has_ends() -> None:
    for lines in ((), ("0 0 1 1 *",), ("0 0 29 2 *",)):
        assert all(day.year == 9998 for day in days.since(lines, date(9998, 1, 1)))
        assert all(day.year == 2 for day in days.until(lines, date(2, 12, 31)))


def test_walks_of_one_line_do_not_disturb_each_other() -> None:
    lines = ("0 0 * * 1,4",)
    one, two = days.since(lines, date(2026, 1, 1)), days.since(lines, date(2030, 1, 1))
    mixed = [(next(one), next(two)) for _ in range(20)]
    assert [day for day, _ in mixed] == list(islice(days.since(lines, date(2026, 1, 1)), 20))
    found: list[list[date]] = []
    threads = [
        Thread(target=lambda: found.append(list(islice(days.since(lines, date(2026, 1, 1)), 200))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [found[0]] * 4
    assert found[0] == list(islice(days.since(lines, date(2026, 1, 1)), 200))


LAZY = """
import sys
from datetime import datetime, UTC
from yamldag.plan import schedule
for line in ("@daily", "*/5 9-17 * * mon-fri", "0 0 31 2 *", "0 0 1 * 1", "bad"):
    schedule.faults(line, "UTC", "2026-01-01", None)
for line in ("@hourly", "30 2 * * *"):
    read = schedule.read(line, "Europe/Berlin", None, None)
    next(read.intervals(datetime(2026, 1, 1, tzinfo=UTC)))
assert "croniter" not in sys.modules
next(schedule.read("@monthly", "UTC", None, None).ticks())
assert "croniter" in sys.modules
"""


def test_a_line_is_judged_and_each_day_is_counted_without_the_other_library() -> None:
    subprocess.run([sys.executable, "-c", LAZY], check=True)

"""Ticks against ones found minute by minute, in zones and on days where clocks do strange things."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.plan import cron_oracle as oracle
from yamldag.plan import schedule
from yamldag.plan.pipeline import Json
from yamldag.plan.schedule import Schedule

SHAPES = (
    "30 2 * * *",
    "0 0 * * *",
    "*/20 1-2 * * *",
    "10,35 0,1,2,3,23 * * *",
    "20 */4 * * *",
    "0 * * * *",
    "*/7 * * * *",
    "15 0-23 * * 0",
    "59 23 * * *",
    "45 1 * * 0#1,0#5",
    "5 */2 L * 6",
    "30 0 1-15 3,10 *",
    "10,35 0,23 * * *",
)
# Gaps of half an hour and of two, at midnight and just before it; summers of eleven months; odd offsets, and
# offsets that changed for good.
ZONES = (
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "America/Havana",
    "America/Nuuk",
    "Antarctica/Troll",
    "Africa/Casablanca",
    "Pacific/Chatham",
    "Asia/Tehran",
    "Asia/Pyongyang",
    "Europe/Volgograd",
    "Antarctica/Casey",
)
LOST_AND_DOUBLED_DAYS = (
    ("Pacific/Apia", "2011-12-30"),  # no such day
    ("Pacific/Kwajalein", "1993-08-21"),  # no such day
    ("Pacific/Kwajalein", "1969-09-30"),  # twice, nearly
    ("America/Toronto", "1919-03-30"),  # a gap from 23:30 to 00:30
    ("America/St_Johns", "2006-10-29"),  # at 00:01 back to 23:01 of the day before
    ("America/St_Johns", "2006-04-02"),  # at 00:01 to 01:01
)
ALL = bool(os.environ.get("YAMLDAG_TEST_ALL_ZONES"))


def windows(names: Iterable[str], first: int, last: int) -> Iterator[oracle.Window]:
    """Around each change of an offset, but only one of those with the same jump at the same local time."""
    seen = set()
    for zone in map(ZoneInfo, names):
        for change in oracle.changes(zone, first, last):
            before, after = (moment.astimezone(zone) for moment in (change - oracle.MINUTE, change))
            kind = (
                before.time(),
                after.time(),
                before.isoweekday(),
                after.day < before.day,
                before.utcoffset(),
            )
            if kind not in seen:
                seen.add(kind)
                yield zone, change - timedelta(hours=30), change + timedelta(hours=40)


def read(line: Json, zone: str = "UTC", start: str | None = None, end: str | None = None) -> Schedule:
    assert schedule.faults(line, zone, start, end) == []
    return schedule.read(line, zone, start, end)


def between(read: Schedule, first: datetime, last: datetime) -> list[datetime]:
    found = []
    for tick in read.ticks(first, inclusive=True):
        if tick > last:
            break
        found.append(tick)
    return found


def test_every_tick_and_no_other_around_the_changes_of_offsets() -> None:
    """With YAMLDAG_TEST_ALL_ZONES=1 in all zones until 2035: some 20 seconds."""
    found = windows(sorted(available_timezones()), 2015, 2035) if ALL else windows(ZONES, 2017, 2020)
    count = 0
    for window in found:
        zone, first, last = window
        for line in SHAPES:
            count += 1
            got = between(read(line, zone.key), first, last)
            assert got == oracle.ticks(line, window), f"{line} in {zone} from {first}"
    assert count > 300


@pytest.mark.parametrize(("zone", "day"), LOST_AND_DOUBLED_DAYS)
def test_days_that_are_lost_or_come_twice(zone: str, day: str) -> None:
    middle = datetime.fromisoformat(day + "T12:00+00:00")
    first, last = middle - timedelta(days=3), middle + timedelta(days=3)
    window = (ZoneInfo(zone), first, last)
    (change,) = (
        at for at in oracle.changes(ZoneInfo(zone), middle.year, middle.year + 1) if first < at < last
    )
    for line in (*SHAPES, f"0 2 {middle.day} * *"):
        schedule = read(line, zone)
        wanted = oracle.ticks(line, window)
        assert between(schedule, first, last) == wanted, line
        for tick, following in pairwise(wanted):
            if abs(tick - change) < timedelta(hours=3) or following - tick > timedelta(hours=3):
                for here in (tick, tick + oracle.MINUTE / 2, following - oracle.MINUTE / 2):
                    assert next(schedule.ticks(here)) == following, f"{line} after {here}"
                    assert schedule.newest(first - oracle.MINUTE, here) == tick, f"{line} at {here}"


def fields(low: int, high: int) -> st.SearchStrategy[str]:
    def ranged(ends: list[int]) -> str:
        return f"{min(ends)}-{max(ends)}"

    number = st.integers(low, high)
    span = st.lists(number, min_size=2, max_size=2, unique=True)
    step = st.integers(2, high - low)  # `*/1` is read otherwise by the other library
    item = st.one_of(
        number.map(str),
        span.map(ranged),
        st.builds("*/{}".format, step),
        st.builds("{}/{}".format, number, step),
        span.flatmap(
            lambda ends: st.integers(1, abs(ends[0] - ends[1])).map(lambda n: f"{ranged(ends)}/{n}")
        ),
    )
    return st.just("*") | st.lists(item, min_size=1, max_size=3).map(",".join)


def lines() -> st.SearchStrategy[str]:
    days = fields(1, 31) | st.just("L")
    weekdays = fields(0, 6) | st.builds("{}#{}".format, st.integers(0, 6), st.integers(1, 5)) | st.just("l5")
    every = st.builds("{} {} {} {} {}".format, fields(0, 59), fields(0, 23), days, fields(1, 12), weekdays)
    return every.filter(
        lambda line: not schedule.faults(line, "UTC", None, None) and oracle.reads_alike(line)
    )


days = st.integers(10 * 365, 120 * 365)
moments = days.map(lambda day: datetime(1970, 1, 1, 7, 7, tzinfo=UTC) + day * oracle.DAY)


@settings(max_examples=60, deadline=None)
@given(lines(), moments)
def test_where_no_clock_changes_ticks_are_those_of_another_library(line: str, after: datetime) -> None:
    days, weekdays = line.split()[2], line.split()[4]
    assume(days == "*" or not {"#", "l"} & {*weekdays})  # the other one wants both then
    other = oracle.other(line, after)
    assert list(islice(read(line).ticks(after), 4)) == list(islice(other, 4))


@settings(deadline=None)
@given(lines(), moments, st.sampled_from(ZONES))
def test_ticks_ascend_and_do_not_depend_on_where_one_begins(line: str, after: datetime, zone: str) -> None:
    schedule = read(line, zone)
    ticks = list(islice(schedule.ticks(after), 12))
    assert [after, *ticks] == sorted({after, *ticks})
    for index, tick in enumerate(ticks):
        assert list(islice(schedule.ticks(tick), 11 - index)) == ticks[index + 1 :]
        assert next(schedule.ticks(tick, inclusive=True)) == tick
        assert schedule.newest(after, tick) == tick
    assert schedule.newest(after, ticks[0] - timedelta(microseconds=1)) is None


@settings(max_examples=40, deadline=None)
@given(lines(), st.integers(0, 3000), st.sampled_from([*windows(ZONES, 2017, 2019)]))
def test_ticks_do_not_depend_on_where_one_begins_near_a_change(
    line: str, minute: int, window: oracle.Window
) -> None:
    zone, first, last = window
    whole = between(read(line, zone.key), first, last)
    assert whole == oracle.ticks(line, window)
    middle = first + minute * oracle.MINUTE
    assert between(read(line, zone.key), middle, last) == [tick for tick in whole if tick >= middle]
    before = read(line, zone.key).newest(first - oracle.MINUTE, middle)
    assert before == max((tick for tick in whole if tick <= middle), default=None)

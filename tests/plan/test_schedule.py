"""Every form of a schedule: its ticks, its bounds, its intervals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from yamldag.plan import schedule
from yamldag.plan.pipeline import Json
from yamldag.plan.schedule import Schedule

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def read(value: Json, zone: str = "UTC", start: str | None = None, end: str | None = None) -> Schedule:
    assert schedule.faults(value, zone, start, end) == []
    return schedule.read(value, zone, start, end)


def ticks(read: Schedule, count: int = 3, after: datetime | None = NOW) -> list[str]:
    return [f"{tick:%Y-%m-%dT%H:%M}" for tick in islice(read.ticks(after), count)]


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


FORMS: list[tuple[Json, list[str]]] = [
    ("@hourly", ["2026-01-01T01:00", "2026-01-01T02:00", "2026-01-01T03:00"]),
    ("@daily", ["2026-01-02T00:00", "2026-01-03T00:00", "2026-01-04T00:00"]),
    ("@weekly", ["2026-01-04T00:00", "2026-01-11T00:00", "2026-01-18T00:00"]),
    ("@monthly", ["2026-02-01T00:00", "2026-03-01T00:00", "2026-04-01T00:00"]),
    ("@quarterly", ["2026-04-01T00:00", "2026-07-01T00:00", "2026-10-01T00:00"]),
    ("@yearly", ["2027-01-01T00:00", "2028-01-01T00:00", "2029-01-01T00:00"]),
    ("  5\t4 * *  * ", ["2026-01-01T04:05", "2026-01-02T04:05", "2026-01-03T04:05"]),
    ("0 0 13 * 5", ["2026-01-02T00:00", "2026-01-09T00:00", "2026-01-13T00:00"]),
    ("0 0 L * *", ["2026-01-31T00:00", "2026-02-28T00:00", "2026-03-31T00:00"]),
    ("0 0 15,L 2 *", ["2026-02-15T00:00", "2026-02-28T00:00", "2027-02-15T00:00"]),
    ("0 0 * * 5#2", ["2026-01-09T00:00", "2026-02-13T00:00", "2026-03-13T00:00"]),
    ("0 0 * * FRI#5", ["2026-01-30T00:00", "2026-05-29T00:00", "2026-07-31T00:00"]),
    ("0 0 * * 5L", ["2026-01-30T00:00", "2026-02-27T00:00", "2026-03-27T00:00"]),
    ("0 0 * * L1,wed#1", ["2026-01-07T00:00", "2026-01-26T00:00", "2026-02-04T00:00"]),
    ("0 0 * * 7", ["2026-01-04T00:00", "2026-01-11T00:00", "2026-01-18T00:00"]),
    ("0 0 * * 5-7", ["2026-01-02T00:00", "2026-01-03T00:00", "2026-01-04T00:00"]),
    ("0 0 * * sat-mon", ["2026-01-03T00:00", "2026-01-04T00:00", "2026-01-05T00:00"]),
    ("0 22-1 * * *", ["2026-01-01T01:00", "2026-01-01T22:00", "2026-01-01T23:00"]),
    ("0 0 1 Nov-Feb *", ["2026-02-01T00:00", "2026-11-01T00:00", "2026-12-01T00:00"]),
    ("50/5 3 * * *", ["2026-01-01T03:50", "2026-01-01T03:55", "2026-01-02T03:50"]),
    ("0 9-17/4 * * *", ["2026-01-01T09:00", "2026-01-01T13:00", "2026-01-01T17:00"]),
    ("0 0 29 2 *", ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]),
    (
        ["0 6 * * *", "0 */6 * * *", "30 7 1 1 *"],
        ["2026-01-01T06:00", "2026-01-01T07:30", "2026-01-01T12:00"],
    ),
    (["@daily", "@yearly"], ["2026-01-02T00:00", "2026-01-03T00:00", "2026-01-04T00:00"]),
    ({"every": "90m"}, ["2026-01-01T01:30", "2026-01-01T03:00", "2026-01-01T04:30"]),
    ({"cron": "@daily"}, ["2026-01-02T00:00", "2026-01-03T00:00", "2026-01-04T00:00"]),
    ({"cron": ["0 1 * * *", "0 2 * * *"]}, ["2026-01-01T01:00", "2026-01-01T02:00", "2026-01-02T01:00"]),
    (
        {"cron": "0 0 * * *", "timezone": "Asia/Seoul"},
        ["2026-01-01T15:00", "2026-01-02T15:00", "2026-01-03T15:00"],
    ),
    ({"assets": ["a"], "cron": "@daily"}, ["2026-01-02T00:00", "2026-01-03T00:00", "2026-01-04T00:00"]),
    (
        {"at": ["2026-02-01", "2025-12-31", "2026-01-01T06:00", "2026-02-01"]},
        ["2026-01-01T06:00", "2026-02-01T00:00"],
    ),
    ("@once", []),
    ("@continuous", []),
    ({"assets": ["a", "b"]}, []),
    (None, []),
]


@pytest.mark.parametrize(("value", "wanted"), FORMS, ids=str)
def test_every_form_and_its_ticks(value: Json, wanted: list[str]) -> None:
    assert ticks(read(value)) == wanted


def test_a_century_without_leap_year_is_bridged() -> None:
    assert ticks(read("0 0 29 2 *"), 2, when("2096-03-01T00:00Z")) == ["2104-02-29T00:00", "2108-02-29T00:00"]


def test_the_last_friday_is_not_the_one_a_week_before_the_last_day() -> None:
    assert ticks(read("0 0 * * 5L"), 2, when("2025-01-01T00:00Z")) == ["2025-01-31T00:00", "2025-02-28T00:00"]


def test_ticks_end_with_the_calendar_and_not_in_an_error() -> None:
    late = when("9998-11-01T00:00Z")
    values: list[Json] = ["@yearly", "* * * 1 *", {"every": "300d"}]
    for value in values:
        for zone in ("Pacific/Kiritimati", "Pacific/Niue"):
            assert len(list(read(value, zone).intervals(late))) < 3
    assert read("@yearly").interval_of(when("0001-01-05T00:00Z"))[0].year == 1


def test_every_counts_elapsed_time_from_the_start_in_the_pipelines_zone() -> None:
    assert ticks(read({"every": "1d"}, BERLIN, "2026-03-28T12:00"), 3) == [
        "2026-03-28T11:00",
        "2026-03-29T11:00",
        "2026-03-30T11:00",
    ]
    assert ticks(read({"every": "7h"}), 2) == ["2026-01-01T07:00", "2026-01-01T14:00"]  # since 1970
    assert next(read({"every": "0.1s"}).ticks(NOW)) == NOW + timedelta(seconds=0.1)


def test_start_and_end_are_ticks_themselves() -> None:
    daily = read("@daily", BERLIN, "2026-01-02", "2026-01-04")
    assert ticks(daily, 9, None) == ["2026-01-01T23:00", "2026-01-02T23:00", "2026-01-03T23:00"]
    hourly = read("@hourly", BERLIN, "2026-01-02T05:00", "2026-01-02T06:00")
    assert ticks(hourly, 9, None) == ["2026-01-02T04:00", "2026-01-02T05:00"]
    assert ticks(read("@hourly", BERLIN, "2026-01-04", "2026-01-04"), 99, None)[-1] == "2026-01-04T22:00"


def test_a_backfill_reaches_beyond_start_and_end() -> None:
    daily = read("@daily", "UTC", "2026-01-02", "2026-01-02")
    found = list(islice(daily.ticks(NOW, inclusive=True, bounded=False), 3))
    assert found == [NOW, NOW + timedelta(days=1), NOW + timedelta(days=2)]


def test_after_is_left_out_unless_included() -> None:
    assert next(read("@daily").ticks(NOW)) == NOW + timedelta(days=1)
    assert next(read("@daily").ticks(NOW, inclusive=True)) == NOW
    half = NOW - timedelta(microseconds=1)
    assert next(read("@daily").ticks(half)) == NOW


def test_an_interval_begins_at_the_tick_before_even_before_start() -> None:
    first, second = islice(read("@daily", BERLIN, "2026-03-29").intervals(), 2)
    assert [moment.isoformat() for moment in first] == [
        "2026-03-29T00:00:00+01:00",
        "2026-03-28T00:00:00+01:00",
        "2026-03-29T00:00:00+01:00",
    ]
    assert second.data_interval_start.isoformat() == "2026-03-29T00:00:00+01:00"
    assert second.logical_date.isoformat() == "2026-03-30T00:00:00+02:00"
    assert read("@daily", BERLIN, "2026-03-29").tick(first.logical_date) == first


def test_the_first_of_a_list_of_times_has_an_empty_interval() -> None:
    first, second = read({"at": ["2026-02-01", "2026-03-01"]}).intervals(NOW)
    assert first.data_interval_start == first.data_interval_end
    assert second.data_interval_start == first.logical_date


def test_the_interval_of_a_run_by_hand_is_the_last_complete_one() -> None:
    daily = read("@daily", BERLIN, "2027-01-01")
    start, end = daily.interval_of(when("2026-03-29T00:00+01:00"))
    assert (start.isoformat(), end.isoformat()) == ("2026-03-28T00:00:00+01:00", "2026-03-29T00:00:00+01:00")
    start, end = daily.interval_of(when("2026-03-28T23:59+01:00"))
    assert (start.isoformat(), end.isoformat()) == ("2026-03-27T00:00:00+01:00", "2026-03-28T00:00:00+01:00")


@pytest.mark.parametrize("value", ["@once", "@continuous", None, {"assets": ["a"]}, {"at": ["2025-01-01"]}])
def test_without_two_ticks_the_interval_of_a_run_by_hand_is_empty_at_it(value: Json) -> None:
    assert read(value, BERLIN).interval_of(NOW) == (NOW, NOW)


def test_a_gap_leaves_its_newest_tick() -> None:
    daily = read("@daily", "UTC", "2026-01-02", "2026-01-10")
    assert daily.newest(None, when("2026-01-05T10:00Z")) == when("2026-01-05T00:00Z")
    assert daily.newest(None, when("2026-02-05T10:00Z")) == when("2026-01-10T00:00Z")
    assert daily.newest(when("2026-01-05T00:00Z"), when("2026-01-05T10:00Z")) is None
    assert daily.newest(None, when("2026-01-01T10:00Z")) is None


def test_the_beginning_of_1970_is_a_tick_like_others() -> None:
    epoch = when("1970-01-01T00:00Z")
    assert read("@daily").newest(None, when("1970-01-01T12:00Z")) == epoch
    assert read("@daily").interval_of(when("1970-01-01T12:00Z"))[1] == epoch


def test_once_ticks_at_start_if_there_is_one() -> None:
    once = read("@once", BERLIN, "2026-01-02")
    assert once.once
    assert ticks(once, 9, None) == ["2026-01-01T23:00"]
    assert not read("@once").has_clock
    assert read("@continuous").continuous


def test_conditions_over_assets() -> None:
    read_ = read({"assets": {"any": ["a", {"all": ["b", ["c", "d"]]}]}})
    assert read_.assets == {"any": ["a", {"all": ["b", {"all": ["c", "d"]}]}]}
    assert list(schedule.names(read_.assets)) == ["a", "b", "c", "d"]
    assert not read_.has_clock
    assert schedule.met(read_.assets, {"a"})
    assert not schedule.met(read_.assets, {"b", "c"})
    assert schedule.met(read_.assets, {"b", "c", "d"})
    assert read({"assets": ["a", "b"]}).assets == {"all": ["a", "b"]}
    assert read({"assets": "a"}).assets == {"all": ["a"]}


def test_coming_ticks_as_rows() -> None:
    daily = read("@daily", BERLIN, "2026-10-25")
    coming = schedule.coming(daily, NOW, count=2)
    assert schedule.rows(coming) == [
        {
            "logical_date": "2026-10-25T00:00:00+02:00",
            "data_interval_start": "2026-10-24T00:00:00+02:00",
            "data_interval_end": "2026-10-25T00:00:00+02:00",
        },
        {
            "logical_date": "2026-10-26T00:00:00+01:00",
            "data_interval_start": "2026-10-25T00:00:00+02:00",
            "data_interval_end": "2026-10-26T00:00:00+01:00",
        },
    ]
    until = when("2026-10-27T00:00+01:00")
    assert [str(tick.logical_date.date()) for tick in schedule.coming(daily, NOW, until)] == [
        "2026-10-25",
        "2026-10-26",
        "2026-10-27",
    ]
    assert schedule.coming(read("@continuous"), NOW, count=5) == []


@pytest.mark.parametrize(
    ("text", "last", "wanted"),
    [
        ("2026-01-01", False, "2025-12-31T23:00:00+00:00"),
        ("2026-01-01", True, "2026-01-01T22:59:59.999999+00:00"),
        ("2026-03-29", True, "2026-03-29T21:59:59.999999+00:00"),
        ("2026-01-01T06:00", False, "2026-01-01T05:00:00+00:00"),
        ("2026-01-01 06:00:07", False, "2026-01-01T05:00:07+00:00"),
        ("2026-01-01T06:00", True, "2026-01-01T05:00:00+00:00"),
        ("2026-01-01T06:00:00.5Z", False, "2026-01-01T06:00:00.500000+00:00"),
        ("2026-01-01T06:00+09:00", False, "2025-12-31T21:00:00+00:00"),
        ("2026-01-01T06:00-0330", False, "2026-01-01T09:30:00+00:00"),
        ("2026-03-29T02:30", False, "2026-03-29T01:30:00+00:00"),  # left out: as far behind the gap
        ("2026-10-25T02:30", False, "2026-10-25T01:30:00+00:00"),  # twice: the second
        ("9999-12-31", True, "9999-12-31T23:59:59.999999+00:00"),  # there is no later one
    ],
)
def test_which_moment_a_text_names(text: str, last: bool, wanted: str) -> None:
    zone = schedule.zone(BERLIN)
    assert zone
    moment = schedule.moment(text, zone, last=last)
    assert moment is not None
    assert moment.isoformat() == wanted


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Seoul"])
def test_the_ends_of_the_calendar_are_moments(zone: str) -> None:
    name = schedule.zone(zone)
    assert name
    first, last = schedule.moment("0001-01-01", name), schedule.moment("9999-12-31", name, last=True)
    assert first is not None
    assert last is not None
    assert ticks(read("@yearly", zone, "0003-01-01", "9999-12-31"), 1)[0].startswith("202")


def test_a_day_whose_midnight_comes_twice_begins_with_the_first() -> None:
    zone = schedule.zone("America/Havana")
    assert zone
    day = schedule.moment("2026-11-01", zone)
    eve = schedule.moment("2026-10-31", zone, last=True)
    assert day == when("2026-11-01T04:00Z")
    assert eve == when("2026-11-01T04:00Z") - timedelta(microseconds=1)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2026-02-30",
            "2026-13-01",
            "2026-1-1",
            "26-01-01",
            "2026-01-01T24:00",
            "2026-01-01T06",
            "06:00",
            "now",
            "",
        ),
        *(
            "2026-01-01T06:00:60",
            "2026-01-01T06:00+25:00",
            "2026-01-01T06:00+05:60",
            "2026-01-01\n",
            "٢٠٢٦-01-01",
        ),
    ],
)
def test_a_text_that_names_no_moment_is_none(text: str) -> None:
    assert schedule.moment(text, UTC) is None


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Berlin", "Etc/GMT+3", "America/Argentina/Buenos_Aires", "EST5EDT"]
)
def test_zones_that_exist(name: str) -> None:
    zone = schedule.zone(name)
    assert zone
    assert zone.key == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars",
        "America",
        "europe/berlin",
        "../etc/passwd",
        "/etc/passwd",
        "posix/UTC",
        "+09:00",
        "a\0b",
        "x" * 5000,
    ],
)
def test_zones_that_do_not(name: str) -> None:
    assert schedule.zone(name) is None

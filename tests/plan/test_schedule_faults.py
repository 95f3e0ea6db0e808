"""What is wrong with a schedule, and where: the code, the marked text, the words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yamldag.plan import schedule
from yamldag.plan.pipeline import Json
from yamldag.plan.schedule import Fault
from yamldag.plan.schedule.reading import Path


def found(value: Json, zone: str = "UTC", start: str | None = None, end: str | None = None) -> list[Fault]:
    return schedule.faults(value, zone, start, end)


def marked(line: str) -> list[str]:
    faults = found(line)
    assert {(fault.path, fault.code, fault.key) for fault in faults} == {((), "YD601", "schedule")}
    return [line[fault.start : fault.end] for fault in faults]


MARKS = [
    ("61 * * * *", ["61"]),
    ("0 24 * * *", ["24"]),
    ("0 0 0 * *", ["0"]),
    ("0 0 32 * *", ["32"]),
    ("0 0 * 13 *", ["13"]),
    ("0 0 * * 8", ["8"]),
    ("5,61,7 * * * *", ["61"]),
    ("61 25 32 13 8", ["61", "25", "32", "13", "8"]),
    ("  99  * * * *", ["99"]),
    ("1-70 * * * *", ["70"]),
    ("*/0 * * * *", ["0"]),
    ("*/61 * * * *", ["61"]),
    ("0 */25 * * *", ["25"]),
    ("0-10/30 * * * *", ["0-10/30"]),
    ("0 */x * * *", ["x"]),
    ("*/ * * * *", ["/"]),
    ("1,,2 * * * *", [","]),
    ("1- * * * *", ["-"]),
    (", * * * *", [",", ","]),
    ("-5 * * * *", ["-"]),
    ("٣ * * * *", ["٣"]),
    ("99999999999999 * * * *", ["99999999999999"]),
    ("L * * * *", ["L"]),
    ("0 0 15W * *", ["15W"]),
    ("0 0 * * 5#6", ["6"]),
    ("0 0 * * 5#", ["#"]),
    ("0 0 * * #2", ["#"]),
    ("0 0 * * 9#2", ["9"]),
    ("0 0 * * 8L", ["8"]),
    ("0 0 * * monday", ["monday"]),
    ("0 0 * foo *", ["foo"]),
    ("R * * * *", ["R"]),
    ("H H(1-3) * * *", ["H", "H(1", "3)"]),
    ("0 0 ? * 1", ["?"]),
    ("* * * *", ["* * * *"]),
    ("0 * * * * *", ["0 * * * * *"]),
    ("0 0 * * * * 2026", ["0 0 * * * * 2026"]),
    ("hourly", ["hourly"]),
]


@pytest.mark.parametrize(("line", "wanted"), MARKS)
def test_the_mark_is_on_what_is_wrong_in_a_cron_line(line: str, wanted: list[str]) -> None:
    assert marked(line) == wanted


def test_an_empty_line_is_no_cron_line() -> None:
    assert [(fault.code, fault.start, fault.end) for fault in found("")] == [("YD601", 0, 0)]


OTHERS: list[tuple[Json, list[tuple[str, Path]]]] = [
    ("0 0 31 2 *", [("YD602", ())]),
    ("0 0 30,31 feb *", [("YD602", ())]),
    ("0 0 31 2,4,6,9,11 *", [("YD602", ())]),
    (["@daily", "0 0 31 2 *"], [("YD602", (1,))]),
    ({"cron": "0 0 31 2 *"}, [("YD602", ("cron",))]),
    ({"cron": ["@daily", "x"], "timezone": "Mars"}, [("YD601", ("cron", 1)), ("YD603", ("timezone",))]),
    ({"cron": "@daily", "timezone": 5}, [("YD603", ("timezone",))]),
    ("@dayly", [("YD604", ())]),
    ("@midnight", [("YD604", ())]),
    (["@daily", "@once"], [("YD604", (1,))]),
    ({"cron": "@continuous"}, [("YD604", ("cron",))]),
    ([], [("YD604", ())]),
    ({}, [("YD604", ())]),
    (["@daily", 5], [("YD604", (1,))]),
    (5, [("YD604", ())]),
    (True, [("YD604", ())]),
    ({"evry": "5m"}, [("YD604", ("evry",))]),
    ({"timezone": "UTC"}, [("YD604", ())]),
    ({"every": "5m", "cron": "@daily"}, [("YD604", ("cron",))]),
    ({"every": "5m", "assets": ["a"]}, [("YD604", ("assets",))]),
    ({"every": "5m", "timezone": "UTC"}, [("YD604", ("timezone",))]),
    ({"every": 15}, [("YD407", ("every",))]),
    ({"every": "15"}, [("YD407", ("every",))]),
    ({"every": "0s"}, [("YD407", ("every",))]),
    ({"every": "0.0000001s"}, [("YD407", ("every",))]),
    ({"every": None}, [("YD407", ("every",))]),
    ({"at": "2026-01-01"}, [("YD604", ("at",))]),
    ({"at": []}, [("YD604", ("at",))]),
    ({"at": ["2026-01-01", "2026-02-30", 5]}, [("YD408", ("at", 1)), ("YD408", ("at", 2))]),
    ({"assets": []}, [("YD604", ("assets",))]),
    ({"assets": ["a", 5, {"any": []}]}, [("YD604", ("assets", 1)), ("YD604", ("assets", 2, "any"))]),
    ({"assets": {"any": ["a"], "all": ["b"]}}, [("YD604", ("assets",))]),
    ({"assets": {"some": ["a"]}}, [("YD604", ("assets",))]),
]


@pytest.mark.parametrize(("value", "wanted"), OTHERS, ids=str)
def test_what_else_can_be_wrong(value: Json, wanted: list[tuple[str, Path]]) -> None:
    assert [(fault.code, fault.path) for fault in found(value)] == wanted


def test_the_mark_of_what_never_fires_is_on_the_days() -> None:
    (fault,) = found("  0 0 31 2 *")
    assert (fault.start, fault.end) == (6, 8)
    assert fault.message == "`0 0 31 2 *` can never fire: none of its months has such a day"


@pytest.mark.parametrize("line", ["0 0 29 2 *", "0 0 31 2 1", "0 0 * 2 5#5", "0 0 L 2 *", "0 0 31 2,3 *"])
def test_a_rare_line_is_not_taken_for_one_that_never_fires(line: str) -> None:
    assert found(line) == []


def test_time_zone_start_and_end_have_faults_of_their_own() -> None:
    faults = found("61 * * * *", "Europe/Berlim", "2026-02-30", "soon")
    assert [(fault.key, fault.code, fault.path) for fault in faults] == [
        ("timezone", "YD603", ()),
        ("start", "YD408", ()),
        ("end", "YD408", ()),
        ("schedule", "YD601", ()),
    ]
    assert faults[0].help == "did you mean `Europe/Berlin`?"


def test_an_end_before_the_start_is_told_once() -> None:
    (fault,) = found("@daily", "UTC", "2026-01-02", "2026-01-01")
    assert (fault.key, fault.code, fault.start, fault.end) == ("end", "YD605", 0, 10)
    assert found("@daily", "UTC", "2026-01-01", "2026-01-01") == []


def test_a_schedule_without_a_tick_between_start_and_end_never_fires() -> None:
    (fault,) = found("@monthly", "UTC", "2026-01-02", "2026-01-31")
    assert (fault.key, fault.code) == ("schedule", "YD602")
    assert fault.message == "the schedule never fires between `start` and `end`"
    (fault,) = found({"at": ["2025-01-01"]}, "UTC", "2026-01-02")
    assert fault.message == "the schedule never fires after `start`"
    assert found({"cron": "@monthly", "assets": ["a"]}, "UTC", "2026-01-02", "2026-01-31") == []


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("daily", "did you mean `@daily`?"),
        ("15m", "did you mean `{every: 15m}`?"),
        ("@annually", "did you mean `@yearly`?"),
        ("0 0 * * monday", "did you mean `mon`?"),
        ("0 0 ? * 1", "write `*`"),
        ("*/90 * * * *", "for a fixed distance across hours and days use `every`, such as `every: 90m`"),
        ({"evry": "5m"}, "did you mean `every`?"),
        ({"every": 15}, "write `15m` for minutes"),
    ],
)
def test_help_says_what_to_write(value: Json, wanted: str) -> None:
    assert found(value)[0].help == wanted


def test_days_of_both_kinds_are_found_for_a_warning() -> None:
    lines: Json = ["0 0 13 * 5", "@weekly", "0 0 * * 5", "0 0 13 * */1"]
    (fault,) = schedule.both_days(lines)
    assert (fault.code, fault.path, fault.start, fault.end) == ("YD804", (0,), 4, 6)
    assert schedule.both_days({"cron": lines})[0].path == ("cron", 0)
    assert (
        schedule.both_days({"every": "5m"}) == schedule.both_days("@once") == schedule.both_days(None) == []
    )


def test_no_message_ends_in_a_full_stop_or_speaks_of_python() -> None:
    values = [line for line, _ in MARKS] + [value for value, _ in OTHERS]
    faults = [fault for value in values for fault in found(value, "Mars")]
    for fault in faults:
        assert not fault.message.endswith(".")
        assert fault.message[0].islower() or fault.message[0] == "`"
        assert not {"None", "True", "False", "dict", "str"} & {*fault.message.replace("`", " ").split()}


texts = st.text("0123456789*/,-#L?RH monfebjan@once", max_size=14)
cron_like = st.lists(texts.map(lambda text: text.replace(" ", "")), min_size=5, max_size=5).map(" ".join)
jsons: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | texts
    | cron_like
    | st.sampled_from(["a", "5m", "2026-01-01", "@daily"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["every", "cron", "at", "assets", "timezone", "any", "all", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    jsons,
    st.sampled_from(["UTC", "Mars", "Asia/Seoul"]) | st.text(max_size=5),
    st.none() | texts,
    st.none() | texts,
)
def test_any_value_is_a_schedule_or_has_faults(
    value: Json, zone: str, start: str | None, end: str | None
) -> None:
    faults = found(value, zone, start, end)
    for fault in faults:
        assert 0 <= fault.start <= fault.end
        at: Json = (
            value if fault.key == "schedule" else {"timezone": zone, "start": start, "end": end}[fault.key]
        )
        for part in fault.path:
            at = at[part]  # type: ignore[index]
        assert fault.end <= (len(at) if isinstance(at, str) else 0)
    if not faults:
        read = schedule.read(value, zone, start, end)
        tick = next(read.intervals(), None)
        assert read.has_clock == (tick is not None) or read.assets is not None

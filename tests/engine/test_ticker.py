"""A tick is one run or none, as `catchup` says, whenever the scheduler was away."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from yamldag.engine.schedule.ticker import (
    FOREVER,
    QUEUE,
    Decision,
    Position,
    Scheduled,
    decide,
    due,
    rule_of,
    tick,
)
from yamldag.plan.pipeline import Json, Plan
from yamldag.plan.schedule import read

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def scheduled(schedule: Json, **more: object) -> Scheduled:
    names = ("timezone", "start", "end", "catchup", "max_active_runs")
    of = Plan("p", schedule=schedule, **{name: more.pop(name) for name in names if name in more})  # type: ignore[arg-type]
    one = Scheduled("p", read(of.schedule, of.timezone, of.start, of.end), rule_of(of), of.catchup)
    return replace(one, **({"room": of.max_active_runs} | more))


@dataclass
class Life:
    """A database with positions and runs, and a scheduler that looks now and then."""

    one: Scheduled
    runs: list[datetime] = field(default_factory=list)
    since: datetime | None = None
    """None: the scheduler is down."""

    def look(self, now: datetime, *, crash: bool = False, **changes: object) -> list[datetime]:
        """One look; with `crash` the scheduler dies before it has stored anything."""
        since, self.since = self.since or now, now
        found = tick([replace(self.one, **changes)], since, now)
        if crash:
            self.since = None
            return []
        return [date for each in found for date in self.store(each)]

    def store(self, decision: Decision) -> list[datetime]:
        self.one = replace(self.one, position=decision.position)
        dates = [each.logical_date.astimezone(UTC) for each in decision.ticks]
        self.runs += dates
        return dates

    def down(self) -> None:
        self.since = None


HISTORY = st.lists(
    st.tuples(
        st.sampled_from(["look", "look", "look", "down", "crash"]),
        st.floats(min_value=0.01, max_value=400),
    ),
    max_size=30,
)


def live(life: Life, history: list[tuple[str, float]]) -> datetime:
    """Play a history; the moment of its end, at which the scheduler has looked once more."""
    now = T0
    life.look(now)
    for what, seconds in history:
        now += timedelta(seconds=seconds)
        if what == "down":
            life.down()
        else:
            life.look(now, crash=what == "crash")
    life.look(now)
    return now


@given(HISTORY, st.sampled_from(["* * * * *", "*/3 * * * *"]))
def test_all_makes_one_run_of_each_tick_through_restarts_at_any_moment(
    history: list[tuple[str, float]], cron: str
) -> None:
    life = Life(scheduled(cron, catchup="all", start="2025-12-31T23:00"))
    end = live(life, history)
    wanted = list(takewhile(lambda each: each <= end, life.one.schedule.ticks()))
    assert life.runs == wanted[: len(life.runs)]
    assert len(life.runs) == len(wanted) or len(wanted) > QUEUE


@given(HISTORY, st.sampled_from(["all", "latest", "none"]), st.integers(0, 3))
def test_no_tick_has_two_runs_and_none_was_made_up(
    history: list[tuple[str, float]], catchup: str, room: int
) -> None:
    life = Life(scheduled({"every": "10s"}, catchup=catchup, room=room))
    end = live(life, history)
    assert sorted(set(life.runs)) == life.runs
    assert all(T0 < each <= end and each.timestamp() % 10 == 0 for each in life.runs)


@given(HISTORY)
def test_while_it_is_up_and_has_room_latest_and_none_miss_no_tick(history: list[tuple[str, float]]) -> None:
    steps = [(what, min(seconds, 50)) for what, seconds in history if what == "look"]
    for catchup in ("latest", "none"):
        life = Life(scheduled({"every": "10s"}, catchup=catchup, room=10))
        end = live(life, steps)
        assert life.runs == [
            T0 + timedelta(seconds=10 * n) for n in range(1, int((end - T0).seconds / 10) + 1)
        ]


@given(HISTORY, st.sampled_from(["all", "latest", "none"]))
def test_the_next_look_that_is_promised_is_the_next_that_matters(
    history: list[tuple[str, float]], catchup: str
) -> None:
    life = Life(scheduled("*/7 * * * *", catchup=catchup))
    now = live(life, history)
    promised = due(life.one, now)
    assert promised is not None
    before = promised - timedelta(microseconds=1)
    assert life.look(before) == []
    assert life.look(promised) == [promised]


def test_a_new_pipeline_starts_with_the_coming_tick() -> None:
    for catchup in ("latest", "none", "all"):
        life = Life(scheduled("* * * * *", catchup=catchup))
        assert life.look(T0 + minutes(0.5)) == []
        assert life.look(T0 + minutes(1)) == [T0 + minutes(1)]


def test_all_begins_at_the_start_with_the_start_itself() -> None:
    life = Life(scheduled("@daily", catchup="all", start="2025-12-30"))
    assert life.look(T0) == [T0 - timedelta(days=2), T0 - timedelta(days=1), T0]
    assert Life(scheduled("@daily", start="2025-12-30")).look(T0) == []


def test_the_end_is_the_last_tick() -> None:
    life = Life(scheduled("@daily", catchup="all", start="2025-12-30", end="2025-12-31"))
    assert life.look(T0) == [T0 - timedelta(days=2), T0 - timedelta(days=1)]
    assert due(life.one, T0) is None


def test_years_of_catching_up_come_portion_by_portion() -> None:
    life = Life(scheduled("* * * * *", catchup="all", start="2020-01-01"))
    assert len(life.look(T0)) == QUEUE
    assert life.look(T0, queued=QUEUE) == []
    assert len(life.look(T0, queued=QUEUE - 3)) == 3
    assert life.runs == sorted(set(life.runs))


@pytest.mark.parametrize(("catchup", "made"), [("all", [1, 2, 3]), ("latest", [3]), ("none", [])])
def test_what_came_while_it_was_down(catchup: str, made: list[int]) -> None:
    life = Life(scheduled("@hourly", catchup=catchup))
    life.look(T0)
    life.down()
    later = T0 + minutes(200)
    assert life.look(later) == [T0 + timedelta(hours=hour) for hour in made]
    life.down()
    assert life.look(later + minutes(1)) == [], "not again after another restart"


@pytest.mark.parametrize(("catchup", "made"), [("latest", [2]), ("none", [])])
def test_ticks_that_find_no_room(catchup: str, made: list[int]) -> None:
    life = Life(scheduled("* * * * *", catchup=catchup))
    life.look(T0)
    assert life.look(T0 + minutes(1), room=0) == []
    assert life.look(T0 + minutes(2), room=0) == []
    assert life.look(T0 + minutes(2.5), room=1) == [T0 + minutes(each) for each in made]
    assert life.look(T0 + minutes(2.6), room=1) == []
    assert life.look(T0 + minutes(3), room=1) == [T0 + minutes(3)]


def test_all_queues_what_finds_no_room() -> None:
    life = Life(scheduled("* * * * *", catchup="all"))
    life.look(T0)
    assert life.look(T0 + minutes(2), room=0) == [T0 + minutes(1), T0 + minutes(2)]


def test_a_machine_that_slept_has_missed_its_ticks() -> None:
    life = Life(scheduled("* * * * *", catchup="none"))
    life.look(T0)
    assert life.look(T0 + minutes(600.25)) == [T0 + minutes(600)], "the last one is only just late"
    life.look(T0 + minutes(601))
    slept = Life(scheduled("@hourly", catchup="none"))
    slept.look(T0)
    assert slept.look(T0 + minutes(125)) == []


def test_a_clock_that_is_set_back_repeats_no_tick() -> None:
    life = Life(scheduled("* * * * *"))
    life.look(T0)
    life.look(T0 + minutes(5))
    assert life.look(T0 + minutes(3)) == []
    assert life.look(T0 + minutes(5)) == []
    assert life.look(T0 + minutes(6)) == [T0 + minutes(6)]


def edited(life: Life, schedule: Json, **more: object) -> None:
    life.one = replace(scheduled(schedule, **more), position=life.one.position)


def test_an_edit_holds_from_when_it_is_seen() -> None:
    life = Life(scheduled("@hourly"))
    life.look(T0)
    edited(life, "* * * * *")
    assert life.look(T0 + minutes(30.5)) == [], "nothing from before the edit"
    assert life.look(T0 + minutes(31)) == [T0 + minutes(31)]


@pytest.mark.parametrize(
    ("before", "after", "made"),
    [("latest", "latest", [120]), ("all", "latest", [120]), ("none", "latest", []), ("latest", "none", [])],
)
def test_an_edit_that_comes_with_a_gap_leaves_the_newest_tick_that_was_missed_by_then(
    before: str, after: str, made: list[int]
) -> None:
    life = Life(scheduled("@hourly", catchup=before))
    life.look(T0)
    life.down()
    edited(life, "45 * * * *", catchup=after)
    assert life.look(T0 + minutes(170)) == [T0 + minutes(each) for each in made]
    assert life.look(T0 + minutes(171)) == []
    assert life.look(T0 + minutes(225)) == [T0 + minutes(225)]


def test_an_edit_of_the_time_zone_that_comes_with_a_gap_leaves_the_tick_where_it_was() -> None:
    life = Life(scheduled("0 6 * * *"))
    life.look(T0)
    life.down()
    edited(life, "0 6 * * *", timezone="Asia/Seoul")
    assert life.look(T0 + minutes(25 * 60)) == [T0 + minutes(6 * 60)]
    assert life.look(T0 + minutes(45 * 60)) == [T0 + minutes(45 * 60)], "six o'clock in Seoul"


def test_an_edit_undoes_no_tick_that_waits_for_room() -> None:
    life = Life(scheduled("@hourly", max_active_runs=1))
    life.look(T0)
    assert life.look(T0 + minutes(60), room=0, active=1) == []
    edited(life, "@daily", max_active_runs=1)
    assert life.look(T0 + minutes(61), room=0, active=1) == [T0 + minutes(60)]
    assert life.look(T0 + minutes(62)) == []


def test_a_schedule_that_was_put_back_holds_from_then() -> None:
    life = Life(scheduled("@hourly"))
    life.look(T0)
    edited(life, None)
    assert life.look(T0 + minutes(1)) == []
    edited(life, "@hourly")
    assert life.look(T0 + minutes(150)) == []
    assert life.look(T0 + minutes(180)) == [T0 + minutes(180)]


def test_an_edit_of_all_holds_from_the_last_decided_tick() -> None:
    life = Life(scheduled("@hourly", catchup="all"))
    life.look(T0)
    life.look(T0 + minutes(60))
    edited(life, "*/30 * * * *", catchup="all")
    assert life.look(T0 + minutes(95)) == [T0 + minutes(90)]


def test_an_earlier_start_undoes_nothing() -> None:
    life = Life(scheduled("@daily", catchup="all", start="2025-12-30"))
    life.look(T0)
    edited(life, "@daily", catchup="all", start="2025-12-01")
    assert life.look(T0 + minutes(1)) == []


@pytest.mark.parametrize(("catchup", "made"), [("all", [1, 2]), ("latest", []), ("none", [])])
def test_a_file_that_was_put_back(catchup: str, made: list[int]) -> None:
    life = Life(scheduled("@hourly", catchup=catchup))
    life.look(T0)
    later = T0 + minutes(125)
    assert life.look(later, back=True) == [T0 + timedelta(hours=hour) for hour in made]
    assert life.look(T0 + minutes(180)) == [T0 + minutes(180)]


def test_once_is_one_run_for_ever() -> None:
    life = Life(scheduled("@once"))
    assert due(life.one, T0) == T0
    assert life.look(T0) == [T0]
    life.down()
    assert life.look(T0 + minutes(9)) == []
    assert due(life.one, T0 + minutes(9)) is None
    edited(life, "@once", start="2026-06-01")
    assert life.look(datetime(2026, 6, 2, tzinfo=UTC)) == []


def test_once_waits_for_its_start_and_makes_up_for_a_missed_one() -> None:
    life = Life(scheduled("@once", start="2026-01-02", catchup="none"))
    assert life.look(T0) == []
    assert due(life.one, T0) == T0 + timedelta(days=1)
    assert life.look(T0 + timedelta(days=3)) == [T0 + timedelta(days=1)]
    assert life.look(T0 + timedelta(days=4)) == []


def test_once_may_become_a_clock() -> None:
    life = Life(scheduled("@once"))
    life.look(T0)
    assert life.one.position is not None
    assert life.one.position.decided == FOREVER
    edited(life, "* * * * *", catchup="all")
    assert life.look(T0 + minutes(5.5)) == []
    assert life.look(T0 + minutes(6)) == [T0 + minutes(6)]


def test_continuous_follows_a_second_after_the_end() -> None:
    life = Life(scheduled("@continuous"))
    assert life.look(T0) == [T0]
    assert due(replace(life.one, active=1), T0) is None
    assert life.look(T0 + minutes(1), active=1) == []
    over = T0 + minutes(2)
    assert due(replace(life.one, ended=over), over) == over + timedelta(seconds=1)
    assert life.look(over + timedelta(seconds=0.9), ended=over) == []
    assert life.look(over + timedelta(seconds=1), ended=over) == [over + timedelta(seconds=1)]


def test_continuous_starts_no_run_in_the_past_when_the_clock_is_set_back() -> None:
    life = Life(scheduled("@continuous"))
    life.look(T0)
    back = T0 - minutes(5)
    assert life.look(back, ended=back - minutes(1)) == []
    promised = due(replace(life.one, ended=back), back)
    assert promised is not None
    assert life.look(promised, ended=back) == [promised]


def test_the_interval_of_a_continuous_run_begins_with_the_run_before() -> None:
    one = scheduled("@continuous", position=None)
    first = decide(one, T0, T0)
    assert first is not None
    later = T0 + minutes(1)
    second = decide(replace(one, position=first.position, ended=T0), later, later)
    assert second is not None
    assert [each.astimezone(UTC) for each in second.ticks[0]] == [later, T0, later]


def test_by_hand_never_ticks() -> None:
    one = scheduled(None)
    assert decide(one, T0, T0) is None
    assert due(one, T0) is None


def test_a_position_that_says_all_is_left_alone() -> None:
    one = scheduled("@daily")
    one = replace(one, position=Position(T0, one.rule))
    assert decide(one, T0, T0 + minutes(5)) is None


def test_those_that_tick_alike_are_decided_alike_and_each_by_its_own_name() -> None:
    hourly = scheduled({"cron": "0 * * * *"}, position=Position(T0, "r"), rule="r")
    other = scheduled({"cron": "30 * * * *"}, position=Position(T0, "s"), rule="s")
    asked = [replace(hourly, pipeline="a"), replace(other, pipeline="b"), replace(hourly, pipeline="c")]
    asked += [replace(hourly, pipeline="d", room=0)]
    now = T0 + minutes(60)
    together = tick(asked, T0, now)
    assert together == [one for each in asked if (one := decide(each, T0, now))]
    assert [each.pipeline for each in together] == ["a", "b", "c"]

"""The names that templates see, and dates in them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from yamldag.plan.expression import TemplateError, render, render_shell
from yamldag.plan.expression.context import build, names
from yamldag.plan.expression.vocabulary import ROOTS, RUN_KEYS, TASK_KEYS

SEOUL = ZoneInfo("Asia/Seoul")
MOMENT = datetime(2026, 3, 1, 6, 30, tzinfo=SEOUL)
RUN: dict[str, Any] = {
    "id": "r1",
    "pipeline": "sales",
    "type": "manual",
    "logical_date": MOMENT,
    "data_interval_start": MOMENT,
    "data_interval_end": MOMENT,
    "dir": "/tmp/r1",
    "url": "http://localhost/runs/r1",
    "assets": [],
}


def context(**more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"params": {"a": 1}, "vars": {"v": 2}, "env": {"E": "3"}, "tasks": {}, "run": RUN}
    return build(**{**given, "task_id": "load", "attempt": 2, **more})


def show(text: str, **more: Any) -> Any:
    return render(text, context(**more))


def test_every_name_is_there_and_no_other() -> None:
    assert set(context(item=1, index=0, matrix={})) == ROOTS == names()
    assert context()["run"].keys() == RUN_KEYS
    assert context()["task"].keys() == TASK_KEYS


def test_short_names_are_in_the_zone_of_the_pipeline() -> None:
    wanted = ["2026-03-01", "20260301", "2026-03-01T06:30:00+09:00", "20260301T063000", "r1", 2, "load"]
    assert show("{{ [ds, ds_nodash, ts, ts_nodash, run_id, attempt, task.id] }}") == wanted


def test_an_item_may_be_null_and_is_there_only_when_it_is_given() -> None:
    assert show("{{ item }}", item=None) is None
    assert show("{{ [item.x, index] }}", item={"x": 1}, index=0) == [1, 0]
    with pytest.raises(TemplateError, match="there is no `item`"):
        show("{{ item }}")


def test_notifications_have_more_keys() -> None:
    run = {**RUN, "state": "failed", "failed": ["load"]}
    assert (
        show("{{ run.failed[0] }} {{ task.error }}", run=run, task={"state": "failed", "error": "x"})
        == "load x"
    )


def test_params_of_a_use_are_rendered_in_the_scope_of_its_user() -> None:
    uses = {
        "outer": {"t": "{{ params.a }}", "s": "n={{ item }}"},
        "outer.inner": {"u": "{{ uses['outer'].t + 1 }}"},
    }
    assert show("{{ uses['outer.inner'].u }}", uses=uses) == 2
    assert show("{{ uses.outer.s }}", uses=uses, item="x") == "n=x"


def test_what_is_wrong_in_a_use_is_told_only_if_it_is_asked_for() -> None:
    uses = {"g": {"good": 1, "bad": "{{ params.nope }}"}}
    assert show("{{ uses.g.good }}", uses=uses) == 1
    for text in ("{{ uses.g.bad }}", "{{ uses.g.bad | upper }}"):
        with pytest.raises(TemplateError) as caught:
            show(text, uses=uses)
        assert caught.value.message.startswith(
            "`params` has no key `nope` (in the param `bad` of the template)"
        )
        assert "uses" in text[caught.value.start : caught.value.end]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ uses['g'].of.nope }}", "`params.of` has no key `nope`"),
        ("{{ uses['g'].of.nope | upper }}", "`params.of` has no key `nope`"),
        (
            "{{ uses['g'].bare }}",
            "in `params.bare`",
        ),
        ("{{ uses['g'].bare | upper }}", "in `params.bare | upper`"),
    ],
)
def test_what_goes_wrong_with_a_param_of_a_template_is_told_in_its_authors_words(
    text: str, message: str
) -> None:
    with pytest.raises(TemplateError, match=re.escape(message)):
        render_shell(text, context(uses={"g": {"of": {}, "bare": "a;b"}}))


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("logical_date | ds", "2026-03-01"),
        ("logical_date | ts", "2026-03-01T06:30:00+09:00"),
        ("logical_date | date('%d.%m.%Y %H:%M')", "01.03.2026 06:30"),
        ("logical_date.strftime('%Y/%m')", "2026/03"),
        ("logical_date.year", 2026),
        ("'2026-01-01' | ts", "2026-01-01T00:00:00+09:00"),
        ("'2026-01-01T23:00:00Z' | ts", "2026-01-02T08:00:00+09:00"),
        ("'2026-01-01T10:00:00' | ts", "2026-01-01T10:00:00+09:00"),
        ("ds | add_days(-1)", "2026-02-28"),
        ("ds_nodash | add_days(1)", "20260302"),
        ("ts_nodash | add_days(1)", "20260302T063000"),
        ("ts | add_days(1)", "2026-03-02T06:30:00+09:00"),
        ("'2026-03-01 06:30:00' | add_days(1)", "2026-03-02 06:30:00"),
        ("logical_date | add_days(1)", "2026-03-02T06:30:00+09:00"),
        ("(logical_date | add_days(1)).day", 2),
        ("logical_date | add_days(31) | ds", "2026-04-01"),
        ("(logical_date - data_interval_start).total_seconds()", 0.0),
        ("logical_date > data_interval_start", False),
    ],
)
def test_dates_are_moved_and_written(expression: str, wanted: Any) -> None:
    assert show(f"{{{{ {expression} }}}}") == wanted


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("ds_nodash", "09991231"),
        ("ts_nodash", "09991231T063000"),
        ("logical_date | date", "0999-12-31"),
        ("logical_date.strftime('%d %Y %%Y')", "31 0999 %Y"),
        ("'09991231' | add_days(1)", "10000101"),
        ("'09991231T063000' | add_days(-1)", "09991230T063000"),
    ],
)
def test_years_before_1000_have_four_digits(expression: str, wanted: str) -> None:
    run = RUN | {"logical_date": datetime(999, 12, 31, 6, 30, tzinfo=UTC)}
    assert show(f"{{{{ {expression} }}}}", run=run) == wanted


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("'soon' | ds", "`soon` is no date"),
        ("3 | ds", "`| ds` wants a date, found a number"),
        ("ds | add_days('1')", "`| add_days` wants a whole number of days, found text"),
        ("ds | add_days(true)", "`| add_days` wants a whole number of days, found a boolean"),
        ("'9999-12-31' | add_days(1)", "a date would lie beyond the years 1 to 9999"),
        ("logical_date | date(3)", "`| date` wants a form such as '%Y-%m-%d', found a number"),
    ],
)
def test_what_is_no_date_is_told_in_words(expression: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        show(f"{{{{ {expression} }}}}")
    assert caught.value.message == f"{message}, in `{expression}`"


def test_days_are_days_of_the_calendar_across_a_clock_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for start, wanted in (
        (datetime(2026, 3, 28, 12, tzinfo=berlin), "2026-03-29T12:00:00+02:00"),
        (datetime(2026, 3, 28, 2, 30, tzinfo=berlin), "2026-03-29T03:30:00+02:00"),
        (datetime(2026, 10, 24, 12, tzinfo=UTC), "2026-10-25T12:00:00+00:00"),
    ):
        assert show("{{ logical_date | add_days(1) }}", run={**RUN, "logical_date": start}) == wanted

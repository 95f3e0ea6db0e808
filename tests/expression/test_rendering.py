"""What templates give in a run."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamldag.plan.expression import (
    TemplateError,
    analyse,
    condition,
    evaluate,
    items,
    render,
    render_text,
)
from yamldag.plan.expression.running import text_of_template, value_of_template
from yamldag.plan.expression.values import Json

SEOUL = ZoneInfo("Asia/Seoul")
CONTEXT: dict[str, Any] = {
    "params": {"n": 3, "text": "a b", "flag": True, "none": None, "list": [3, 1, 2], "zero": 0, "empty": []},
    "tasks": {
        "a": {
            "output": {"items": [1], "count": 7, "keys": "k", "rows": [{"id": 1}, {"id": 2}]},
            "state": "success",
        },
        "group.b": {"output": None, "state": "skipped"},
    },
    "logical_date": datetime(2026, 3, 1, 6, 30, tzinfo=SEOUL),
    "ds": "2026-03-01",
    "item": {"name": "orders"},
}


def failure(value: Any) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        render(value, CONTEXT)
    return caught.value


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("plain", "plain"),
        ("{{ params.n }}", 3),
        (" {{ params.n }}\n", 3),
        ("{{ params.flag }}", True),
        ("{{ params.none }}", None),
        ("{{ params.list }}", [3, 1, 2]),
        ("{{ params.n + 1 }}", 4),
        ("{{ params.n / 2 }}", 1.5),
        ("{{ params.list | sort }}", [1, 2, 3]),
        ("{{ params.list | map('string') }}", ["3", "1", "2"]),
        ("{{ tasks.a.output.rows | map(attribute='id') | list }}", [1, 2]),
        ("{{ tasks.a.output.rows | selectattr('id', '>', 1) }}", [{"id": 2}]),
        ("{{ range(3) }}", [0, 1, 2]),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ {'a': params.n} }}", {"a": 3}),
        ("{{ dict(a=1) }}", {"a": 1}),
        ("{{ logical_date }}", "2026-03-01T06:30:00+09:00"),
        ("{{ '1' }}", "1"),
        ("{{ 'a' if params.zero }}", None),
        ("{{ tasks['group.b'].output }}", None),
        ("{{ params.text.upper().split(' ') }}", ["A", "B"]),
    ],
)
def test_one_expression_and_nothing_else_keeps_its_type(text: str, wanted: Any) -> None:
    found = render(text, CONTEXT)
    assert (found, type(found)) == (wanted, type(wanted))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x{{ params.flag }}", "xtrue"),
        ("x{{ params.none }}", "xnull"),
        ("x{{ params.list }}", "x[3, 1, 2]"),
        ("x{{ item }}", 'x{"name": "orders"}'),
        ("x{{ logical_date }}", "x2026-03-01T06:30:00+09:00"),
        ("x{{ 1.0 }}", "x1.0"),
        ("x{{ params.text ~ params.flag }}", "xa btrue"),
        ("x{{ params.list | join('-') }}", "x3-1-2"),
        ("x{{ [true, none] | join }}", "xtruenull"),
        ("x{{ params.flag | string }}", "xtrue"),
        ("x{{ 'é' | tojson }}", 'x"é"'),
        ("x{{ '<' | tojson }}", 'x"<"'),
        ("x{{ '<' | e }}", "x&lt;"),
        ("x{{ 'a' if params.zero }}", "x"),
        ("${#a[@]} {{ params.n }} {# {{ params.n }} #}\n", "${#a[@]} 3 {# 3 #}\n"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        (
            "{% for i in params.list %}{{ loop.index }}:{{ i }}{{ '' if loop.last else ' ' }}{% endfor %}",
            "1:3 2:1 3:2",
        ),
        ("{% for k, v in item | items %}{{ k }}={{ v }}{% endfor %}", "name=orders"),
        ("{% set x = params.n * 2 %}{{ x }}", "6"),
        ("{% set x %}a{{ params.n }}{% endset %}{{ x }}!", "a3!"),
        ("{% if params.flag %}yes{% else %}no{% endif %}", "yes"),
        ("{% filter upper %}a{% endfilter %}", "A"),
        ("a\r\n{{ params.n | string }}\r\n", "a\r\n3\r\n"),
        ("{{ '%s-%03d' % ('a', 7) }}!", "a-007!"),
        ("{{ '{:>4}|{x}'.format(7, x='y') }}!", "   7|y!"),
    ],
)
def test_in_text_what_is_no_text_is_json(text: str, wanted: str) -> None:
    assert render(text, CONTEXT) == wanted


def test_strings_are_rendered_at_any_depth_and_keys_are_not() -> None:
    value: Json = {"{{ a }}": [{"x": "{{ params.n }}", "y": "n={{ params.n }}", "z": 1.5}], "none": None}
    assert render(value, CONTEXT) == {"{{ a }}": [{"x": 3, "y": "n=3", "z": 1.5}], "none": None}


def test_a_value_is_never_rendered_twice() -> None:
    context = {"params": {"evil": "{{ 7 * 7 }}"}}
    assert render("{{ params.evil }}", context) == "{{ 7 * 7 }}"
    assert render("{{ params.evil | upper }} x", context) == "{{ 7 * 7 }} x"


def test_where_text_is_wanted_a_kept_type_becomes_text() -> None:
    assert render_text("{{ params.n }}", CONTEXT) == "3"
    assert render_text(" {{ params.list }}\n", CONTEXT) == " [3, 1, 2]\n"


@pytest.mark.parametrize("name", ["items", "count", "keys"])
def test_a_dot_on_a_mapping_is_its_key_and_never_a_method(name: str) -> None:
    wanted = CONTEXT["tasks"]["a"]["output"][name]
    assert render(f"{{{{ tasks.a.output.{name} }}}}", CONTEXT) == wanted
    assert render(f"{{{{ [tasks.a.output.{name}] | first }}}}", CONTEXT) == wanted


@pytest.mark.parametrize("name", ["values", "get", "pop"])
def test_a_key_that_is_not_there_is_no_method_either(name: str) -> None:
    assert failure(f"{{{{ tasks.a.output.{name} }}}}").message == f"`tasks.a.output` has no key `{name}`"


@pytest.mark.parametrize("wrap", ["{{ %s }}", "a {{ %s }}", "{{ [%s] }}", "{{ %s | upper }}", "{{ 1 + %s }}"])
@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ("nope", "there is no `nope`"),
        ("params.nope", "`params` has no key `nope`"),
        ("params.nope.deeper", "`params` has no key `nope`"),
        ("params.list[9]", "`params.list` has 3 items and no item 9"),
        ("params.n.x", "`params.n` is a number and has no key `x`"),
        (
            "tasks['group.b'].output.count",
            "`tasks.group.b.output` is null and has no key `count` (`| default(…)` gives a value for that)",
        ),
    ],
)
def test_what_is_not_there_is_a_mistake_that_says_what(wrap: str, chain: str, message: str) -> None:
    text = wrap % chain
    error = failure(text)
    assert error.message == message
    assert text[error.start : error.end] in ("nope", "9", "x", "count")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{{ tasks['group.b'].output.count | default(0) }}", 0),
        ("{{ tasks['group.b'].output.body.count | default(0) }}", 0),
        ("{{ nope | default('x') }}", "x"),
        ("{{ params.none | default('x') }}", None),
        ("{{ params.none | default('x', true) }}", "x"),
        ("{{ params.nope is defined }}", False),
        ("{{ params.list[9] | default(1) }}", 1),
    ],
)
def test_default_helps_where_something_is_missing(text: str, wanted: Any) -> None:
    assert render(text, CONTEXT) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ 1 / params.zero }}", "a number is divided by zero, in `1 / params.zero`"),
        ("a {{ 'a' + 1 }}", "`+` can't stand between text and a number, in `'a' + 1`"),
        (
            "{{ 'a' < 1 }}",
            "the values do not fit together, such as text compared with a number, in `'a' < 1`",
        ),
        ("{{ 1e308 * 10 }}", "a number is infinite, or none at all, in `1e308 * 10`"),
        ("{{ params.n | sort }}", "`| sort` can't be applied to a number in this way, in `params.n | sort`"),
        ("{{ 'a'.index('b') }}", "`.index()` of text can't be called in this way, in `'a'.index('b')`"),
        ("{{ 'a'.upper }}", "a function is no value that can be kept, in `'a'.upper`"),
        ("{{ range('a') }}", "`range` wants one to three whole numbers, in `range('a')`"),
        ("{% for x in 1 %}{% endfor %}", "`for` wants a list, found a number, in `{% for x in 1 %}`"),
        ("{{ item.x or 1 }}", "`item` has no key `x`"),
        ("{% for r in tasks.a.output.rows %}{{ r.z }}{% endfor %}", "a mapping has no key `z`, in `r.z`"),
        ("{{ '\\ud800' }}", "the template gives half a character, which no text can hold"),
    ],
)
def test_what_fails_in_a_run_is_told_in_words(text: str, message: str) -> None:
    assert failure(text).message == message


def test_a_template_with_a_fault_is_refused_in_the_same_words() -> None:
    assert failure("{{ a | nope }}").message == "there is no filter `nope`"


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        (True, True),
        (False, False),
        ("params.flag", True),
        ("params.none", False),
        ("params.zero", False),
        ("params.empty", False),
        ("params.list", True),
        ("params.n > 2 and params.flag", True),
        ("not params.flag", False),
        ("tasks.a.state == 'success'", True),
        ("{{ params.n > 5 }}", False),
    ],
)
def test_a_condition_holds_or_not(expression: str | bool, wanted: bool) -> None:
    assert condition(expression, CONTEXT) is wanted


@pytest.mark.parametrize(
    "expression", ["params.text", "'false'", "''", "ds", "logical_date", "'a' ~ params.n"]
)
def test_text_is_no_condition(expression: str) -> None:
    with pytest.raises(TemplateError, match="text is neither true nor false"):
        condition(expression, CONTEXT)


def test_a_condition_on_something_missing_is_a_mistake() -> None:
    with pytest.raises(TemplateError, match="`params` has no key `nope`"):
        condition("params.nope or true", CONTEXT)


def test_an_expression_keeps_its_type() -> None:
    assert evaluate("params.list | length", CONTEXT) == 3
    assert evaluate("logical_date", CONTEXT) == "2026-03-01T06:30:00+09:00"


def test_items_come_from_a_list_or_a_template_of_one() -> None:
    assert items([1, "{{ params.n }}", {"a": "{{ ds }}"}], CONTEXT) == [1, 3, {"a": "2026-03-01"}]
    assert items("{{ params.list }}", CONTEXT) == [3, 1, 2]
    assert items("{{ range(2) }}", CONTEXT) == [0, 1]
    assert items("{{ params.empty }}", CONTEXT) == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{{ params.text }}", "a list is wanted, found text"),
        ("{{ item }}", "a list is wanted, found a mapping"),
        ("{{ params.none }}", "a list is wanted, found null"),
        ("x {{ params.list }}", "a list is wanted, found text"),
        ([0] * 100_001, "a list of at most 100,000 items is wanted, found 100,001"),
    ],
)
def test_items_that_are_no_list_are_a_mistake(value: Any, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        items(value, CONTEXT)
    assert caught.value.message == message


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_the_quick_way_and_jinja_give_the_same(value: Any) -> None:
    context = {"params": {"x": value}}
    whole, text = "{{ params.x }}", "a {{ params.x }}"
    assert analyse(whole).parts is not None
    assert render(whole, context) == value == value_of_template(whole, context)
    assert render(text, context) == text_of_template(text, context)

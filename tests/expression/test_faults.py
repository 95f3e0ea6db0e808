"""What is wrong with a template, in which words, and where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamldag.plan.expression import analyse, analyse_expression


@pytest.mark.parametrize(
    ("text", "code", "place", "message"),
    [
        ("a {{ params.x", "YD501", "{{", "`{{` is not closed by `}}`"),
        ("{{ ds", "YD501", "{{", "`{{` is not closed by `}}`"),
        ("{% if x", "YD501", "{%", "`{%` is not closed by `%}`"),
        ("{{ a b }}", "YD501", "b", "expected `}}`, found `b`"),
        ("{{ a }", "YD501", "}", "expected `}}`, found `}`"),
        ("{{ }}", "YD501", "{{ }}", "`{{ }}` is empty"),
        ("{{ a. }}", "YD501", "}}", "expected a name after the dot, found `}}`"),
        ("{{ a + }}", "YD501", "}}", "expected a value, found `}}`"),
        ("{{ (a }}", "YD501", "}", "expected `)`, found `}`"),
        ("{{ a) }}", "YD501", ")", "`)` closes nothing that is open"),
        ("{{ 'a }}", "YD501", "'", "the quote `'` is not closed"),
        ("{{ $a }}", "YD501", "$", "`$` can't stand in a template"),
        ("{{ {{ a }} }}", "YD501", "{{", "`{{` can't stand inside a template"),
        (
            "{% if a %}{% for x in y %}{% endfor %}",
            "YD501",
            "if",
            "`{% if %}` is not closed by `{% endif %}`",
        ),
        ("x{% endif %}", "YD501", "endif", "`endif` does not fit here: no statement is open"),
        ("{% if a %}{% endfor %}", "YD501", "endfor", "`endfor` does not fit here inside `{% if %}`"),
        ("{% fi a %}", "YD501", "fi", "there is no statement `fi`"),
        ("{% raw %}", "YD501", "{% raw %}", "`{% raw %}` is not closed by `{% endraw %}`"),
        ("{% raw %}x", "YD501", "{% raw %}", "`{% raw %}` is not closed by `{% endraw %}`"),
        ("{{ a | uper }}", "YD502", "uper", "there is no filter `uper`"),
        ("{% filter uper %}{% endfilter %}", "YD502", "uper", "there is no filter `uper`"),
        ("{{ a | map('uper') }}", "YD502", "uper", "there is no filter `uper`"),
        ("{{ a is not od }}", "YD503", "od", "there is no test `od`"),
        ("{{ a | select('od') }}", "YD503", "od", "there is no test `od`"),
        ("{{ now() }}", "YD503", "now", "there is no function `now`"),
        ("{{ lipsum(n=3) }}", "YD503", "lipsum", "there is no function `lipsum`"),
        ("{{ params.m.items() }}", "YD503", "items", "there is no method `items`"),
        ("{% include 'x' %}", "YD504", "include", "`include` can't be used in a template"),
        ("{% macro f(x) %}", "YD504", "macro", "`macro` can't be used in a template"),
        ("{%- import x", "YD504", "import", "`import` can't be used in a template"),
        ("{% for x in y recursive %}{% endfor %}", "YD504", "recursive", "a loop can't be `recursive`"),
    ],
)
def test_a_mistake_is_told_in_words_at_its_place(text: str, code: str, place: str, message: str) -> None:
    found = analyse(text)
    (fault,) = found.faults
    assert (fault.code, text[fault.start : fault.end], fault.message) == (code, place, message)
    assert found.references == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the expression is empty"),
        ("a b", "the expression ends before `b`"),
        ("(a", "the expression ends too early"),
        ("a }} b", "the expression ends before `}}`"),
        ("a or", "the expression ends too early"),
        ("{{ a }} x", "`{{` can't stand inside a template"),
    ],
)
def test_a_bare_expression_has_its_own_words(text: str, message: str) -> None:
    assert [fault.message for fault in analyse_expression(text).faults] == [message]


def test_help_names_what_may_have_been_meant() -> None:
    helps = [
        fault.help
        for fault in analyse("{{ a | uper }}{{ b is defind }}{{ upper(c) }}{{ params.d.uper() }}").faults
    ]
    assert helps == [
        "did you mean `upper`?",
        "did you mean `defined`?",
        "`upper` is a filter: `value | upper`",
        "did you mean `upper`?",
    ]


def test_a_method_of_an_unknown_name_is_not_a_second_mistake() -> None:
    assert analyse("{{ macros.ds_add(ds, 1) }}").faults == ()


def test_independent_mistakes_are_all_told_in_order() -> None:
    assert [fault.start for fault in analyse("{{ a | x1 | y1 }} {{ b is z1 }}").faults] == [7, 12, 26]


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "(" * 100 + "1" + ")" * 100 + " }}",
        "{{ " + "[" * 99 + "1" + "]" * 99 + " }}",
        "{{ " + "not " * 99 + "a }}",
        "{{ " + "{'a': " * 99 + "1" + "}" * 99 + " }}",
    ],
)
def test_a_hundred_levels_are_read(text: str) -> None:
    assert analyse(text).faults == ()


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "(" * 101 + "1" + ")" * 101 + " }}",
        "{{ " + "(" * 100_000,
        "{{ " + "{" * 500 + " }}",
        "{{ " + "not " * 4_900 + "a }}",
        "{{ " + "-" * 4_900 + "1 }}",
        "{{ a" + " | upper" * 1_600 + " }}",
        "{{ a" + ".a" * 2_000 + " | upper }}",
        "{{ a" + "[0]" * 1_200 + " }}",
        "{{ a" + " + a" * 2_000 + " }}",
        "{{ a" + " if a else a" * 900 + " }}",
        "{% if a %}" * 1_000 + "{% endif %}" * 1_000,
        "{% for a in b %}" * 40 + "{% endfor %}" * 40,
        "{{ a }}{{ b | upper }}" * 2_000,
        "{{ " + "9" * 5_000 + " }}",
        "{{ 1 | round(" * 300,
    ],
)
def test_what_is_too_deep_or_too_long_is_one_fault_and_no_crash(text: str) -> None:
    assert [fault.code for fault in analyse(text).faults] == ["YD501"]


def test_a_huge_power_is_not_computed_to_be_read() -> None:
    assert analyse("{{ 9 ** (9 ** (9 ** 9)) }}").faults == ()


WORDS = "{{ }} {% %} {{- -%} if for endif endfor in a . | ( ) [ ] { } ' \" , : = == is not raw"


@given(st.lists(st.sampled_from([*WORDS.split(" "), *"1é#~\\\n", "endraw", "set"])))
def test_no_text_whatever_makes_analysis_fail(pieces: list[str]) -> None:
    for text in (" ".join(pieces), "".join(pieces)):
        for found in (analyse(text), analyse_expression(text)):
            for fault in found.faults:
                assert 0 <= fault.start <= fault.end <= len(text)
                assert fault.message[0] == "`" or not fault.message[0].isupper()
                assert "jinja" not in fault.message.lower()

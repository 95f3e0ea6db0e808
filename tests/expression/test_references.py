"""What a template refers to, and where."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamldag.plan.expression import Analysis, Reference, analyse, analyse_expression
from yamldag.plan.expression.parsing import read, read_expression


def chains(analysis: Analysis) -> list[str]:
    return [".".join([one.root, *(str(part.name) for part in one.path)]) for one in analysis.references]


def only(text: str) -> Reference:
    (reference,) = analyse(text).references
    return reference


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("echo {{ params.x }} {{ tasks.a.output.b }}", ["params.x", "tasks.a.output.b"]),
        ("{{ tasks['a-b'].output }}", ["tasks.a-b.output"]),
        ("{{ tasks.a.output.rows[0].id }}", ["tasks.a.output.rows.0.id"]),
        ("{{ a[-1].b }}", ["a.-1.b"]),
        ("{{ a[b.c].d }}", ["a.None.d", "b.c"]),
        ("{{ a[1:n] }}", ["a.None", "n"]),
        ("{{ params.x.upper() }}", ["params.x"]),
        ("{{ 'a' ~ b | join(c, attribute=d) }}", ["b", "c", "d"]),
        ("{% if false %}{{ tasks.dead.output }}{% endif %}", ["tasks.dead.output"]),
        ("{{ range(n) }}", ["n"]),
        ("{{ 'params.x' }} {# {{ y }}", ["y"]),
        ("{% raw %}{{ x }}{% endraw %}{{ y }}", ["y"]),
        ("${#a[@]} {{ x }}", ["x"]),
    ],
)
def test_every_reference_is_found_in_the_order_of_the_text(text: str, wanted: list[str]) -> None:
    assert chains(analyse(text)) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{% for x in xs %}{{ x.a }}{{ loop.index }}{{ y }}{% endfor %}", ["xs", "y"]),
        ("{% for x in xs %}{% endfor %}{{ x }}", ["xs", "x"]),
        ("{% for x in xs %}{% else %}{{ x }}{% endfor %}", ["xs", "x"]),
        ("{% for x in x.y if x.ok %}{{ x }}{% endfor %}", ["x.y"]),
        ("{% for a, b in m | items %}{{ a }}{{ b }}{% endfor %}", ["m"]),
        ("{{ q }}{% set q = p %}{{ q }}", ["q", "p"]),
        ("{% set q %}{{ p }}{% endset %}{{ q }}", ["p"]),
        ("{% with q = p, r = q %}{{ q }}{{ r }}{% endwith %}", ["p", "q"]),
        ("{% for x in xs %}{% set q = 1 %}{% endfor %}{{ q }}", ["xs", "q"]),
    ],
)
def test_a_name_that_the_template_binds_is_no_reference_and_only_there(text: str, wanted: list[str]) -> None:
    assert chains(analyse(text)) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "{{ a.b | default(1) }}",
        "{{ a.b | d(1) | upper }}",
        "{{ a.b is defined }}",
        "{% if a.b is not defined %}x{% endif %}",
        "{% if a.b is defined %}{{ a.b }}{% endif %}",
    ],
)
def test_a_reference_that_may_be_missing_is_guarded(text: str) -> None:
    assert all(reference.guarded for reference in analyse(text).references)


def test_a_filter_between_takes_the_guard_away() -> None:
    assert not only("{{ a.b | upper | default(1) }}").guarded


def test_names_stand_where_the_text_has_them() -> None:
    text = "x {{ tasks['a-b'].output . y [ 'k' ][0] }}"
    found = only(text)
    assert text[found.start : found.end] == "tasks"
    assert [text[part.start : part.end] for part in found.path] == ["a-b", "output", "y", "k", "0"]
    assert text[found.start : found.stop] == "tasks['a-b'].output . y [ 'k' ][0]"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_places_count_the_line_ends_that_the_text_has(line_end: str) -> None:
    text = "a\n{{- b | upper -}} \n\n {% if c %}\n{{ zz.y }}{% endif %}".replace("\n", line_end)
    places = {text[one.start : one.stop] for one in analyse(text).references}
    assert places == {"b", "c", "zz.y"}


@pytest.mark.parametrize(
    ("text", "whole", "literal", "kind"),
    [
        ("x", False, True, None),
        ("{# x #}", False, True, None),
        ("{{ a }}", True, False, None),
        ("  {{ a | list }}\n", True, False, "array"),
        ("{{- a -}} ", True, False, None),
        ("x{{ a }}", False, False, None),
        ("{{ a }}{{ b }}", False, False, None),
        ("{% if a %}{{ b }}{% endif %}", False, False, None),
        ("{% raw %}{% endraw %}{{ a }}", False, False, None),
        ("{{ 'x' }}", True, False, "string"),
        ("{{ a ~ b }}", True, False, "string"),
        ("{{ a == b }}", True, False, "boolean"),
        ("{{ not a }}", True, False, "boolean"),
        ("{{ -1 }}", True, False, "number"),
        ("{{ 1 + 2 * 3 }}", True, False, "number"),
        ("{{ {} }}", True, False, "object"),
        ("{{ none }}", True, False, "null"),
        ("{{ a or b }}", True, False, None),
        ("{{ 1 if a else 2 }}", True, False, "number"),
        ("{{ 1 if a else 'x' }}", True, False, None),
        ("{{ ds }}", True, False, "string"),
        ("{{ run.id }}", True, False, "string"),
    ],
)
def test_what_kind_of_value_it_will_be(text: str, whole: bool, literal: bool, kind: str | None) -> None:
    found = analyse(text)
    assert (found.faults, found.whole, found.literal, found.kind) == ((), whole, literal, kind)


def test_outputs_say_what_stands_in_them() -> None:
    text = "{{ a.b }} {{ 'it' }} {{ c | default('') | sh }} {{ (d) }} {{ e + 1 }}"
    found = analyse(text).outputs
    assert [text[one.start : one.end] for one in found] == [
        "a.b",
        "'it'",
        "c | default('') | sh",
        "(d)",
        "e + 1",
    ]
    assert [one.bare is not None for one in found] == [True, False, False, True, False]
    assert [one.text for one in found] == [None, "it", None, None, None]
    assert [one.filters for one in found] == [(), (), ("default", "sh"), (), ()]


def test_a_bare_expression_has_the_same_places() -> None:
    text = "  params.x > tasks.a.output"
    found = analyse_expression(text)
    assert chains(found) == ["params.x", "tasks.a.output"]
    assert [text[one.start : one.stop] for one in found.references] == ["params.x", "tasks.a.output"]
    assert (found.kind, found.whole) == ("boolean", True)


def test_dotted_names_are_read_without_importing_jinja() -> None:
    program = (
        "import sys; from yamldag.plan.expression import analyse, analyse_expression, render;"
        "analyse('{{ params.x }} {{ tasks.a.output.b }}'); analyse_expression('params.x'); analyse('${#a}');"
        "render({'a': ['x {{ params.x }}']}, {'params': {'x': 1}}); print('jinja2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


names = st.from_regex(r"[a-z_][a-z0-9_]{0,5}(\.[a-z_][a-z0-9_]{0,5}){0,3}", fullmatch=True)
blanks = st.text(alphabet=" \t\n", max_size=3)
plain = st.text(alphabet="ab {}#é😀\n'\"$", max_size=8)


@given(st.lists(st.tuples(plain, blanks, names, blanks), max_size=4), plain)
def test_the_quick_way_and_jinja_agree(pieces: list[tuple[str, str, str, str]], tail: str) -> None:
    text = "".join(f"{before}{{{{{left}{name}{right}}}}}" for before, left, name, right in pieces) + tail
    quick = analyse(text)
    if quick.parts is None:
        return
    slow = read(text)
    assert (quick.references, quick.outputs, quick.tags, quick.whole, quick.kind) == (
        slow.references,
        slow.outputs,
        slow.tags,
        slow.whole,
        slow.kind,
    )


@given(blanks, names, blanks)
def test_the_quick_way_and_jinja_agree_on_bare_expressions(left: str, name: str, right: str) -> None:
    text = left + name + right
    quick, slow = analyse_expression(text), read_expression(text)
    if quick.parts is not None:
        assert (quick.references, quick.outputs, quick.kind) == (slow.references, slow.outputs, slow.kind)


PIECES = [
    *("zz", "{{ zz }}", "{{- zz -}}", "{{ zz | upper }}", "{{ f['zz'].zz }}", "\r\n", "\n", " ", "é😀"),
    *("{% if zz %}", "{%- if zz -%}", "{% endif %}", "{% raw %} zz {% endraw %}", "{# zz"),
    *("{{ 'a\nb' ~ zz }}", "{{ [zz, {'k': zz}] }}"),
]


@given(st.lists(st.sampled_from(PIECES)))
def test_every_name_is_where_it_is_said_to_be(pieces: list[str]) -> None:
    text = "".join(pieces)
    for reference in analyse(text).references:
        assert text[reference.start : reference.end] == reference.root
        for part in reference.path:
            assert text[part.start : part.end] == part.name

"""Hostile templates: none gets out, and none takes the machine with it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from yamldag.plan.expression import TemplateError, render

ESCAPES = [
    "''.__class__",
    "''.__class__.__mro__[1].__subclasses__()",
    "''['__class__']",
    "().__class__.__base__",
    "params.__class__",
    "params['__class__']",
    "params.__init__.__globals__",
    "params | attr('__class__')",
    "[1] | map(attribute='__class__') | list",
    "[1] | map(attribute='real') | list",
    "[1] | map('attr', 'real')",
    "[params] | groupby('__class__')",
    "[params] | sort(attribute='__class__')",
    "[params] | sum('__class__')",
    "[params] | selectattr('__class__')",
    "[1] | unique(attribute='__class__')",
    "[1] | join(attribute='real')",
    "'{0.__class__}'.format(1)",
    "'{0[__class__]}'.format(1)",
    "'{x.y}'.format(x=1)",
    "'{:{0.__class__}}'.format(1)",
    "''.format_map(params)",
    "'{}'.format.__self__",
    "'%(a.b)s' % params",
    "range.__doc__",
    "range.__class__",
    "dict.__subclasses__()",
    "dict.mro()",
    "dict.fromkeys('ab')",
    "self",
    "self.__init__",
    "self._TemplateReference__context",
    "cycler.__init__.__globals__",
    "joiner",
    "namespace(a=1)",
    "lipsum()",
    "get_flashed_messages()",
    "url_for('x')",
    "config",
    "request",
    "loop",
    "caller()",
    "varargs",
    "super()",
    "logical_date.__class__",
    "logical_date.tzinfo",
    "logical_date.astimezone()",
    "logical_date.__reduce__()",
    "params.list.append(1)",
    "params.list.__iadd__([1])",
    "params.list.pop()",
    "params.list.sort()",
    "params.map.update({'a': 1})",
    "params.map.clear()",
    "params.map.pop('a')",
    "'a'.encode()",
    "'a'.translate({})",
    "'a'.maketrans('a', 'b')",
    "object.secret",
    "object.run()",
    "object",
    "''.upper.__self__",
    "''.upper.__call__()",
    "(1).real",
    "(1).__class__",
    "(1.5).hex()",
    "true.__class__",
    "none.__class__",
    "[].__class__",
    "{}.__class__",
    "range(3).start",
    "('a', 'b')._fields",
    "params.list.__len__()",
    "_",
    "__builtins__",
    "environment",
    "context",
    "undefined(name='x')",
    "t_1('x')",
    "result",
]

EXHAUSTIONS = [
    "{{ 'x' * 200000000 }}",
    "{{ 200000000 * 'x' }}",
    "{{ [0] * 200000000 }}",
    "{{ [[0] * 1000] * 100000 }}",
    "{{ 10 ** 5000000 }}",
    "{{ 9 ** (9 ** 9) }}",
    "{{ 2 ** 4000 * 2 ** 4000 }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '%*d' % (999999999, 1) }}",
    "{{ '%.999999999f' % 1 }}",
    "{{ '%s' % ([('a' * 1000000)] * 100000,) }}",
    "{{ '{:>999999999}'.format(1) }}",
    "{{ '{:.999999999f}'.format(1.0) }}",
    "{{ '{0:{1}}'.format(1, 999999999) }}",
    "{{ 'x' | center(999999999) }}",
    "{{ 'x'.center(999999999) }}",
    "{{ 'x'.ljust(999999999) }}",
    "{{ 'x'.zfill(10 ** 9) }}",
    "{{ '%999999999d' | format(1) }}",
    "{{ 'x' | indent(999999999, true) }}",
    "{{ [1] | batch(999999999, 'x') }}",
    "{{ [] | slice(999999999) }}",
    "{{ 1 | round(999999999, 'ceil') }}",
    "{{ [1] | tojson(999999999) }}",
    "{{ ('a' * 1000000) | replace('', 'b' * 1000000) }}",
    "{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}",
    "{{ range(100000) | join('x' * 1000000) }}",
    "{{ ('x' * 1000000).join('y' * 100000) }}",
    "{{ ('\t' * 1000000).expandtabs(100000) }}",
    "{{ ('\n' * 1000000) | indent('x' * 1000000) }}",
    "{{ ('<' * 2000000) | e | e }}",
    "{{ ('é' * 700000) | urlencode }}",
    "{{ [('a' * 1000000)] * 100000 }}",
    "{{ {'a': [('a' * 1000000)] * 100000} | tojson }}",
    "{{ [('a' * 1000000)] * 100000 ~ '' }}",
    "{{ range(10 ** 9) | list }}",
    "{{ range(10 ** 30) }}",
    "{{ range(100000) | map('center', 100000) | list }}",
    "{{ logical_date.strftime('%999999999Y') }}",
    "{{ logical_date | date('%999999999Y') }}",
    "{{ logical_date | add_days(99999) | add_days(99999) | add_days(99999) | add_days(9999999) }}",
    "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
    "{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}",
    "{% set x %}{% for i in range(100000) %}" + "y" * 100_000 + "{% endfor %}{% endset %}{{ x | length }}",
    "{% set a = 'x' * 2000000 %}{% set x %}{% for i in range(100000) %}{{ a }}{% endfor %}{% endset %}{{ x | length }}",
    "{% set a = 'xx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
    "{% set a = 'xx' %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
    "{% set a = [1] %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
    "{% set a = [1] %}" + "{% set a = [a, a, a, a, a, a, a, a] %}" * 20 + "{{ a }}",
    "{% set a = [1] %}" + "{% set a = {'x': a, 'y': a, 'z': a} %}" * 30 + "{{ a | tojson }}",
    "{% set a = [1] %}{% set b = [1] %}" + "{% set a = [a] * 9 %}{% set b = [b] * 9 %}" * 20 + "{{ a == b }}",
    "{% set a = [1] %}{% set b = [1] %}"
    + "{% set a = [a] * 9 %}{% set b = [b] * 9 %}" * 20
    + "{{ a is eq(b) }}",
    "{% set a = [1] %}{% set b = [1] %}"
    + "{% set a = [a] * 9 %}{% set b = [b] * 9 %}" * 20
    + "{{ [a, b] | sort }}",
    "{% set a = [1] %}{% set b = [1] %}"
    + "{% set a = [a] * 9 %}{% set b = [b] * 9 %}" * 20
    + "{{ a in [b] }}",
    "{% set x = range(100000) | list %}{% for i in range(100000) %}{{ -1 in x }}{% endfor %}",
    "{% set x = range(100000) | list %}{% for i in range(100000) %}{{ -1 is in x }}{% endfor %}",
    "{% set x = range(100000) | list %}{% for i in range(100000) %}{% set y = x[1:] %}{% endfor %}",
    "{% set x = range(100000) | list %}{% for i in range(100000) %}{{ x.count(-1) }}{% endfor %}",
    "{% set x = range(100000) | batch(1) | list %}{{ x | sum(start=[]) }}",
    "{% set x = 'a' * 2000000 %}{% for i in range(100000) %}{{ 'b' in x }}{% endfor %}",
    "{% set x = 'a' * 2000000 %}{% for i in range(100000) %}{{ x.count('b') }}{% endfor %}",
    "{% set x = 'a' * 2000000 %}{% for i in range(100000) %}{% set y = x | upper %}{% endfor %}",
    "{% for i in range(3) recursive %}{{ loop([1, 1]) }}{% endfor %}",
]

CONTEXT: dict[str, Any] = {
    "params": {"list": [1], "map": {"a": 0}},
    "logical_date": datetime(2026, 1, 1, tzinfo=UTC),
}


class Secretive:
    """An object that no context should hold; if one does, nothing of it is reached."""

    secret = "hidden"

    def run(self) -> str:
        return self.secret


@pytest.mark.parametrize("expression", ESCAPES)
@pytest.mark.parametrize(
    "wrap", ["{{ %s }}", "x{{ %s }}", "{%% if %s %%}1{%% endif %%}", "{{ (%s) | default('') }}"]
)
def test_nothing_is_reached_but_values(expression: str, wrap: str) -> None:
    context = {**CONTEXT, "object": Secretive()}
    try:
        found = json.dumps(render(wrap % expression, context))
    except TemplateError as error:
        found = error.message
    assert not any(
        word in found for word in ("<class", "<built", "<function", "<bound", "hidden", "jinja2", "0x")
    )
    assert CONTEXT["params"] == {"list": [1], "map": {"a": 0}}


PROGRAM = """
import json, resource, sys
from datetime import UTC, datetime
from yamldag.plan.expression import TemplateError, render

resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))
told = []
for text in json.load(sys.stdin):
    resource.setrlimit(resource.RLIMIT_CPU, (int(resource.getrusage(resource.RUSAGE_SELF).ru_utime) + 6, -1))
    try:
        render(text, {"logical_date": datetime(2026, 1, 1, tzinfo=UTC)})
        told.append(None)
    except TemplateError as error:
        told.append(error.message)
print(json.dumps(told))
"""


def test_what_would_exhaust_the_machine_is_refused_in_words() -> None:
    """In a process with 400 MiB and six seconds for each."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(EXHAUSTIONS),
        capture_output=True,
        text=True,
        check=True,
    )
    told = dict(zip(EXHAUSTIONS, json.loads(done.stdout), strict=True))
    assert [text for text, message in told.items() if message is None] == []


@pytest.mark.parametrize(
    "text",
    [
        "{{ range(100000) | list | length }}",
        "{{ range(100000) | map('string') | join(',') | length }}",
        "{% for i in range(50000) %}{{ i }},{% endfor %}",
        "{{ 'x' * 1000000 }}",
        "{{ range(100000) | sort(reverse=true) | first }}",
        "{{ 2 ** 64 - 1 }}",
        "{{ 'x'.center(1000) }}",
    ],
)
def test_honest_sizes_are_within_the_bounds(text: str) -> None:
    render(text, {})


def test_one_rendering_does_not_pay_for_another() -> None:
    for _ in range(30):
        render("{% for i in range(90000) %}{% endfor %}", {})


def test_a_faithful_copy_of_an_output_at_its_bound_fits() -> None:
    output = {"rows": ["x" * 1000] * 1000}
    assert render("{{ tasks.a.output }}", {"tasks": {"a": {"output": output}}}) == output

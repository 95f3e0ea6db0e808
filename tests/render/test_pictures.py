"""What pictures say, and that they go on saying it: golden files of all text formats.

`YAMLDAG_GOLDEN=write` writes them anew; look at the difference before it is kept.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.render import plans
from tests.render.test_text import SVG
from yamldag.plan.pipeline import Fanout, Plan
from yamldag.render.colours import LOOKS
from yamldag.render.dot import dot
from yamldag.render.drawing import instances
from yamldag.render.html import html
from yamldag.render.mermaid import mermaid
from yamldag.render.rules import RULES
from yamldag.render.svg import picture, svg

_GOLDEN = Path(__file__).parent / "golden"
_PLANS: dict[str, tuple[Plan, Mapping[str, str] | None]] = {
    "five": (plans.five(), None),
    "sales": (plans.sales(), plans.SALES_STATES),
    "rules": (plans.rules(), None),
    "nested": (plans.nested(), None),
    "hostile": (plans.hostile(), None),
    "chain": (plans.chain(18), {"part_3": "failed"}),
}
_FORMS: dict[str, Callable[[Plan, Mapping[str, str] | None], str]] = {
    "dot": dot,
    "mmd": mermaid,
    "svg": lambda made, states: svg(made, states)[0],
}


@pytest.fixture(autouse=True)
def _own_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YAMLDAG_DOT", "none")


@pytest.mark.parametrize("name", _PLANS)
@pytest.mark.parametrize("form", _FORMS)
def test_the_picture_is_the_one_that_was_looked_at(name: str, form: str) -> None:
    text = _FORMS[form](*_PLANS[name])
    path = _GOLDEN / f"{name}.{form}"
    if os.environ.get("YAMLDAG_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def _tasks(text: str) -> dict[str, ElementTree.Element]:
    found = ElementTree.fromstring(text).findall(f".//{SVG}g[@data-task]")
    return {element.get("data-task", ""): element for element in found}


def test_a_state_is_a_class_a_glyph_and_a_word() -> None:
    tasks = _tasks(svg(plans.sales(), plans.SALES_STATES)[0])
    for name, state in plans.SALES_STATES.items():
        element = tasks[name]
        assert element.get("class") == f"task state-{state}"
        glyph = element.find(f"{SVG}use[@class='glyph']")
        assert glyph is not None
        assert glyph.get("href") == f"#state-{state}"
        assert LOOKS[state].word in "".join(element.itertext())


def test_without_a_run_no_state_is_shown() -> None:
    text = svg(plans.sales())[0]
    assert {element.get("class") for element in _tasks(text).values()} == {"task"}
    assert "waiting" not in text


def test_a_task_without_a_state_is_waiting_and_an_unknown_state_is_too() -> None:
    tasks = _tasks(svg(plans.five(), {"fetch": "exploded"})[0])
    assert {element.get("class") for element in tasks.values()} == {"task state-none"}


def test_a_page_can_recolour_to_any_state() -> None:
    text = picture(plans.five(), {})[0]
    assert set(re.findall(r'<symbol id="state-(\w+)"', text)) == LOOKS.keys()


def test_edges_name_their_ends() -> None:
    root = ElementTree.fromstring(svg(plans.five())[0])
    ends = {
        (line.get("data-from"), line.get("data-to"))
        for line in root.iter(f"{SVG}path")
        if line.get("data-from")
    }
    assert ends == set(plans.five().edges)


def test_everything_referred_to_is_there() -> None:
    for made, states in _PLANS.values():
        text = svg(made, states)[0]
        wanted = set(re.findall(r'(?:href="#|url\(#)([\w-]+)', text))
        assert wanted <= set(re.findall(r' id="([\w-]+)"', text))


def test_only_a_template_reference_is_dashed() -> None:
    root = ElementTree.fromstring(svg(plans.sales())[0])
    dashed = [
        (line.get("data-from"), line.get("data-to"))
        for line in root.iter(f"{SVG}path")
        if "referenced" in (line.get("class") or "") and line.get("data-from")
    ]
    assert dashed == [("transform.dim_customer", "publish.reverse_etl")]
    assert '"transform.dim_customer" -> "publish.reverse_etl" [style=dashed]' in dot(plans.sales())
    assert "transform_dim_customer -.-> publish_reverse_etl" in mermaid(plans.sales())


def test_no_two_rules_look_the_same() -> None:
    looks = [(line.pattern, line.head) for line in RULES.values()]
    assert len(set(looks)) == len(looks)


def test_the_legend_explains_what_occurs_and_nothing_else() -> None:
    everything = svg(plans.rules())[0]
    assert all(line.says in everything for rule, line in RULES.items() if rule != "all_success")
    small = svg(plans.five())[0]
    assert RULES["one_failed"].says in small
    assert RULES["all_done"].says not in small
    assert "only named in a template" not in small


@pytest.mark.parametrize(
    ("mapping", "count"),
    [
        (None, ""),
        (Fanout(foreach=[1, 2, 3]), "×3"),
        (Fanout(foreach=[]), "×0"),
        (Fanout(foreach="{{ vars.x }}"), "×n"),
        (Fanout(matrix={"a": [1, 2], "b": [1, 2, 3]}), "×6"),
        (Fanout(matrix={"a": [1, 2], "b": [1, 2, 3]}, exclude=[{"a": 1}, {"a": 2, "b": 3}]), "×2"),
        (Fanout(matrix={"a": [1, 2], "b": "{{ vars.x }}"}), "×n"),
        (Fanout(matrix={"a": [1, 2]}, exclude="{{ vars.x }}"), "×n"),
    ],
)
def test_how_many_instances_is_told_where_it_is_known(mapping: Fanout | None, count: str) -> None:
    assert instances(mapping) == count


def test_groups_are_nested_clusters() -> None:
    source = dot(plans.nested())
    assert re.search(
        r"subgraph cluster_0 \{[^{}]* label=eu .*?subgraph cluster_1 \{[^{}]* label=load ", source, re.DOTALL
    )
    assert 'label="us ×n"' in source


def test_the_page_tells_all_about_a_task() -> None:
    page = html(plans.five())[0]
    about = page.split('<section id="about-2"')[1].split("</section>")[0]
    assert "insert into orders\nselect * from staged" in about
    assert "daily_report.yml:13" in about
    assert 'href="#about-1">clean</a>' in about
    assert 'href="#about-4">alarm</a>' in about


def test_each_task_is_a_link_that_works_without_script() -> None:
    page = html(plans.sales())[0]
    links = set(re.findall(r'href="#(about-\d+)"', page))
    assert links == set(re.findall(r'id="(about-\d+)"', page))
    assert len(links) == len(plans.sales().tasks)


def test_a_hole_in_a_text_is_not_filled() -> None:
    made = plans.plan(
        "holes", plans.task("a", description="{{picture}} {{nothing}}", params={"script": "{{title}}"})
    )
    page = html(made)[0]
    assert "{{picture}} {{nothing}}" in page
    assert "<pre>{{title}}</pre>" in page

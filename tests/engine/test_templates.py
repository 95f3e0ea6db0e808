"""What templates see, for whom, and what mappings come to."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.engine.simulation import OK, Simulation, plan, task, with_output
from yamldag.engine.loop.templates import Templates
from yamldag.engine.memory.building import build
from yamldag.engine.memory.run import Run
from yamldag.engine.step.readiness import Refused
from yamldag.operators.contract import Outcome
from yamldag.plan.expression import TemplateError, render
from yamldag.plan.pipeline import MOST_ITEMS, Fanout, Group, Json, Plan

DAY = "2026-11-19T15:00:00.000000Z"


def run_of(of: Plan, **more: Any) -> Run:
    return build(Run("r1", of, 1, "manual", DAY, DAY, DAY, **more), itertools.count(1))


def seen(run: Run, task_id: str, text: str, index: int = 0) -> Json:
    return render(
        text, Templates({"HOME": "/me", "SECRET": "x"}).context(run.nodes[task_id].instances[index])
    )


def finished(of: Plan, outputs: dict[str, Outcome]) -> Run:
    simulation = Simulation(script=lambda instance: outputs.get(instance.label, OK))
    simulation.world.asking = Templates({})
    run = simulation.admit(of, logical_date=DAY, data_interval_start=DAY, data_interval_end=DAY)
    simulation.finish()
    return run


def items_of(fanout: Fanout) -> list[Json]:
    run = run_of(plan(task("m", mapped_by="m"), mapped={"m": fanout}))
    node = run.nodes["m"]
    assert node.fan is not None
    return Templates({}).items(node.instances[0], node.fan)


def test_dates_are_in_the_pipelines_zone() -> None:
    run = run_of(plan(task("a"), timezone="Asia/Seoul"))
    assert seen(run, "a", "{{ ds }} {{ run.logical_date }}") == "2026-11-20 2026-11-20T00:00:00+09:00"


def test_of_the_environment_only_what_is_allowed_is_seen() -> None:
    run = run_of(plan(task("a"), allow_env=("HOME", "MISSING")))
    assert seen(run, "a", "{{ env.HOME }}") == "/me"
    for name in ("SECRET", "MISSING"):
        with pytest.raises(TemplateError, match=name):
            seen(run, "a", f"{{{{ env.{name} }}}}")


def test_the_output_of_a_mapped_task_is_a_list_outside_and_its_own_items_inside() -> None:
    of = plan(
        task("g.a", mapped_by="g"),
        task("g.b", "g.a", mapped_by="g"),
        task("z", "g.b", "g.a"),
        mapped={"g": Fanout(foreach=["x", "y"])},
    )
    run = finished(of, {"g.a[0]": with_output(1), "g.a[1]": with_output(2)})
    assert seen(run, "z", "{{ tasks['g.a'].output }}") == [1, 2]
    assert seen(run, "g.b", "{{ tasks['g.a'].output }}", 1) == 2
    assert seen(run, "g.b", "{{ index }} {{ item }}", 1) == "1 y"


def test_the_output_of_what_is_no_success_is_null() -> None:
    of = plan(
        task("a"),
        task("m", mapped_by="m"),
        task("z", "a", "m", trigger_rule="all_done"),
        mapped={"m": Fanout(foreach=[1, 2])},
    )
    run = finished(of, {"a": Outcome("skipped"), "m[0]": with_output(1), "m[1]": Outcome("failed")})
    assert seen(run, "z", "{{ [tasks.a.output, tasks.a.state, tasks.m.output, tasks.m.state] }}") == [
        None,
        "skipped",
        None,
        "failed",
    ]


def test_a_skipped_instance_leaves_null_in_the_list_of_a_task_that_succeeded() -> None:
    of = plan(
        task("m", mapped_by="m"),
        task("z", "m", trigger_rule="all_done"),
        mapped={"m": Fanout(foreach=[1, 2])},
    )
    run = finished(of, {"m[0]": Outcome("skipped"), "m[1]": with_output(5)})
    assert seen(run, "z", "{{ tasks.m.output }}") == [None, 5]


def test_a_tasks_left_out_of_the_run_are_seen_by_their_newest_success() -> None:
    run = run_of(plan(task("a"), task("b"), task("z", "a", "b")), only=frozenset({"z"}), earlier={"a": 7})
    assert seen(run, "z", "{{ [tasks.a.output, tasks.a.state, tasks.b.output] }}") == [7, "success", None]


def test_a_matrix_is_the_product_with_the_last_key_fastest_less_what_is_excluded() -> None:
    fanout = Fanout(matrix={"os": ["a", "b"], "n": [1, 2]}, exclude=[{"os": "a", "n": 2}, {"n": True}])
    assert items_of(fanout) == [{"os": "a", "n": 1}, {"os": "b", "n": 1}, {"os": "b", "n": 2}]


def test_matrix_values_are_seen_by_their_names() -> None:
    of = plan(task("m", mapped_by="m"), mapped={"m": Fanout(matrix={"os": ["a", "b"]})})
    assert seen(finished(of, {}), "m", "{{ matrix.os }}{{ index }}", 1) == "b1"


@pytest.mark.parametrize(
    ("fanout", "words"),
    [
        (Fanout(foreach="{{ ds }}"), "`foreach`: a list is wanted, found text"),
        (Fanout(matrix={"a": "{{ 3 }}"}), "`matrix`: a list is wanted"),
        (
            Fanout(matrix={"a": list(range(400)), "b": list(range(400))}),
            f"at most {MOST_ITEMS:,} combinations",
        ),
        (Fanout(matrix={"a": [1]}, exclude=[1]), "`exclude` wants a list of mappings"),
        (Fanout(foreach="{{ params.x }}"), "`foreach`: .*x"),
    ],
)
def test_what_cannot_be_walked_over_says_why(fanout: Fanout, words: str) -> None:
    with pytest.raises(Refused, match=words):
        items_of(fanout)


@pytest.mark.parametrize(
    ("mapped_by", "expression", "each"),
    [
        ("g.a", "item.ok", True),
        ("g.a", "index > 0 and params.x", True),
        ("g.a", "matrix.os == 'a'", True),
        ("g.a", "params.item", False),
        ("g.a", "uses['g'].table == 'x'", False),
        ("g", "uses['g'].table == 'x'", True),
        ("g", "uses['g.inner'].table == 'x'", True),
        ("g", "uses['other'].table == 'x'", False),
        ("g", True, False),
    ],
)
def test_a_condition_is_asked_for_each_item_if_it_speaks_of_it(
    mapped_by: str, expression: str | bool, each: bool
) -> None:
    run = run_of(plan(task("g.a", mapped_by=mapped_by), mapped={mapped_by: Fanout(foreach=[1])}))
    assert Templates({}).names_item(run.nodes["g.a"], expression) is each


def test_a_condition_that_gives_text_is_refused() -> None:
    run = run_of(plan(task("a")))
    with pytest.raises(Refused, match=r"`when`.*text"):
        Templates({}).condition(run.nodes["a"].instances[0], "ds")


def test_params_of_a_use_may_be_made_of_the_item() -> None:
    of = plan(
        task("g.a", mapped_by="g"),
        mapped={"g": Fanout(foreach=["x", "y"])},
        groups=(Group("g", use="t", params={"table": "{{ item }}_1"}),),
    )
    run = finished(of, {})
    assert seen(run, "g.a", "{{ uses['g'].table }}", 1) == "y_1"

"""Generated pipelines against a model of what they mean: edges, rings, and the order in which things stand."""

from __future__ import annotations

import random
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from yamldag.compile.compiler import Compiled
from yamldag.compile.load import compile_bytes, compile_files
from yamldag.compile.project import Project, find

NOWHERE = Project("/nowhere", None, None, {})
Graph = dict[str, set[str]]
"""Parents by task."""


@st.composite
def graphs(draw: st.DrawFn, rings: bool = False) -> Graph:
    names = [f"t{n}" for n in range(draw(st.integers(1, 9)))]
    known = names if rings else []
    parents: Graph = {}
    for name in names:
        parents[name] = draw(st.sets(st.sampled_from(known or ["-"]), max_size=3)) - {"-"}
        if not rings:
            known = [*known, name]
    return {name: parents[name] for name in draw(st.permutations(names))}


def written(parents: Graph, by_reference: set[tuple[str, str]]) -> str:
    """A pipeline of these edges, some as `needs`, some as references."""
    tasks = {}
    for name, above in parents.items():
        spoken = [one for one in sorted(above) if (name, one) in by_reference]
        needs = [one for one in sorted(above) if one not in spoken]
        script = "echo " + " ".join(f"{{{{ tasks.{one}.output }}}}" for one in spoken)
        tasks[name] = {"bash": script, **({"needs": needs} if needs else {})}
    return str(yaml.safe_dump({"pipeline": "p", "tasks": tasks}, sort_keys=False))


def compiled(text: str) -> Compiled:
    return compile_bytes(NOWHERE, "/nowhere/p.yml", text.encode())


def model_edges(parents: Graph) -> list[tuple[str, str]]:
    return sorted((one, name) for name, above in parents.items() for one in above)


@settings(max_examples=150, deadline=None)
@given(graphs(), st.data())
def test_the_edges_of_a_plan_are_those_of_the_graph(parents: Graph, data: st.DataObject) -> None:
    pairs = [(name, one) for name, above in parents.items() for one in sorted(above)]
    spoken = data.draw(st.sets(st.sampled_from(pairs))) if pairs else set()
    result = compiled(written(parents, spoken))
    assert not result.found
    plan = result.units[0].plan()
    assert plan is not None
    assert plan.edges == model_edges(parents)
    assert [task.id for task in plan.tasks] == list(parents)


def on_a_ring(parents: Graph) -> set[str]:
    """The tasks that can be reached from themselves, found the slow way."""
    found = set()
    for name in parents:
        seen: set[str] = set()
        waiting = list(parents[name])
        while waiting:
            here = waiting.pop()
            if here not in seen:
                seen.add(here)
                waiting += parents[here]
        if name in seen:
            found.add(name)
    return found


@settings(max_examples=200, deadline=None)
@given(graphs(rings=True))
def test_a_ring_is_told_by_edges_that_exist_and_none_is_overlooked(parents: Graph) -> None:
    result = compiled(written(parents, set()))
    ringed = on_a_ring(parents)
    assert bool(result.found) == bool(ringed)
    told: set[str] = set()
    for one in result.found:
        assert one.code == "YD301"
        edges = [tuple(related.message.split("`")[1::2]) for related in one.related]
        edges = edges or [(one.message.split("`")[1],) * 2]
        assert all(parent in parents[task] for task, parent in edges)
        for (_, parent), (task, _) in zip(edges, [*edges[1:], edges[0]], strict=True):
            assert parent == task, "the edges lead round"
        mine = {task for task, _ in edges if len(edges) > 1}  # that a task needs itself is told apart
        assert told.isdisjoint(mine), "each knot is told once"
        told |= mine
        assert {task for task, _ in edges} <= ringed


@st.composite
def grouped(draw: st.DrawFn) -> tuple[dict[str, object], list[tuple[str, str]]]:
    """A chain of groups, each of some tasks that need nothing: each one's tasks need all of the one before."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    tasks: dict[str, object] = {}
    edges = []
    before: list[str] = []
    for n, size in enumerate(sizes):
        inside = {f"t{m}": {"bash": "echo"} for m in range(size)}
        tasks[f"g{n}"] = {"tasks": inside, **({"needs": f"g{n - 1}"} if n else {})}
        ids = [f"g{n}.{name}" for name in inside]
        edges += [(one, other) for one in before for other in ids]
        before = ids
    return tasks, sorted(edges)


@settings(max_examples=60, deadline=None)
@given(grouped())
def test_groups_are_their_leaves_and_roots(case: tuple[dict[str, object], list[tuple[str, str]]]) -> None:
    tasks, edges = case
    result = compiled(str(yaml.safe_dump({"pipeline": "p", "tasks": tasks}, sort_keys=False)))
    plan = result.units[0].plan()
    assert plan is not None
    assert plan.edges == edges


FAULTY = """
tasks:
  a: {bash: echo, retires: 1}
  b: {needs: [a, x], bash: "echo {{ params.nope }}"}
  c: {needs: d, bash: echo}
  d: {needs: c, bash: echo}
"""


def said(result: Compiled) -> list[tuple[str, str, int, str]]:
    return sorted((one.code, one.place.source.path, one.place.start, one.message) for one in result.found)


def test_the_order_of_files_does_not_change_what_is_said(tmp_path: Path) -> None:
    names = ["c.yml", "a.yml", "b.yml", "t.yml"]
    for name in names[:3]:
        (tmp_path / name).write_text(
            f"pipeline: {'same' if name != 'b.yml' else 'b'}{FAULTY}  u: {{use: ./t.yml}}\n"
        )
    (tmp_path / "t.yml").write_text("template: t\ntasks: {x: {bash: '{{ params.y }}', retires: 2}}\n")
    project = find(str(tmp_path), None, {})
    wanted = said(compile_files(project, [str(tmp_path / name) for name in names]))
    assert any(code == "YD202" for code, *_ in wanted)
    for seed in range(6):
        random.Random(seed).shuffle(names)
        assert said(compile_files(project, [str(tmp_path / name) for name in names])) == wanted


@settings(max_examples=40, deadline=None)
@given(st.permutations(["a: {bash: echo, retires: 1}", "b: {needs: x, bash: echo}", "c: {needs: d, bash: echo}",
                        "d: {needs: c, bash: echo}", "e: {bash: 'echo {{ params.q }}'}"]))  # fmt: skip
def test_the_order_of_tasks_does_not_change_what_is_said(lines: list[str]) -> None:
    result = compiled("pipeline: p\ntasks:\n" + "".join(f"  {line}\n" for line in lines))
    assert sorted(one.code for one in result.found) == ["YD203", "YD204", "YD301", "YD401"]


def test_a_mistake_in_a_template_is_told_once_with_every_use(tmp_path: Path) -> None:
    (tmp_path / "t.yml").write_text("template: t\ntasks: {x: {bash: '{{ params.y }}'}}\n")
    for n in range(3):
        (tmp_path / f"p{n}.yml").write_text(
            f"pipeline: p{n}\ntasks: {{u: {{use: ./t.yml}}, v: {{use: ./t.yml}}}}\n"
        )
    paths = sorted(map(str, tmp_path.glob("*.yml")))
    (found,) = compile_files(find(str(tmp_path), None, {}), paths).found
    assert found.code == "YD204"
    assert len(found.related) == 6

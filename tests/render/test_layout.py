"""Our own layout: every task once, nothing on top of anything, all edges forward."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.render import plans
from yamldag.plan.pipeline import Group, Plan
from yamldag.render.drawing import Drawing, drawing
from yamldag.render.layout import layout
from yamldag.render.places import Box, Layout

PLANS = {
    "five": plans.five(),
    "sales": plans.sales(),
    "rules": plans.rules(),
    "nested": plans.nested(),
    "hostile": plans.hostile(),
    "fifty in groups": plans.layered(50, 6, groups=4),
    "three hundred in groups": plans.layered(300, 15, groups=7),
    "tangled": plans.tangled(120, 300),
    "chain": plans.chain(40),
    "scattered": plans.scattered(40),
    "one": plans.plan("one", plans.task("only")),
    "empty": plans.plan("empty"),
}


def _overlap(a: Box, b: Box) -> bool:
    return a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom


def _inside(inner: Box, outer: Box) -> bool:
    return (
        inner.x >= outer.x
        and inner.y >= outer.y
        and inner.right <= outer.right
        and inner.bottom <= outer.bottom
    )


def _around(drawn: Drawing, group: str | None) -> set[str]:
    parents = {frame.group.id: frame.group.parent for frame in drawn.frames}
    found: set[str] = set()
    while group is not None and group in parents:
        found.add(group)
        group = parents[group]
    return found


def _check(drawn: Drawing, placed: Layout) -> None:
    assert placed.boxes.keys() == {node.id for node in drawn.nodes}
    assert placed.frames.keys() == {frame.group.id for frame in drawn.frames}
    whole = Box(0, 0, placed.width, placed.height)
    assert all(_inside(box, whole) for box in [*placed.boxes.values(), *placed.frames.values()])
    for (a, one), (b, other) in combinations(placed.boxes.items(), 2):
        assert not _overlap(one, other), (a, b)
    for edge in drawn.edges:
        parent, child = placed.boxes[edge.parent], placed.boxes[edge.child]
        assert (child.y >= parent.bottom) if drawn.down else (child.x >= parent.right), edge


def _check_frames(drawn: Drawing, placed: Layout) -> None:
    for node in drawn.nodes:
        home = _around(drawn, node.task.group)
        for group, frame in placed.frames.items():
            box = placed.boxes[node.id]
            assert _inside(box, frame) if group in home else not _overlap(box, frame), (node.id, group)
    parents = {frame.group.id: frame.group.parent for frame in drawn.frames}
    for a, b in combinations(placed.frames, 2):
        if a not in _around(drawn, parents[b]) and b not in _around(drawn, parents[a]):
            assert not _overlap(placed.frames[a], placed.frames[b]), (a, b)


@pytest.mark.parametrize("name", PLANS)
def test_every_task_once_nothing_overlaps_and_edges_go_forward(name: str) -> None:
    drawn = drawing(PLANS[name])
    placed = layout(drawn)
    _check(drawn, placed)
    _check_frames(drawn, placed)


@pytest.mark.parametrize("name", PLANS)
def test_lines_begin_and_end_at_their_tasks(name: str) -> None:
    drawn = drawing(PLANS[name])
    placed = layout(drawn)
    assert placed.curves.keys() == {(edge.parent, edge.child) for edge in drawn.edges}
    for (parent, child), curve in placed.curves.items():
        start, end = placed.boxes[parent], placed.boxes[child]
        assert len(curve) % 3 == 1
        assert curve[0] == pytest.approx(_port(start, drawn.down, out=True))
        assert curve[-1] == pytest.approx(_port(end, drawn.down, out=False))


def _port(box: Box, down: bool, out: bool) -> tuple[float, float]:
    if down:
        return box.x + box.width / 2, box.bottom if out else box.y
    return box.right if out else box.x, box.y + box.height / 2


@st.composite
def _any_plan(draw: st.DrawFn) -> Plan:
    groups = [
        Group("g0"),
        Group("g1", draw(st.sampled_from([None, "g0"]))),
        Group("g2", draw(st.sampled_from([None, "g1"]))),
    ]
    made = []
    for at in range(draw(st.integers(0, 14))):
        parents = draw(st.sets(st.integers(0, at - 1), max_size=3)) if at else set()
        group = draw(st.sampled_from([None, "g0", "g1", "g2"]))
        made.append(plans.task(f"t{at}", needs=[f"t{parent}" for parent in parents], group=group))
    return plans.plan("any", *made, groups=groups)


@given(_any_plan())
@settings(max_examples=150, deadline=None)
def test_no_plan_makes_boxes_overlap_or_edges_go_back(made: Plan) -> None:
    drawn = drawing(made)
    placed = layout(drawn)
    _check(drawn, placed)
    _check_frames(drawn, placed)


def test_groups_that_would_stand_in_the_same_place_keep_one_order_in_all_layers() -> None:
    made = plans.plan(
        "even",
        plans.task("t0", group="g1"),
        plans.task("t1", needs=["t0"], group="g0"),
        plans.task("t2", needs=["t1"], group="g1"),
        plans.task("t3", group="g0"),
        groups=[Group("g0"), Group("g1")],
    )
    drawn = drawing(made)
    placed = layout(drawn)
    _check(drawn, placed)
    _check_frames(drawn, placed)


def test_the_same_plan_is_always_laid_out_the_same() -> None:
    assert layout(drawing(plans.sales())) == layout(drawing(plans.sales()))


def test_a_straight_chain_is_drawn_straight() -> None:
    placed = layout(drawing(plans.chain(8)))
    assert len({box.y for box in placed.boxes.values()}) == 1


def test_a_long_chain_runs_downwards() -> None:
    drawn = drawing(plans.chain(40))
    placed = layout(drawn)
    assert drawn.down
    assert placed.height > 10 * placed.width


def test_tasks_without_edges_stand_in_rows() -> None:
    placed = layout(drawing(plans.scattered(48)))
    assert placed.height < placed.width


def test_a_ring_is_laid_out_all_the_same() -> None:
    ring = plans.plan(
        "ring", plans.task("a", needs=["b"]), plans.task("b", needs=["a"]), plans.task("c", needs=["c", "b"])
    )
    assert layout(drawing(ring)).boxes.keys() == {"a", "b", "c"}


def test_two_thousand_tangled_tasks_all_find_a_place() -> None:
    drawn = drawing(plans.tangled(2000, 4000))
    assert len(layout(drawn).boxes) == 2000

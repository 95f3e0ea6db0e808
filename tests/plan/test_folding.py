"""A folded group is one task with the edges of all that is in it."""

from __future__ import annotations

from yamldag.plan.folding import FOLDED, fold, homes
from yamldag.plan.pipeline import Fanout, Group, Plan, Task


def task(name: str, *needs: str, group: str | None = None) -> Task:
    return Task(name, "bash", needs=needs, judged=needs, group=group)


PLAN = Plan(
    "p",
    tasks=(
        task("a"),
        task("g.b", "a", group="g"),
        task("g.h.c", "g.b", group="g.h"),
        task("g.h.d", "g.h.c", group="g.h"),
        task("e", "g.h.d", "a"),
    ),
    groups=(Group("g"), Group("g.h", parent="g")),
    mapped={"g": Fanout(foreach=[1, 2]), "g.h.c": Fanout(foreach=[1])},
)


def edges(plan: Plan) -> set[tuple[str, str]]:
    return set(plan.edges)


def test_nothing_folded_is_the_plan() -> None:
    assert fold(PLAN, set()) is PLAN
    assert fold(PLAN, {"nothing"}) is PLAN


def test_an_inner_group_keeps_its_place_in_the_outer_one() -> None:
    folded = fold(PLAN, {"g.h"})
    assert [each.id for each in folded.tasks] == ["a", "g.b", "g.h", "e"]
    assert edges(folded) == {("a", "g.b"), ("g.b", "g.h"), ("g.h", "e"), ("a", "e")}
    stands = folded.tasks[2]
    assert (stands.operator, stands.group) == (FOLDED, "g")
    assert [each.id for each in folded.groups] == ["g"]


def test_the_outermost_folded_group_takes_all_in() -> None:
    folded = fold(PLAN, {"g", "g.h"})
    assert [each.id for each in folded.tasks] == ["a", "g", "e"]
    assert edges(folded) == {("a", "g"), ("g", "e"), ("a", "e")}
    assert folded.groups == ()
    assert set(folded.mapped) == {"g"}
    assert homes(PLAN, {"g", "g.h"}) == {"g.b": "g", "g.h.c": "g", "g.h.d": "g"}


def test_no_task_needs_itself() -> None:
    for groups in ({"g"}, {"g.h"}, {"g", "g.h"}):
        assert all(parent != child for parent, child in fold(PLAN, groups).edges)

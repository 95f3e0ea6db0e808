"""What a clear reaches: below, above, one item's chain, setups and teardowns, what failed."""

from __future__ import annotations

from typing import Any

from tests.engine.simulation import task
from yamldag.engine.memory.reasons import REASONS
from yamldag.engine.step.choice import Choice, Fact, Wish, choose
from yamldag.plan.pipeline import Task
from yamldag.plan.state import TaskState

CHAIN = [task("a"), task("b", "a"), task("c", "b"), task("x", "a")]
CHAINS = [
    task("list"),
    task("g.load", "list", mapped_by="g"),
    task("g.check", "g.load", mapped_by="g"),
    task("all", "g.check"),
]
SCOPE = [
    task("up", setup=True),
    task("one", "up"),
    task("two", "up"),
    task("down", "one", "two", "up", teardown_of=("up",)),
    task("after", "down", "two"),
]


def facts(tasks: list[Task], items: int = 2, **states: str) -> list[Fact]:
    """Each a success unless told: mapped tasks have so many instances; `load_1` is the second of `g.load`."""
    found = []
    for each in tasks:
        for index in range(items) if each.mapped_by else (None,):
            short = each.id.rpartition(".")[2]
            state = states.get(short if index is None else f"{short}_{index}", "success")
            found.append(Fact(each.id, index, TaskState(state)))
    return found


def whole(tasks: list[Task], *names: str, **wish: Any) -> set[str]:
    units = tuple((name, None) for name in names)
    choice = choose(tasks, facts(tasks), Wish(units, **wish))
    assert not choice.single
    return set(choice.whole)


def test_all_of_a_run_unless_tasks_are_named() -> None:
    assert whole(CHAIN) == {"a", "b", "c", "x"}


def test_what_is_below_goes_with_it_and_what_is_above_if_that_is_wanted() -> None:
    assert whole(CHAIN, "b") == {"b", "c"}
    assert whole(CHAIN, "b", below=False) == {"b"}
    assert whole(CHAIN, "b", above=True) == {"a", "b", "c"}
    assert whole(CHAIN, "c", "x") == {"c", "x"}


def test_a_task_that_the_run_is_without_is_nothing() -> None:
    assert whole(CHAIN, "nope") == set()


def test_what_failed_and_all_below_it() -> None:
    known = facts(CHAIN, b="failed", c="upstream_failed")
    assert choose(CHAIN, known, Wish(failed=True)) == Choice(frozenset({"b", "c"}))
    assert choose(CHAIN, known, Wish((("x", None),), failed=True)) == Choice()


def test_what_was_cut_short_counts_as_failed_and_what_skipped_by_itself_does_not() -> None:
    known = [
        Fact("a", None, TaskState.SUCCESS),
        Fact("b", None, TaskState.SKIPPED, "no rows today"),
        Fact("c", None, TaskState.SUCCESS),
        Fact("x", None, TaskState.SKIPPED, REASONS["cancel"]),
    ]
    assert choose(CHAIN, known, Wish(failed=True)).whole == {"x"}


def test_an_item_goes_down_its_own_chain_and_then_wholly() -> None:
    choice = choose(CHAINS, facts(CHAINS), Wish((("g.load", 1),)))
    assert choice == Choice(frozenset({"all"}), frozenset({("g.load", 1), ("g.check", 1)}))


def test_an_item_goes_up_its_own_chain() -> None:
    choice = choose(CHAINS, facts(CHAINS), Wish((("g.check", 0),), above=True, below=False))
    assert choice == Choice(frozenset({"list"}), frozenset({("g.load", 0), ("g.check", 0)}))


def test_failed_instances_alone_keep_the_items() -> None:
    choice = choose(CHAINS, facts(CHAINS, load_1="failed", check_1="upstream_failed"), Wish(failed=True))
    assert choice.single == {("g.load", 1), ("g.check", 1)}
    assert not choice.again


def test_items_are_asked_for_again_if_all_of_a_mapping_is_cleared() -> None:
    assert choose(CHAINS, facts(CHAINS), Wish((("g.load", None),))).again == {"g"}
    part = choose(CHAINS, facts(CHAINS), Wish((("g.check", None),)))
    assert part == Choice(frozenset({"g.check", "all"}))


def test_setups_and_teardowns_of_the_scope_go_with_it() -> None:
    assert whole(SCOPE, "one", below=False) == {"one", "up", "down"}
    assert whole(SCOPE, "up", below=False) == {"up", "down"}
    assert whole(SCOPE, "one") == {"one", "up", "down", "after"}


def test_a_teardown_and_what_stands_behind_it_leave_the_setup_as_it_is() -> None:
    assert whole(SCOPE, "down", below=False) == {"down"}
    assert whole(SCOPE, "after") == {"after"}

"""Order, rings and reach, against slow and simple ways to find the same."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yamldag.plan import graph

Graph = dict[str, list[str]]


@st.composite
def graphs(draw: st.DrawFn, most: int = 7) -> Graph:
    names = "abcdefghij"[: draw(st.integers(0, most))]
    if not names:
        return {}
    return {name: draw(st.lists(st.sampled_from(names), max_size=3)) for name in draw(st.permutations(names))}


@st.composite
def orders(draw: st.DrawFn) -> Graph:
    """Graphs without rings, inserted in any order."""
    names = "abcdefghij"[: draw(st.integers(1, 10))]
    above = {
        name: draw(st.lists(st.sampled_from(names[:i] or "a"), max_size=4)) for i, name in enumerate(names)
    }
    above["a"] = []
    return {name: above[name] for name in draw(st.permutations(names))}


def is_ring(parents: Graph, ring: list[str]) -> bool:
    return all(parent in parents[name] for name, parent in zip(ring, [*ring[1:], ring[0]], strict=True))


def reach(parents: Graph, name: str) -> set[str]:
    seen: set[str] = set()
    for _ in parents:
        seen |= {parent for here in {name, *seen} for parent in parents[here]}
    return seen


def knots(parents: Graph) -> set[frozenset[str]]:
    above = {name: reach(parents, name) for name in parents}
    together = {frozenset(b for b in parents if b in above[a] and a in above[b]) for a in parents}
    return {knot for knot in together if len(knot) > 1}


def shortest(parents: Graph, knot: frozenset[str]) -> int:
    for length in range(2, len(knot) + 1):
        if any(is_ring(parents, list(ring)) for ring in permutations(knot, length)):
            return length
    raise AssertionError


@settings(deadline=None)
@given(graphs(most=6))
def test_each_knot_gives_its_shortest_ring_and_each_loop_itself(parents: Graph) -> None:
    found = graph.rings(parents)
    loops = [ring for ring in found if len(ring) == 1]
    longer = found[len(loops) :]
    assert loops == [[name] for name in parents if name in parents[name]]
    assert all(is_ring(parents, ring) and len(set(ring)) == len(ring) for ring in longer)
    wanted = knots(parents)
    assert {next(knot for knot in wanted if ring[0] in knot) for ring in longer} == wanted
    assert len(longer) == len(wanted)
    for ring in longer:
        assert len(ring) == shortest(parents, next(knot for knot in wanted if ring[0] in knot))


@given(graphs())
def test_a_ring_starts_at_its_earliest_id_and_rings_come_in_that_order(parents: Graph) -> None:
    place = list(parents).index
    longer = [ring for ring in graph.rings(parents) if len(ring) > 1]
    assert all(place(ring[0]) == min(map(place, ring)) for ring in longer)
    assert [ring[0] for ring in longer] == sorted((ring[0] for ring in longer), key=place)


@given(graphs())
def test_either_everything_has_an_order_or_there_is_a_ring(parents: Graph) -> None:
    ordered = graph.order(parents)
    assert (len(ordered) == len(parents)) != bool(graph.rings(parents))
    for index, name in enumerate(ordered):
        assert set(parents[name]) <= set(ordered[:index])


@given(orders())
def test_order_takes_the_earliest_id_that_is_ready(parents: Graph) -> None:
    wanted: list[str] = []
    while len(wanted) < len(parents):
        wanted.append(next(n for n in parents if n not in wanted and set(parents[n]) <= set(wanted)))
    assert graph.order(parents) == wanted


@given(graphs())
def test_reach_upwards_and_downwards(parents: Graph) -> None:
    for name in parents:
        assert graph.ancestors(parents, [name]) == reach(parents, name)
        assert graph.descendants(parents, [name]) == {
            other for other in parents if name in reach(parents, other)
        }


@given(orders())
def test_an_edge_is_redundant_if_its_parent_is_above_another_parent(parents: Graph) -> None:
    wanted = [
        (parent, name)
        for name, above in parents.items()
        for parent in dict.fromkeys(above)
        if any(parent in reach(parents, other) for other in above)
    ]
    assert graph.redundant(parents) == wanted


def test_leaves_are_what_nothing_needs() -> None:
    assert graph.leaves({"a": [], "b": ["a"], "c": ["a"], "d": []}) == ["b", "c", "d"]


def test_parents_outside_the_graph_are_passed_over() -> None:
    parents = {"b": ["gone", "a"], "a": ["gone"]}
    assert graph.order(parents) == ["a", "b"]
    assert graph.rings(parents) == []
    assert graph.ancestors(parents, ["b"]) == {"a"}
    assert graph.redundant(parents) == []


def test_a_short_ring_hidden_behind_a_long_one_is_the_one_told() -> None:
    ring = {f"t{i}": [f"t{(i + 1) % 50}"] for i in range(50)}
    ring["t20"].append("t18")
    assert graph.rings(ring) == [["t18", "t19", "t20"]]


def test_a_spent_budget_still_gives_a_ring_for_each_knot() -> None:
    full = {f"{k}{i}": [f"{k}{j}" for j in range(9) if j != i] for k in "ab" for i in range(9)}
    found = graph.rings(full, budget=0)
    assert [ring[0][0] for ring in found] == ["a", "b"]
    assert all(is_ring(full, ring) for ring in found)


@pytest.mark.parametrize("size", [2, 10_000])
def test_one_ring_of_any_size(size: int) -> None:
    ring = {f"t{i}": [f"t{(i + 1) % size}"] for i in range(size)}
    assert graph.rings(ring) == [list(ring)]


def test_ten_thousand_in_a_chain_need_no_recursion() -> None:
    chain = {f"t{i}": [f"t{i + 1}"] for i in range(9_999)} | {"t9999": []}
    assert graph.order(chain) == list(chain)[::-1]
    assert len(graph.ancestors(chain, ["t0"])) == 9_999
    assert graph.redundant(chain) == []

"""Which layer each task stands in: groups are laid out inside first, then moved as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Unit = tuple[str, int]
"""`("group", number)`, or `("token", number)` for what stands alone."""
Link = tuple[Unit, Unit, int]
"""Two units and how many layers the second begins after the first, at least."""


def ranks(edges: Sequence[tuple[int, int]], paths: Sequence[tuple[int, ...]]) -> list[int]:
    """By token: its layer, from 0 and without gaps. `paths`: the groups around each token, outermost first.

    All edges go forward. A ring, which no checked plan has, is cut where it is met.
    """
    found = _level(range(len(paths)), edges, _Nest(paths, set()), 0)
    used = {layer: at for at, layer in enumerate(sorted(set(found.values())))}
    return [used[found[token]] for token in range(len(paths))]


@dataclass(frozen=True, slots=True)
class _Nest:
    paths: Sequence[tuple[int, ...]]
    loose: set[int]
    """Groups that cannot move as one, since a task outside comes between two of theirs."""

    def unit(self, token: int, depth: int) -> Unit:
        path = [group for group in self.paths[token] if group not in self.loose]
        return ("group", path[depth]) if depth < len(path) else ("token", token)


def _level(
    tokens: Iterable[int], edges: Sequence[tuple[int, int]], nest: _Nest, depth: int
) -> dict[int, int]:
    """The layers of these tokens, which share their first `depth` groups, counted from their own first."""
    members = _members(tokens, nest, depth)
    home = {token: unit for unit, inside in members.items() for token in inside}
    within: dict[Unit, list[tuple[int, int]]] = defaultdict(list)
    between = []
    for edge in edges:
        if home[edge[0]] == home[edge[1]]:
            within[home[edge[0]]].append(edge)
        else:
            between.append(edge)
    ringed = _ringed({(home[a], home[b]) for a, b in between})
    if ringed:
        nest.loose.update(ringed)
        return _level(list(home), edges, nest, depth)
    inside = {
        token: layer
        for unit, held in members.items()
        for token, layer in (
            _level(held, within[unit], nest, depth + 1) if unit[0] == "group" else {held[0]: 0}
        ).items()
    }
    links = [(home[a], home[b], inside[a] + 1 - inside[b]) for a, b in between]
    start = _starts(list(members), links)
    return {token: start[home[token]] + inside[token] for token in home}


def _members(tokens: Iterable[int], nest: _Nest, depth: int) -> dict[Unit, list[int]]:
    members: dict[Unit, list[int]] = defaultdict(list)
    for token in tokens:
        members[nest.unit(token, depth)].append(token)
    return members


def _ringed(pairs: set[tuple[Unit, Unit]]) -> set[int]:
    """The groups on rings: what is left when all with nothing before, or nothing after, are taken away."""
    left = pairs
    while True:
        heads, tails = {b for _, b in left}, {a for a, _ in left}
        rest = {(a, b) for a, b in left if a in heads and b in tails}
        if len(rest) == len(left):
            return {number for pair in rest for kind, number in pair if kind == "group"}
        left = rest


def _starts(units: list[Unit], links: list[Link]) -> dict[Unit, int]:
    """By longest path; then what is closer to what it feeds than to what feeds it moves up to it."""
    out: dict[Unit, list[tuple[Unit, int]]] = defaultdict(list)
    into: dict[Unit, int] = defaultdict(int)
    for a, b, gap in links:
        out[a].append((b, gap))
        into[b] += 1
    start = dict.fromkeys(units, 0)
    order = _order(units, out, into)
    place = {unit: at for at, unit in enumerate(order)}
    for unit in order:
        for other, gap in out[unit]:
            if place[other] > place[unit]:
                start[other] = max(start[other], start[unit] + gap)
    for unit in reversed(order):
        if len(out[unit]) > into[unit]:
            start[unit] = max(start[unit], min(start[other] - gap for other, gap in out[unit]))
    return start


def _order(units: list[Unit], out: dict[Unit, list[tuple[Unit, int]]], into: dict[Unit, int]) -> list[Unit]:
    """Each after all that come before it; where a ring leaves none such, the next one in the plan."""
    waits = {unit: into[unit] for unit in units}
    ready = [unit for unit in units if not waits[unit]]
    order: dict[Unit, None] = {}
    stuck = iter(units)
    while len(order) < len(units):
        unit = ready.pop() if ready else next(each for each in stuck if each not in order)
        if unit in order:
            continue
        order[unit] = None
        for other, _ in out[unit]:
            waits[other] -= 1
            if not waits[other] and other not in order:
                ready.append(other)
    return list(order)

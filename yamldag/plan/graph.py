"""Graphs of ids: order, rings, what lies above and below. A graph maps each id to its parents.

Parents that are no ids of the graph are passed over. Order is that of insertion wherever there is a choice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush
from math import inf

Parents = Mapping[str, Collection[str]]
BUDGET = 2_000_000
"""Edges that the search for short rings looks at before it makes do with the shortest found so far."""


def order(parents: Parents) -> list[str]:
    """Every id after its parents, else as inserted. What is in a ring, or below one, is left out."""
    place = {name: index for index, name in enumerate(parents)}
    names = list(parents)
    below = children(parents)
    missing = {name: len(_distinct(parents, name)) for name in parents}
    ready = [place[name] for name, count in missing.items() if not count]
    heapify(ready)
    ordered = []
    while ready:
        name = names[heappop(ready)]
        ordered.append(name)
        for child in below[name]:
            missing[child] -= 1
            if not missing[child]:
                heappush(ready, place[child])
    return ordered


def children(parents: Parents) -> dict[str, list[str]]:
    """The same graph downwards: each id with its children in order of insertion."""
    below: dict[str, list[str]] = {name: [] for name in parents}
    for name in parents:
        for parent in _distinct(parents, name):
            below[parent].append(name)
    return below


def leaves(parents: Parents) -> list[str]:
    """The ids without children."""
    needed = {parent for above in parents.values() for parent in above}
    return [name for name in parents if name not in needed]


def ancestors(parents: Parents, of: Iterable[str]) -> set[str]:
    """All above the given ids, these aside unless they are in a ring."""
    return _reach(parents, of)


def descendants(parents: Parents, of: Iterable[str]) -> set[str]:
    """All below the given ids, these aside unless they are in a ring."""
    return _reach(children(parents), of)


def redundant(parents: Parents) -> list[tuple[str, str]]:
    """Edges (parent, child) that a longer way implies too, in order of insertion; none of or below a ring."""
    place: dict[str, int] = {}
    above: dict[str, int] = {}  # as bits, one per place
    implied: dict[str, list[str]] = {}
    for index, name in enumerate(order(parents)):
        direct = _distinct(parents, name)
        further = 0
        for parent in direct:
            further |= above[parent]
        if len(direct) > 1:
            implied[name] = [parent for parent in direct if further >> place[parent] & 1]
        for parent in direct:
            further |= 1 << place[parent]
        place[name] = index
        above[name] = further
    return [(parent, name) for name in parents for parent in implied.get(name, ())]


def rings(parents: Parents, budget: int = BUDGET) -> list[list[str]]:
    """The shortest ring of each knot: [a, b, c] says that a needs b, b needs c, and c needs a.

    A knot is a set of ids of which each is above every other. Ids that need themselves come first, alone;
    then rings, each from its earliest id on, in order of those. Shortest for certain while the budget lasts.
    """
    loops = [[name] for name, above in parents.items() if name in above]
    settled = set(order(parents))
    tangled = {
        name: [parent for parent in _distinct(parents, name) if parent not in settled and parent != name]
        for name in parents
        if name not in settled
    }
    place = {name: index for index, name in enumerate(parents)}
    found = []
    walk = _Walk(tangled)
    for knot in walk.knots():
        heads = [name for name in knot if name in walk.heads]
        ring, budget = _shortest(tangled, set(knot), heads, budget)
        first = min(range(len(ring)), key=lambda index: place[ring[index]])
        found.append(ring[first:] + ring[:first])
    return loops + sorted(found, key=lambda ring: place[ring[0]])


class _Walk:
    """Tarjan's walk in depth, without recursion.

    `low` is the earliest number on the stack that an id leads back to, infinite once its knot is known.
    `heads` are the ids at which the walk met its own path again; every ring goes through one of them.
    """

    def __init__(self, graph: Parents) -> None:
        self.graph = graph
        self.number: dict[str, int] = {}
        self.low: dict[str, float] = {}
        self.stack: list[str] = []
        self.heads: set[str] = set()

    def knots(self) -> Iterator[list[str]]:
        """Strongly connected ids, two or more, in the order in which the walk met them."""
        for root in self.graph:
            if root not in self.number:
                for name in self._left(root):
                    if self.low[name] == self.number[name] and len(knot := self._close(name)) > 1:
                        yield knot

    def _left(self, root: str) -> Iterator[str]:
        """Every id below the root, when the walk leaves it for good."""
        number, low = self.number, self.low
        path = [(root, self._enter(root))]
        on_path = {root}
        while path:
            name, above = path[-1]
            for parent in above:
                if parent not in number:
                    path.append((parent, self._enter(parent)))
                    on_path.add(parent)
                    break
                if parent in on_path:
                    self.heads.add(parent)
                low[name] = min(low[name], low[parent])
            else:
                path.pop()
                on_path.discard(name)
                if path:
                    under = path[-1][0]
                    low[under] = min(low[under], low[name])
                yield name

    def _enter(self, name: str) -> Iterator[str]:
        self.number[name] = len(self.number)
        self.low[name] = self.number[name]
        self.stack.append(name)
        return iter(self.graph[name])

    def _close(self, name: str) -> list[str]:
        """Take the knot that was entered at `name` off the stack."""
        knot: list[str] = []
        while not knot or knot[-1] != name:
            knot.append(self.stack.pop())
            self.low[knot[-1]] = inf
        return knot[::-1]


def _shortest(graph: Parents, knot: set[str], heads: list[str], budget: int) -> tuple[list[str], int]:
    """The shortest ring of a knot, and the budget left. The first head is asked whatever it costs."""
    best: list[str] = []
    for head in heads:
        if best and (budget <= 0 or len(best) == 2):
            break
        ring, cost = _through(graph, knot, head, len(best) - 1 if best else len(knot))
        budget -= cost
        best = ring or best
    return best, budget


def _through(graph: Parents, knot: set[str], head: str, longest: int) -> tuple[list[str], int]:
    """The shortest ring through an id, of at most so many ids, or none; and how many edges were looked at."""
    came: dict[str, str] = {}
    edge = [head]
    cost = 0
    for _ in range(longest):
        further = []
        for name in edge:
            cost += len(graph[name])
            for parent in graph[name]:
                if parent == head:
                    return _way(came, head, name), cost
                if parent in knot and parent not in came:
                    came[parent] = name
                    further.append(parent)
        edge = further
    return [], cost


def _way(came: dict[str, str], head: str, last: str) -> list[str]:
    way = [last]
    while way[-1] != head:
        way.append(came[way[-1]])
    return way[::-1]


def _distinct(parents: Parents, name: str) -> list[str]:
    return [parent for parent in dict.fromkeys(parents[name]) if parent in parents]


def _reach(graph: Parents, of: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    waiting = list(of)
    while waiting:
        for near in graph[waiting.pop()]:
            if near not in seen and near in graph:
                seen.add(near)
                waiting.append(near)
    return seen

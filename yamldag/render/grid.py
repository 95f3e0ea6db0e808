"""The first half of our own layout: every task in a layer, long edges cut into links from layer to layer.

Tokens are numbers: tasks first, in the order of the plan, then what long edges and empty stretches of groups
put into the layers between. Groups are numbers too, -1 is the outside.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from yamldag.render.drawing import Drawing, alone
from yamldag.render.ranks import ranks

_MOST_BENDS = 12_000
"""Beyond so many tokens for long edges, the longest ones are drawn without."""


@dataclass(slots=True)
class Grid:
    tasks: int
    layer: list[int]
    owner: list[int]
    """By token: the innermost group."""
    parents: list[int]
    """By group: the group around it."""
    links: list[tuple[int, int]] = field(default_factory=list)
    """Between neighbouring layers, the upper token first."""
    chains: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    """By edge: the tokens in between. Edges from one task share them as far as they can."""

    def add(self, layer: int, owner: int) -> int:
        self.layer.append(layer)
        self.owner.append(owner)
        return len(self.layer) - 1

    def path(self, token: int) -> tuple[int, ...]:
        """The groups around a token, the outermost first."""
        return self.around(self.owner[token])

    def around(self, group: int) -> tuple[int, ...]:
        found = []
        while group >= 0:
            found.append(group)
            group = self.parents[group]
        return tuple(reversed(found))

    def layers(self) -> list[list[int]]:
        rows: list[list[int]] = [[] for _ in range(max(self.layer, default=-1) + 1)]
        for token, layer in enumerate(self.layer):
            rows[layer].append(token)
        return rows

    def spans(self) -> list[tuple[int, int]]:
        """By group: its first and last layer; (0, -1) if it is empty."""
        spans = [(0, -1)] * len(self.parents)
        for token, layer in enumerate(self.layer):
            for group in self.path(token):
                first, last = spans[group]
                spans[group] = (layer, layer) if last < first else (min(first, layer), max(last, layer))
        return spans


def grid(drawn: Drawing) -> Grid:
    """Layers, links and chains of what is drawn."""
    number = {node.id: at for at, node in enumerate(drawn.nodes)}
    groups = {frame.group.id: at for at, frame in enumerate(drawn.frames)}
    pairs = [(edge.parent, edge.child) for edge in drawn.edges]
    edges = [(number[a], number[b]) for a, b in (*pairs, *alone(drawn.plan)) if a != b]
    owner = [groups.get(node.task.group or "", -1) for node in drawn.nodes]
    made = Grid(
        tasks=len(number),
        layer=[],
        owner=owner,
        parents=[groups.get(frame.group.parent or "", -1) for frame in drawn.frames],
    )
    made.layer = ranks(edges, [made.path(token) for token in range(len(number))])
    _cut(made, edges)
    _fill(made)
    return made


def _cut(made: Grid, edges: list[tuple[int, int]]) -> None:
    """Long edges become chains. Those from one task in one group share tokens: a line that branches."""
    shared: dict[tuple[int, int, int], int] = {}
    spent = 0
    for parent, child in sorted(edges, key=lambda edge: made.layer[edge[1]] - made.layer[edge[0]]):
        first, last = made.layer[parent], made.layer[child]
        if last - first > 1 and spent + last - first > _MOST_BENDS:
            made.chains[parent, child] = []
            continue
        home = _common(made, parent, child)
        before, chain = parent, []
        for layer in range(first + 1, last):
            key = (parent, home, layer)
            if key not in shared:
                shared[key] = made.add(layer, home)
                made.links.append((before, shared[key]))
                spent += 1
            before = shared[key]
            chain.append(before)
        if last > first:
            made.links.append((before, child))
        made.chains[parent, child] = chain


def _common(made: Grid, a: int, b: int) -> int:
    """The innermost group around both."""
    found = -1
    for one, other in zip(made.path(a), made.path(b), strict=False):
        if one != other:
            break
        found = one
    return found


def _fill(made: Grid) -> None:
    """A group holds a place in each layer that it spans, so that no stranger stands inside its frame."""
    present = {(group, made.layer[token]) for token in range(len(made.layer)) for group in made.path(token)}
    spans = made.spans()
    for group in sorted(range(len(spans)), key=lambda each: -len(made.around(each))):
        first, last = spans[group]
        for layer in range(first, last + 1):
            if (group, layer) not in present:
                made.add(layer, group)
                present.update((outer, layer) for outer in made.around(group))

"""Positions across the way that edges go: near their neighbours, never too near those beside them.

Everything is a point on a line that keeps its distances: tokens, beginnings and ends of groups' frames.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from yamldag.render.crossings import Rows
from yamldag.render.grid import Grid

GAP = 20.0
"""Between boxes side by side: room for the chips on their borders."""
PAD, TITLE = 12.0, 26.0
"""Between a frame and what it holds; on the side where its name stands."""
_BEND = 10.0
"""Between a line and its neighbour."""
_FAR = 1e4
"""How far a frame may give way where nothing stands before it."""


@dataclass(slots=True)
class Borders:
    """Of the groups' frames: where each begins and ends."""

    start: list[float]
    end: list[float]


@dataclass(slots=True)
class Shape:
    """The sizes of things, turned so that `along` and `across` are enough."""

    made: Grid
    rows: Rows
    long: list[float]
    wide: list[float]
    head: float
    """What a frame keeps free before its first member, across."""
    entry: float
    """The same, along. One of the two sides bears the name, all others keep PAD."""


def across(shape: Shape) -> tuple[list[float], Borders]:
    """By token its centre; by group its borders."""
    rods = _Rods(shape)
    at = rods.apart([0.0] * rods.size)
    pull = _Pull(shape, rods)
    for _ in range(max(8, min(60, 400_000 // (rods.size + 1)))):
        at = rods.apart(pull.wish(at))
    for turn in range(16):
        pull.relax(at, back=turn % 2 == 1)
        at = pull.tight(at)
    for _ in range(2):
        pull.align(at)
        at = pull.tight(at)
    at = [float(round(each * 2) / 2) for each in at]
    return at[: rods.first], Borders(at[rods.first : rods.last], at[rods.last :])


class _Rods:
    """Points and their least distances: tokens first, then beginnings of frames, then ends."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        tokens, groups = len(shape.made.layer), len(shape.made.parents)
        self.size = tokens + 2 * groups
        self.first, self.last = tokens, tokens + groups
        arcs: dict[tuple[int, int], float] = {}
        for row in shape.rows:
            self._row(row, arcs)
        self.before: list[list[tuple[int, float]]] = [[] for _ in range(self.size)]
        self.after: list[list[tuple[int, float]]] = [[] for _ in range(self.size)]
        for (a, b), room in arcs.items():
            self.after[a].append((b, room))
            self.before[b].append((a, room))
        self.arcs = self._sorted()

    def _row(self, row: list[int], arcs: dict[tuple[int, int], float]) -> None:
        """What stands in one layer, with the borders of the frames that are left and entered in between."""
        points: list[int] = []
        path: tuple[int, ...] = ()
        for token in row:
            inner = self.shape.made.path(token)
            points += [*self._borders(path, inner), token]
            path = inner
        points += self._borders(path, ())
        for a, b in pairwise(points):
            arcs[a, b] = max(arcs.get((a, b), 0.0), self._room(a, b))

    def _borders(self, left: tuple[int, ...], entered: tuple[int, ...]) -> list[int]:
        shared = 0
        while left[shared : shared + 1] == entered[shared : shared + 1] != ():
            shared += 1
        ends = [self.last + group for group in reversed(left[shared:])]
        return ends + [self.first + group for group in entered[shared:]]

    def _room(self, a: int, b: int) -> float:
        """The least distance between two neighbours."""
        wide, first, last = self.shape.wide, self.first, self.last
        reach = (wide[a] / 2 if a < first else 0.0) + (wide[b] / 2 if b < first else 0.0)
        if first <= a < last:
            return reach + self.shape.head
        if b >= last:
            return reach + PAD
        if a < first and b < first:
            return reach + (GAP if wide[a] and wide[b] else _BEND)
        return reach + PAD

    def _sorted(self) -> list[tuple[int, int, float]]:
        """Arcs so that all into a point stand before all out of it."""
        waits = [len(before) for before in self.before]
        ready = [point for point, number in enumerate(waits) if not number]
        found = []
        self.order = ready
        for point in ready:
            for other, room in self.after[point]:
                found.append((point, other, room))
                waits[other] -= 1
                if not waits[other]:
                    ready.append(other)
        return found

    def apart(self, wish: list[float]) -> list[float]:
        """Places near `wish` that keep all distances: half-way between pushing on and pushing back."""
        on, back = wish[:], wish[:]
        for a, b, room in self.arcs:
            on[b] = max(on[b], on[a] + room)
        for a, b, room in reversed(self.arcs):
            back[a] = min(back[a], back[b] - room)
        return [(one + other) / 2 for one, other in zip(on, back, strict=True)]


class _Pull:
    """Where points would like to be: between neighbours, straight along a line, close around members."""

    def __init__(self, shape: Shape, rods: _Rods) -> None:
        made = shape.made
        self.rods, self.made, self.shape = rods, made, shape
        self.near: list[list[int]] = [[] for _ in range(len(made.layer))]
        for a, b in made.links:
            self.near[a].append(b)
            self.near[b].append(a)
        self.straight = self._straight()
        self.pairs = self._pairs()
        self.order = [token for row in shape.rows for token in row]
        self.marks = [point for point in rods.order if point >= rods.first]

    def _straight(self) -> list[list[int]]:
        """Runs of tokens on one line, with the tasks at both ends."""
        runs: dict[int, list[int]] = {}
        for (parent, child), chain in self.made.chains.items():
            if chain and (chain[0] not in runs or len(runs[chain[0]]) < len(chain) + 2):
                runs[chain[0]] = [parent, *chain, child]
        return list(runs.values())

    def wish(self, at: list[float]) -> list[float]:
        wish = at[:]
        for token, near in enumerate(self.near):
            if near:
                wish[token] = (sum(at[other] for other in near) / len(near) * 2 + at[token]) / 3
        for run in self.straight:
            mean = sum(at[token] for token in run) / len(run)
            for token in run[1:-1]:
                wish[token] = (mean * 3 + at[token]) / 4
        return self.tight(wish)

    def relax(self, at: list[float], back: bool) -> None:
        """Each token between its neighbours, one after the other, as far as those beside it let it.

        Frames give way on one side at a time, so that two of them never want the same room.
        """
        self._loosen(at, ends=back)
        for token in reversed(self.order) if back else self.order:
            near = self.near[token]
            if near:
                self._move(at, token, sum(at[other] for other in near) / len(near))

    def align(self, at: list[float]) -> None:
        """One behind the other on one line, wherever those beside them leave room for it."""
        for ends in (True, False):
            self._loosen(at, ends)
            for a, b in self.pairs:
                self._move(at, b, at[a])
            for a, b in reversed(self.pairs):
                self._move(at, a, at[b])

    def _loosen(self, at: list[float], ends: bool) -> None:
        """The frames' beginnings, or their ends, as far out as what stands before them allows."""
        rods = self.rods
        for mark in reversed(self.marks) if ends else self.marks:
            if ends and mark >= rods.last:
                at[mark] = min((at[b] - room for b, room in rods.after[mark]), default=at[mark] + _FAR)
            elif not ends and mark < rods.last:
                at[mark] = max((at[a] + room for a, room in rods.before[mark]), default=at[mark] - _FAR)

    def _move(self, at: list[float], token: int, wish: float) -> None:
        least = max((at[a] + room for a, room in self.rods.before[token]), default=wish)
        most = min((at[b] - room for b, room in self.rods.after[token]), default=wish)
        if least <= most:
            at[token] = max(least, min(most, wish))

    def _pairs(self) -> list[tuple[int, int]]:
        """Links between tokens that have no other on that side, from the first layer to the last."""
        into, out = Counter(b for _, b in self.made.links), Counter(a for a, _ in self.made.links)
        alone = [(a, b) for a, b in self.made.links if out[a] == 1 and into[b] == 1]
        return sorted(alone, key=lambda link: self.made.layer[link[0]])

    def tight(self, wish: list[float]) -> list[float]:
        """With the frames close around what they hold."""
        rods, close = self.rods, wish[:]
        close[rods.first : rods.last] = [float("inf")] * (rods.last - rods.first)
        close[rods.last :] = [float("-inf")] * (rods.size - rods.last)
        for a, b, room in reversed(rods.arcs):
            if rods.first <= a < rods.last:
                close[a] = min(close[a], close[b] - room)
        for a, b, room in rods.arcs:
            if b >= rods.last:
                close[b] = max(close[b], close[a] + room)
        return close

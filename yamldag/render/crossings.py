"""The order inside the layers: few crossings, groups together, and side by side in one order everywhere."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import pairwise

from yamldag.render.grid import Grid

Rows = list[list[int]]


class _Sorter:
    """What every sweep needs: neighbours before and after each token, and its groups."""

    def __init__(self, made: Grid) -> None:
        size = len(made.layer)
        self.before: list[list[int]] = [[] for _ in range(size)]
        self.after: list[list[int]] = [[] for _ in range(size)]
        for a, b in made.links:
            self.after[a].append(b)
            self.before[b].append(a)
        self.paths = [made.path(token) for token in range(size)]
        self.chains = [chain for chain in made.chains.values() if len(chain) > 1]
        self.place = [0.0] * size
        """By token: where it stands in its layer, from 0 to 1."""
        self.rank = [0.0] * len(made.parents)
        """By group: where it stands on the average; groups side by side are sorted by it."""

    def settle(self, row: list[int]) -> list[int]:
        for at, token in enumerate(row):
            self.place[token] = (at + 0.5) / len(row)
        return row

    def arrange(self, row: list[int], key: Callable[[int], float]) -> list[int]:
        """The row by `key`, with groups together."""
        return self.settle(self._level([(key(token), token) for token in row], 0))

    def _level(self, keyed: list[tuple[float, int]], depth: int) -> list[int]:
        items: dict[tuple[bool, int], list[tuple[float, int]]] = {}
        for key, token in keyed:
            path = self.paths[token]
            grouped = len(path) > depth
            items.setdefault((grouped, path[depth] if grouped else token), []).append((key, token))
        order = sorted(items, key=lambda item: sum(key for key, _ in items[item]) / len(items[item]))
        slots = [at for at, (grouped, _) in enumerate(order) if grouped]
        ranked = sorted((order[at] for at in slots), key=lambda item: (self.rank[item[1]], item[1]))
        for at, item in zip(slots, ranked, strict=True):
            order[at] = item
        found: list[int] = []
        for item in order:
            found.extend(self._level(items[item], depth + 1) if item[0] else [item[1]])
        return found

    def centre(self, neighbours: list[list[int]]) -> Callable[[int], float]:
        place = self.place

        def key(token: int) -> float:
            near = neighbours[token]
            return sum(place[other] for other in near) / len(near) if near else place[token]

        return key

    def straight(self) -> Callable[[int], float]:
        """Where things are, but a long edge at one height for all of its way."""
        level = self.place[:]
        for chain in self.chains:
            mean = sum(self.place[token] for token in chain) / len(chain)
            for token in chain:
                level[token] = mean
        return level.__getitem__

    def rate(self, rows: Rows) -> None:
        total = [0.0] * len(self.rank)
        count = [0] * len(self.rank)
        for row in rows:
            for token in row:
                for group in self.paths[token]:
                    total[group] += self.place[token]
                    count[group] += 1
        self.rank = [total[at] / count[at] if count[at] else 0.0 for at in range(len(total))]

    def faults(self, rows: Rows) -> int:
        """Lines that cross, and lines that run through the frame of a group that is not theirs."""
        return sum(self._crossed(row) + 2 * self._cut(row, after) for row, after in pairwise(rows))

    def _crossed(self, row: list[int]) -> int:
        met: list[float] = []
        crossed = 0
        for token in row:
            ends = sorted(self.place[other] for other in self.after[token])
            crossed += sum(len(met) - bisect_right(met, end) for end in ends)
            for end in ends:
                met.insert(bisect_right(met, end), end)
        return crossed

    def _cut(self, row: list[int], after: list[int]) -> int:
        """Lines that pass from one side of a group to the other between two layers."""
        here, there = self._reach(row), self._reach(after)
        both = [(*here[group], *there[group]) for group in here.keys() & there.keys()]
        if not both:
            return 0
        place = self.place
        links = [(place[a], place[b]) for a in row for b in self.after[a]]
        return sum(
            (x < low and y > under) or (x > high and y < over)
            for low, high, over, under in both
            for x, y in links
        )

    def _reach(self, row: list[int]) -> dict[int, tuple[float, float]]:
        found: dict[int, tuple[float, float]] = {}
        for token in row:
            at = self.place[token]
            for group in self.paths[token]:
                low, high = found.get(group, (at, at))
                found[group] = (min(low, at), max(high, at))
        return found


def order(made: Grid) -> Rows:
    """The tokens of each layer, from one side to the other."""
    sorter = _Sorter(made)
    rows = [sorter.settle(row) for row in made.layers()]
    best, fewest = _tidied(sorter, rows, sorter.place.__getitem__)
    for _ in range(max(3, min(24, 60_000 // (len(made.layer) + 1)))):
        if not fewest:
            break
        _sweep(sorter, rows)
        for key in (sorter.place[:].__getitem__, sorter.straight()):
            tidied, faults = _tidied(sorter, rows, key)
            if faults < fewest:
                best, fewest = tidied, faults
        rows = tidied
    return best


def _sweep(sorter: _Sorter, rows: Rows) -> None:
    """Once forward and once back: every token between its neighbours in the layer just done."""
    for at in range(1, len(rows)):
        rows[at] = sorter.arrange(rows[at], sorter.centre(sorter.before))
    for at in range(len(rows) - 2, -1, -1):
        rows[at] = sorter.arrange(rows[at], sorter.centre(sorter.after))


def _tidied(sorter: _Sorter, rows: Rows, key: Callable[[int], float]) -> tuple[Rows, int]:
    """The rows by `key` with groups side by side in one order everywhere, and how many faults that leaves."""
    sorter.rate(rows)
    tidied = [sorter.arrange(row, key) for row in rows]
    return tidied, sorter.faults(tidied)

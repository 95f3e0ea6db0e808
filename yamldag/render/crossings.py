"""The order inside the layers: few crossings, groups kept together, groups side by side in one order everywhere."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

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
        ranked = sorted((order[at] for at in slots), key=lambda item: self.rank[item[1]])
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

    def rate(self, rows: Rows) -> None:
        total = [0.0] * len(self.rank)
        count = [0] * len(self.rank)
        for row in rows:
            for token in row:
                for group in self.paths[token]:
                    total[group] += self.place[token]
                    count[group] += 1
        self.rank = [total[at] / count[at] if count[at] else 0.0 for at in range(len(total))]

    def crossings(self, rows: Rows) -> int:
        return sum(self._between(row) for row in rows[:-1])

    def _between(self, row: list[int]) -> int:
        met: list[float] = []
        crossed = 0
        for token in row:
            ends = sorted(self.place[other] for other in self.after[token])
            crossed += sum(len(met) - bisect_right(met, end) for end in ends)
            for end in ends:
                met.insert(bisect_right(met, end), end)
        return crossed


def order(made: Grid) -> Rows:
    """The tokens of each layer, from one side to the other."""
    sorter = _Sorter(made)
    rows = [sorter.settle(row) for row in made.layers()]
    if not rows:
        return []
    sorter.rate(rows)
    best, fewest = _tidy(sorter, rows)
    for _ in range(max(3, min(24, 60_000 // (len(made.layer) + 1)))):
        if not fewest:
            break
        for row in rows:
            sorter.settle(row)
        _sweep(sorter, rows)
        tidied, crossed = _tidy(sorter, rows)
        if crossed < fewest:
            best, fewest = tidied, crossed
    return best


def _sweep(sorter: _Sorter, rows: Rows) -> None:
    """Once forward and once back: every token between its neighbours in the layer just done."""
    for at in range(1, len(rows)):
        rows[at] = sorter.arrange(rows[at], sorter.centre(sorter.before))
    for at in range(len(rows) - 2, -1, -1):
        rows[at] = sorter.arrange(rows[at], sorter.centre(sorter.after))


def _tidy(sorter: _Sorter, rows: Rows) -> tuple[Rows, int]:
    """The rows with groups in one order everywhere, neighbours swapped where that helps, and their crossings."""
    sorter.rate(rows)
    place = sorter.place
    tidied = [sorter.arrange(row, place.__getitem__) for row in rows]
    return tidied, sorter.crossings(tidied)

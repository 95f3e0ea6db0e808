"""What a misspelt name was likely to be."""

from __future__ import annotations

from collections.abc import Iterable

_MOST_COMPARED = 500_000
"""So many names are looked at for the unknown words of one scope: among 10,000 names, for fifty words."""


class Known:
    """The names of one scope. Each unknown word is sought once, and of a large scope only the first ones are
    sought at all, so that a file full of unknown names stays fast."""

    __slots__ = ("_answers", "_lower", "names")

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted(names)
        self._lower = {name.lower(): name for name in reversed(self.names)}
        self._answers: dict[str, str | None] = {}

    def nearest(self, word: str) -> str | None:
        """The known name that `word` is likely to mean, or None."""
        if word not in self._answers:
            if len(self._answers) * len(self.names) >= _MOST_COMPARED:
                return None
            self._answers[word] = self._search(word.lower())
        return self._answers[word]

    def _search(self, word: str) -> str | None:
        if word in self._lower:
            return self._lower[word]
        best: tuple[int, str] | None = None
        limit = len(word) // 2
        for lower, name in self._lower.items():
            bound = min(limit, max(len(word), len(lower)) // 3)
            if abs(len(word) - len(lower)) > bound:
                continue
            found = distance(word, lower, bound)
            if found <= bound and (best is None or (found, name) < best):
                best, limit = (found, name), found
        return best[1] if best else None


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that `word` is likely to mean, or None. A third of the letters may differ; upper and
    lower case never do. For many words against one large scope keep a `Known`."""
    return Known(known).nearest(word)


def distance(one: str, two: str, limit: int) -> int:
    """How many letters to add, drop, replace or swap with their neighbour lead from one word to the other;
    any number beyond `limit` if there are more."""
    one, two = _without_common_ends(one, two)
    if not one or not two:
        return len(one) + len(two)
    before: list[int] = []
    above = list(range(len(two) + 1))
    for i, letter in enumerate(one, 1):
        row = _next_row(i, letter, two, above)
        if before:
            _swap_neighbours(row, before, one[i - 2 : i], two)
        if min(row) > limit:
            return limit + 1
        before, above = above, row
    return above[-1]


def _next_row(i: int, letter: str, two: str, above: list[int]) -> list[int]:
    left = i
    row = [i]
    for j, other in enumerate(two):
        left = above[j] if letter == other else 1 + min(left, above[j], above[j + 1])
        row.append(left)
    return row


def _swap_neighbours(row: list[int], before: list[int], pair: str, two: str) -> None:
    """Where the last two letters stand swapped in `two`; what lies to the right gains from it too."""
    swapped = pair[::-1]
    for j in range(2, len(row)):
        if two[j - 2 : j] == swapped:
            row[j] = min(row[j], before[j - 2] + 1)
        row[j] = min(row[j], row[j - 1] + 1)


def _without_common_ends(one: str, two: str) -> tuple[str, str]:
    first, shorter = 0, min(len(one), len(two))
    while first < shorter and one[first] == two[first]:
        first += 1
    last = 0
    while last < shorter - first and one[-1 - last] == two[-1 - last]:
        last += 1
    return one[first : len(one) - last], two[first : len(two) - last]

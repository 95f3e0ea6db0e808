"""What was made of rows that do not change any more: kept for the next page that shows them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """By key, up to a weight in all; what was used longest ago goes first. Of many threads."""

    def __init__(self, most: int, weight: Callable[[T], int]) -> None:
        self._most, self._weight = most, weight
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._weighs = 0
        self._lock = Lock()

    def find(self, keys: Iterable[Hashable]) -> dict[Hashable, T]:
        """Those that are there."""
        with self._lock:
            found = {key: self._values[key] for key in keys if key in self._values}
            for key in found:
                self._values.move_to_end(key)
        return found

    def keep(self, key: Hashable, value: T) -> None:
        with self._lock:
            if (old := self._values.pop(key, None)) is not None:
                self._weighs -= self._weight(old)
            self._values[key] = value
            self._weighs += self._weight(value)
            while self._weighs > self._most and len(self._values) > 1:
                _, gone = self._values.popitem(last=False)
                self._weighs -= self._weight(gone)


class Column(NamedTuple):
    """What the tasks of a run are."""

    tasks: tuple[str, ...]
    letters: str
    """Of each task the letter of its state; of what is mapped that of the instance that needs a person first."""
    counts: Mapping[str, tuple[int, int]]
    """Of what is mapped how many instances are a success, and how many there are."""


MOST = 16_000_000
"""Bytes, about, of all columns that are kept: of 18,000 runs of a hundred tasks."""


def columns() -> Kept[Column]:
    """Those of runs that are over."""
    return Kept(MOST, lambda column: 200 + 9 * len(column.letters))

"""The runs that have something ready and room for it. Which goes first is found without a look at all of them."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import TypeAlias

from yamldag.engine.memory.run import Ready, Run

Place: TypeAlias = tuple[int, float, str, str]
"""Of a run in the line: priority and time of the first that is ready in it, its logical date and its id."""


class Line:
    """Runs with claims on pools are asked each time, since what others give back moves them; the rest stand in a heap,
    at or before their true places: whose first has gone moves back when its turn comes."""

    __slots__ = ("_asking", "_heap", "_open", "_places")

    def __init__(self) -> None:
        self._open: set[Run] = set()
        self._asking: set[Run] = set()
        self._heap: list[tuple[Place, Run]] = []
        self._places: dict[Run, Place] = {}
        """By run, the entry of it that counts: the others are passed over."""

    def __bool__(self) -> bool:
        return bool(self._open)

    def add(self, run: Run) -> None:
        """It has room, and something ready that may be new."""
        self._open.add(run)
        if run.queues:
            self._asking.add(run)
        elif run.ready:
            place = _place(run, run.ready)
            known = self._places.get(run)
            if known is None or place < known:
                self._places[run] = place
                heapq.heappush(self._heap, (place, run))

    def claims(self, run: Run) -> None:
        """Something of it waits for slots from now on."""
        if run in self._open:
            self._asking.add(run)

    def update(self, runs: Iterable[Run]) -> None:
        for run in runs:
            self.add(run)

    def discard(self, run: Run) -> None:
        """It has no room, or is over."""
        self._open.discard(run)
        self._asking.discard(run)

    def first(self, ask: Callable[[Run], list[Ready] | None]) -> list[Ready] | None:
        """The heap whose first goes first of all; `ask` gives that of a run with claims, if any of it may start."""
        best, of = None, self._ask_all(ask)
        if of is not None:
            best = (_place(*of), of[1])
        run = self._front()
        if run is not None and (best is None or self._places[run] < best[0]):
            return run.ready
        return best[1] if best else None

    def _ask_all(self, ask: Callable[[Run], list[Ready] | None]) -> tuple[Run, list[Ready]] | None:
        found = []
        for run in tuple(self._asking):
            heap = ask(run)
            if not run.queues:  # nobody of it wants slots any more
                self.discard(run)
                if run.ready:
                    self.add(run)
            elif heap:
                found.append((run, heap))
            else:
                self.discard(run)
        return min(found, key=lambda pair: _place(*pair), default=None)

    def _front(self) -> Run | None:
        """The first of the heap that is where it belongs."""
        heap, places = self._heap, self._places
        while heap:
            place, run = heap[0]
            if places.get(run) == place:
                if run in self._open and run.ready and not run.queues:
                    now = _place(run, run.ready)
                    if now == place:
                        return run
                    places[run] = now
                    heapq.heapreplace(heap, (now, run))
                    continue
                del places[run]
                if not run.ready and not run.queues:
                    self._open.discard(run)
            heapq.heappop(heap)
        return None


def _place(run: Run, heap: list[Ready]) -> Place:
    return *heap[0][:2], run.logical_date, run.id

"""The time, as the engine is given it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

SLACK = 0.1
"""Seconds that the machine's clock and the time that goes by may differ before it counts as set."""


class Clock(Protocol):
    def now(self) -> float:
        """Unix seconds. From one call of `moved` to the next they go by as time does."""

    def moved(self) -> float:
        """Seconds by which the machine's clock was set since the last call: `now` shows it from here on."""


def _elapsed() -> float:
    """Seconds that nobody sets; a machine that is suspended goes on counting."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class MachineClock:
    """The machine's clock, which may be set at any moment, for somebody who waits by it.

    Between two calls of `moved` it is steady, so what is waited for never comes early because the clock was set:
    who waits hears first by how much, and puts the waits off by that.
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, elapsed: Callable[[], float] = _elapsed
    ) -> None:
        self._wall, self._elapsed = wall, elapsed
        self._ahead = wall() - elapsed()

    def now(self) -> float:
        return self._ahead + self._elapsed()

    def moved(self) -> float:
        before = self._elapsed()
        wall = self._wall()
        after = self._elapsed()  # this process may have been held up meanwhile
        by = wall - after - self._ahead
        if abs(by) <= SLACK + after - before:
            return 0.0
        self._ahead += by
        return by

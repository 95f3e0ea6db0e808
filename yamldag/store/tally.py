"""How long something took, each time: how often within which bound, and in all. `/metrics` shows it as a histogram."""

from __future__ import annotations

from bisect import bisect_left

from msgspec import Struct, field

QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: bounds of what a scheduler does itself."""
PATIENT = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""Of what waits for room."""


class Tally(Struct):
    """Written by one thread, and read by others while it goes on."""

    bounds: tuple[float, ...] = QUICK
    """Seconds, the shortest first."""
    counts: list[int] = field(default_factory=list)
    """How often it took no longer than each bound, and longer than the one before; the last: longer than all."""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.seconds += seconds

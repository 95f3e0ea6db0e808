"""The time, as the engine is given it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Unix seconds."""


class SteadyClock:
    """Unix seconds that a change of the machine's clock does not move: waits last as long as they should."""

    def __init__(self) -> None:
        self._origin = time.time() - time.monotonic()

    def now(self) -> float:
        return self._origin + time.monotonic()


class WallClock:
    """Unix seconds as the machine says: ticks follow it when it is set, or has been asleep."""

    def now(self) -> float:
        return time.time()

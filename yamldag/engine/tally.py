"""How often something was, and how long it took in all."""

from __future__ import annotations

from msgspec import Struct


class Tally(Struct):
    number: int = 0
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        self.number += 1
        self.seconds += seconds

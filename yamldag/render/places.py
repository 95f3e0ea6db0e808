"""Where things are: what a layout answers, whether dot's or our own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]
Curve: TypeAlias = tuple[Point, ...]
"""A start and then triples of cubic Bézier points; the last point is the tip of the arrow."""


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    """Of the left upper corner; y grows downwards."""
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Layout:
    """Places in pixels, all of them between (0, 0) and (width, height)."""

    width: float
    height: float
    boxes: dict[str, Box]
    frames: dict[str, Box]
    curves: dict[tuple[str, str], Curve]

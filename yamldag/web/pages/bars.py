"""Runs as bars, the newest on the right: one path for each state, whatever their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from markupsafe import Markup, escape

from yamldag.web import looks


class Timed(Protocol):
    """What a bar says of a run."""

    @property
    def state(self) -> str: ...
    @property
    def seconds(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Bars:
    width: int
    height: int
    fills: Mapping[str, str]
    """Of each state the `d` of its bars."""
    crosses: str
    """The `d` of the crosses on the failed ones: they are told by more than their colour."""
    told: str
    """What it shows, in words."""

    def svg(self, about: str, wide: bool = False) -> Markup:
        """The drawing, which says what it is `about`; a `wide` one is as wide as there is room."""
        size = 'width="100%" preserveAspectRatio="none"' if wide else f'width="{self.width}"'
        parts = [f'<path class="s-{escape(state)}" d="{d}"/>' for state, d in self.fills.items()]
        parts += [f'<path class="x" d="{self.crosses}"/>'] if self.crosses else []
        head = f'<svg class="bars" {size} height="{self.height}" viewBox="0 0 {self.width} {self.height}" role="img" '
        return Markup(f'{head}aria-label="{escape(about)}: {escape(self.told)}">{"".join(parts)}</svg>')  # noqa: S704


def bars(runs: Sequence[Timed], places: int, step: int = 6, height: int = 20) -> Bars:
    """So high as they took long, against the longest of them. There is room for `places`."""
    longest = _longest([run.seconds for run in runs])
    left = (places - len(runs)) * step
    fills: dict[str, list[str]] = {}
    crosses = []
    wide = step - 2 if step < 10 else step - 3
    for at, run in enumerate(runs):
        x = left + at * step
        high = max(4, round((height - 1) * min(1.0, run.seconds / longest))) if run.state != "queued" else 2
        fills.setdefault(run.state, []).append(f"M{x} {height - high}h{wide}v{high}h-{wide}z")
        if run.state == "failed":
            half = min(5, wide) / 2
            middle, low = x + wide / 2, height - half - 1
            crosses.append(_cross(middle, low, half))
    return Bars(
        places * step, height, {state: "".join(parts) for state, parts in fills.items()}, "".join(crosses),
        told(run.state for run in runs),
    )  # fmt: skip


def _longest(seconds: Sequence[float]) -> float:
    """The full height: what took longest, but no more than three times what is usual, or the others would vanish."""
    usual = median(seconds) if seconds else 0.0
    return min(max(seconds, default=0.0), 3 * usual) or max(seconds, default=0.0) or 1.0


def _cross(x: float, y: float, half: float) -> str:
    size = 2 * half
    return f"M{x - half:g} {y - half:g}l{size:g} {size:g}m0 -{size:g}l-{size:g} {size:g}"


def told(states: Iterable[str]) -> str:
    """How many of which: `28 success, 2 failed`."""
    return ", ".join(f"{number} {looks.word(state)}" for state, number in Counter(states).most_common())


def stack(columns: Sequence[Mapping[str, int]], step: int = 13, height: int = 48) -> Bars:
    """Counts of runs one upon another, the failed ones below."""
    most = max((sum(column.values()) for column in columns), default=0) or 1
    fills: dict[str, list[str]] = {}
    total: Counter[str] = Counter()
    for at, column in enumerate(columns):
        total.update(column)
        floor = float(height)
        for state in sorted(column, key=lambda each: (each != "failed", each)):
            high = max(1.5, (height - 2) * column[state] / most)
            floor -= high
            fills.setdefault(state, []).append(f"M{at * step} {floor:.1f}h{step - 3}v{high:.1f}h-{step - 3}z")
    words = ", ".join(f"{number} {looks.word(state)}" for state, number in total.most_common())
    drawn = {state: "".join(parts) for state, parts in fills.items()}
    return Bars(len(columns) * step - 3, height, drawn, "", words)

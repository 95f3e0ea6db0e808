"""The cells of the grid: one path for all boxes of one state in a row, and one for what is drawn in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby

from markupsafe import Markup

from yamldag.web import looks
from yamldag.web.pages import bars

HIGH = 22
"""Pixels of a row."""
_UNBOXED = ("skipped",)
_DASHED = ("none", "removed")
_MARKS = {
    "failed": "m-2.7-2.7l5.4 5.4m0-5.4l-5.4 5.4",
    "upstream_failed": "m0 3.2v-6.2m-2.4 2.4l2.4-2.4 2.4 2.4",
    "up_for_retry": "m2.8 0a2.8 2.8 0 1 1-1-2.1m.2-1.4v1.8h-1.8",
    "up_for_reschedule": "m2.8 0a2.8 2.8 0 1 1-1-2.1m-1.8.7v1.6h1.3",
    "running": "m-1.6-2.8v5.6l4.6-2.8z",
    "deferred": "m2.8 1.1a3.1 3.1 0 1 1-3.6-3.9a2.7 2.7 0 0 0 3.6 3.9z",
    "queued": "m-3-2.4h6m-6 2.4h6m-6 2.4h3",
    "scheduled": "m0-2.6v2.6h2",
    "skipped": "m-3.4-2.6l2.6 2.6-2.6 2.6m3.4-5.2l2.6 2.6-2.6 2.6",
    "removed": "m-2.4 0h4.8",
}
"""From the middle of the box on; a success is an empty box, one that waits a dashed one."""
LETTERS = {
    "success": "s", "failed": "f", "upstream_failed": "u", "up_for_retry": "y", "up_for_reschedule": "e",
    "running": "r", "deferred": "d", "queued": "q", "scheduled": "c", "none": "n", "skipped": "k",
    "removed": "x",
}  # fmt: skip
"""Of each state the letter by which a row tells the script of it."""
NOTHING = "."
"""No instance."""
STATES = {letter: state for state, letter in LETTERS.items()}
WORST = (
    "failed", "upstream_failed", "up_for_retry", "running", "queued", "deferred", "up_for_reschedule",
    "scheduled", "none", "success", "skipped", "removed",
)  # fmt: skip
"""What a cell for several instances is: the first of these that one of them is."""
_RANK = {state: rank for rank, state in enumerate(WORST)}
_LETTER_RANK = {LETTERS[state]: rank for state, rank in _RANK.items()}


def worst_letter(letters: Iterable[str]) -> str:
    """Of letters that are no dots."""
    return min(letters, key=lambda letter: _LETTER_RANK.get(letter, len(WORST)))


def worst(states: Sequence[str]) -> str:
    if len(states) == 1:
        return states[0]
    return min(states, key=lambda state: _RANK.get(state, len(WORST)))


def step_of(number: int) -> int:
    """Pixels from one run to the next: few of them are drawn larger."""
    return 18 if number <= 40 else 14


@lru_cache(maxsize=4096)
def drawn(letters: str) -> Markup:
    """A row, with one letter for each run: most rows are like others. All cells of one state are in one group, boxes
    beside each other are one line, which the style sheet cuts into dashes that are boxes: a row of a hundred successes
    is as short as one of two."""
    step = step_of(len(letters))
    size = step - 4 if step < 16 else 13
    middle, top = HIGH / 2, (HIGH - size) / 2
    box = f"h{size - 1}v{size - 1}h-{size - 1}z"
    parts: dict[str, tuple[list[str], list[str], list[str], list[str]]] = {}
    at = 0
    for letter, those in groupby(letters):
        number = len(list(those))
        if letter != NOTHING:
            state = STATES.get(letter, "")
            lines, insides, boxes, marks = parts.setdefault(state, ([], [], [], []))
            x = at * step + 1
            if state in _DASHED:
                boxes += (f"M{x + each * step + 0.5:g} {top + 0.5:g}{box}" for each in range(number))
            elif state not in _UNBOXED:
                long = number * step - (step - size)
                lines.append(f"M{x} {middle:g}h{long}")
                insides.append(f"M{x + 1} {middle:g}h{long - 2}")
            if state in _MARKS:
                mark, centre = _MARKS[state], x + size / 2
                marks += (f"M{centre + each * step:g} {middle:g}{mark}" for each in range(number))
        at += number
    return Markup("".join(_group(state, *map("".join, those)) for state, those in parts.items()))  # noqa: S704  (ours)


def _group(state: str, lines: str, insides: str, boxes: str, marks: str) -> str:
    paths = [("f", lines), ("i", insides), ("d", boxes), ("m", marks)]
    inside = "".join(f'<path class="{kind}" d="{d}"/>' for kind, d in paths if d)
    return f'<g class="s-{state}">{inside}</g>'


@lru_cache(maxsize=4096)
def told(letters: str) -> str:
    """How many of which: `28 success, 2 failed`."""
    return bars.told(looks.task_word(STATES.get(each, each)) for each in letters if each != NOTHING)

"""States and grounds as colours, glyphs and words: the one place that knows how a state looks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shade:
    """One state in one theme: `ink` of words, `line` of borders and solid fills, `wash` behind text."""

    ink: str
    line: str
    wash: str


@dataclass(frozen=True, slots=True)
class Look:
    word: str
    glyph: str
    """One character for DOT and Mermaid; pictures of our own draw `symbol`."""
    light: Shade
    dark: Shade
    symbol: str
    """SVG content of a 16 × 16 symbol, in `currentColor`."""


def _stroke(path: str, extra: str = "") -> str:
    return f'<path class="pen" d="{path}"/>{extra}'


def _ring(path: str) -> str:
    return f'<circle class="pen" cx="8" cy="8" r="6.2"/><path class="pen" d="{path}"/>'


_DISC = "M8 .8a7.2 7.2 0 1 1 0 14.4A7.2 7.2 0 0 1 8 .8z"
_CROSS = "M5.5 4.2 4.2 5.5 6.7 8l-2.5 2.5 1.3 1.3L8 9.3l2.5 2.5 1.3-1.3L9.3 8l2.5-2.5-1.3-1.3L8 6.7z"
_MOON = "M13.8 10.3A6.4 6.4 0 0 1 5.7 2.2a6.4 6.4 0 1 0 8.1 8.1z"

LOOKS: dict[str, Look] = {
    "failed": Look(
        "failed",
        "✖",
        Shade("#ad1f0c", "#c42a12", "#fdeae7"),
        Shade("#ff9483", "#f2573d", "#38140d"),
        f'<path class="solid" d="{_DISC}{_CROSS}"/>',
    ),
    "upstream_failed": Look(
        "upstream failed",
        "↥",
        Shade("#93401c", "#b5603a", "#fbf0ea"),
        Shade("#f0a583", "#c9744f", "#2b1a12"),
        _ring("M8 11.4V5M5.3 7.5 8 4.7l2.7 2.8"),
    ),
    "up_for_retry": Look(
        "retrying",
        "↻",
        Shade("#7d4b00", "#c07a00", "#fcf1dc"),
        Shade("#f2b950", "#d9982c", "#2f230c"),
        _stroke("M13.6 8A5.6 5.6 0 1 1 11.9 4M13.6 1.6V5h-3.4"),
    ),
    "up_for_reschedule": Look(
        "rescheduled",
        "⟳",
        Shade("#625800", "#938500", "#f6f3d9"),
        Shade("#d8cb62", "#b3a63c", "#28250d"),
        _stroke("M13.8 8A5.8 5.8 0 1 1 12 3.8M13.8 1.2v3.4h-3.2M8 5v3.2l2.2 1.2"),
    ),
    "running": Look(
        "running",
        "▶",
        Shade("#0a58a8", "#1a73cf", "#e3effb"),
        Shade("#7bbaff", "#3f8fe8", "#10243a"),
        f'<path class="solid" d="{_DISC}M6.2 4.5v7L12 8z"/>',
    ),
    "deferred": Look(
        "deferred",
        "☾",
        Shade("#86297b", "#b055a0", "#f9eaf6"),
        Shade("#eda6df", "#c873b6", "#301a2b"),
        f'<path class="solid" d="{_MOON}"/>',
    ),
    "queued": Look(
        "queued",
        "≡",
        Shade("#3f5068", "#66788f", "#e9eef5"),
        Shade("#aebfd4", "#8296ae", "#1a222c"),
        _stroke("M2.5 4.3h11M2.5 8h11M2.5 11.7h6"),
    ),
    "scheduled": Look(
        "scheduled",
        "◷",
        Shade("#4f5b69", "#7f8b99", "#eef1f4"),
        Shade("#a3b0bd", "#74818e", "#1b2025"),
        _ring("M8 4.6V8l2.4 1.5"),
    ),
    "none": Look(
        "waiting",
        "◌",
        Shade("#5a636c", "#808993", "#f3f5f6"),
        Shade("#98a2ac", "#6d7782", "#191c1f"),
        '<circle class="pen" cx="8" cy="8" r="5" stroke-dasharray="2.2 3"/>',
    ),
    "success": Look(
        "success",
        "✓",
        Shade("#0a654e", "#3a967c", "#e4f3ee"),
        Shade("#66cfae", "#2f9a7e", "#11271f"),
        _stroke("M3 8.6l3.3 3.2L13 4.6"),
    ),
    "skipped": Look(
        "skipped",
        "»",
        Shade("#59626b", "#808991", "#f1f3f4"),
        Shade("#9ba5ae", "#6f7a84", "#1b1e21"),
        _stroke("M3 3.8 7.2 8 3 12.2M8.6 3.8 12.8 8l-4.2 4.2"),
    ),
    "removed": Look(
        "removed",
        "⊖",
        Shade("#626a72", "#838b93", "#f4f5f6"),
        Shade("#929ba4", "#69727b", "#17191c"),
        _ring("M5 8h6"),
    ),
}
"""Every task state, the one that needs a person first."""

GROUNDS: dict[str, tuple[str, str]] = {
    "canvas": ("#f6f7f8", "#0e1012"),
    "panel": ("#ffffff", "#15181b"),
    "frame": ("#f6f8f9", "#101315"),
    "line": ("#e2e6ea", "#262b30"),
    "edge": ("#c5ccd3", "#3a4148"),
    "ctl": ("#868f99", "#6d7782"),
    "text": ("#14181c", "#e8ebee"),
    "soft": ("#4d565f", "#a7b0b9"),
    "focus": ("#1d4ed8", "#8db4ff"),
    "mark": ("#fff0b3", "#4d3f0a"),
    "on": ("#ffffff", "#1a0602"),
}
"""Grounds, lines and inks, light and dark; `on` is text on a solid fill."""


def look(state: str) -> Look:
    """How a state looks; one that nobody knows looks as if it were waiting."""
    return LOOKS.get(state, LOOKS["none"])


def light(ground: str) -> str:
    return GROUNDS[ground][0]


def properties(dark: bool) -> str:
    """The grounds of a theme as CSS custom properties."""
    return ";".join(f"--{name}:{pair[dark]}" for name, pair in GROUNDS.items())


def state_properties(dark: bool, scope: str = "") -> str:
    """One CSS rule per state, `.state-failed` and so on: `--c` ink, `--f` line, `--w` wash."""
    rules = []
    for name, seen in LOOKS.items():
        shade = seen.dark if dark else seen.light
        rules.append(f"{scope}.state-{name}{{--c:{shade.ink};--f:{shade.line};--w:{shade.wash}}}")
    return "\n".join(rules)

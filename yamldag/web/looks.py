"""States as pages show them: a word and a glyph each, so that nothing rests on colour alone."""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup

from yamldag.render.colours import LOOKS

_WORDS = {
    "none": "no run yet",
    "cancelled": "cancelled",
    "broken": "broken",
    "late": "late",
}
_SQUARE = '<rect class="solid" x="3" y="3" width="10" height="10" rx="1.5"/>'
_OCTAGON = (
    '<path class="pen" d="M5.2 1.6h5.6l3.6 3.6v5.6l-3.6 3.6H5.2l-3.6-3.6V5.2z"/>'
    '<path class="pen" d="M8 4.8v3.6M8 11.2v.1"/>'
)
_HOURGLASS = (
    '<path class="pen" d="M4.2 1.8h7.6M4.2 14.2h7.6M5 1.8v2.4L8 8l3-3.8V1.8M5 14.2v-2.4L8 8l3 3.8v2.4"/>'
)
_SYMBOLS = {"cancelled": _SQUARE, "broken": _OCTAGON, "late": _HOURGLASS}


def word(state: str) -> str:
    """`upstream_failed` is `upstream failed`, a task's `none` is `waiting`."""
    return _WORDS.get(state) or (LOOKS[state].word if state in LOOKS else state)


def task_word(state: str) -> str:
    return LOOKS[state].word if state in LOOKS else state


@lru_cache(maxsize=64)
def glyph(state: str) -> Markup:
    """One of the sprite."""
    return Markup('<svg class="g s-{0}" aria-hidden="true"><use href="#g-{0}"/></svg>').format(state)


def sprite() -> Markup:
    """All glyphs, to be used by `<use href="#g-STATE">`."""
    symbols = {name: look.symbol for name, look in LOOKS.items()} | _SYMBOLS
    inside = "".join(
        f'<symbol id="g-{name}" viewBox="0 0 16 16" data-word="{task_word(name)}">{symbol}</symbol>'
        for name, symbol in symbols.items()
    )
    return Markup(f'<svg class="sprite" aria-hidden="true">{inside}</svg>')  # noqa: S704  (our own drawing)

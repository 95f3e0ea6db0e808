"""How text stands on a terminal: tabs, wide and invisible characters, lines too long."""

from __future__ import annotations

import unicodedata

_WIDEST = 120
_BEFORE = 30
"""So many characters of a cut line stand before the place, where there are as many."""
_FAR = 500
"""What lies farther from the place is not looked at: a line may be as long as a file."""
_TAB = "    "


def visible(text: str) -> str:
    """On one line, and without what a terminal would obey: control characters, changes of direction."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_glyph, text))


def cells(text: str) -> int:
    """How many columns of a terminal a visible text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def window(line: str, start: int, end: int) -> tuple[str, int, int]:
    """What is shown of a line whose place is from `start` to `end`: the text, the cells before the place, and
    the cells that the place takes, at least one."""
    far = max(0, start - _FAR)
    line, start, end = line[far : start + _FAR], start - far, min(end, start + _FAR) - far
    first, last = 0, len(line)
    if cells(visible(line)) > _WIDEST:
        first = max(0, start - _BEFORE) if cells(visible(line[:start])) > _WIDEST - _BEFORE else 0
        last = _last(line, first)
    before = ("…" if first else "") + visible(line[first:start])
    place = visible(line[start : min(end, last)])
    after = visible(line[max(start, min(end, last)) : last]) + ("…" if last < len(line) else "")
    return before + place + after, cells(before), max(1, cells(place))


def _last(line: str, first: int) -> int:
    """The end of what fits on a line of the screen, from `first` on."""
    room = _WIDEST
    for i in range(first, len(line)):
        room -= cells(visible(line[i]))
        if room < 0:
            return i
    return len(line)


def _glyph(letter: str) -> str:
    if letter == "\t":
        return _TAB
    if letter < " ":
        return chr(0x2400 + ord(letter))
    if unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp", "Cs") and letter != "\u200d":
        return "\N{REPLACEMENT CHARACTER}"
    return letter


def _cells(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1

"""Hostile text made harmless, and text measured without a font at hand."""

from __future__ import annotations

import re
import unicodedata
from html import escape

_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SPACE = re.compile(r"\s+")
_ODD = re.compile(r"[^\w.\-]")
_NARROW = frozenset("ijlI.,:;'|!()[]{}/\\ ft")
_BROAD = frozenset("mwMW@%—…")


def clean(text: str) -> str:
    """One line; control characters and those that turn text around become `\N{REPLACEMENT CHARACTER}`."""
    return _UNSEEN.sub("\ufffd", _SPACE.sub(" ", text))


def lines(text: str) -> str:
    """As `clean`, but lines stay lines."""
    return _UNSEEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def xml(text: str) -> str:
    """Text for XML content or a quoted attribute, without what XML cannot hold."""
    return escape(_NOT_XML.sub("\ufffd", text), quote=True).replace("\n", "&#10;").replace("\t", "&#9;")


def anchor(identifier: str) -> str:
    """What names a task or a group in an element's id: no space, no quote, distinct for distinct names."""
    return _ODD.sub(lambda match: f"%{ord(match.group()):x}.", identifier)


def width(text: str, size: float) -> float:
    """About how wide `text` is in a system sans of `size` pixels; rather too much than too little."""
    return size * sum(map(_em, text))


def cut(text: str, room: float, size: float) -> str:
    """`text`, or as much of its beginning and end as fits `room` pixels, with an ellipsis between."""
    if width(text, size) <= room:
        return text
    keep = len(text)
    while keep > 1:
        keep -= max(1, keep // 8)
        shown = _middle_out(text, keep)
        if width(shown, size) <= room:
            return shown
    return "…"


def _middle_out(text: str, keep: int) -> str:
    tail = keep // 3
    return text[: keep - tail] + "…" + (text[-tail:] if tail else "")


def _em(character: str) -> float:
    if character in _NARROW:
        return 0.36
    if character in _BROAD:
        return 0.96
    if character.isascii():
        return 0.7 if character.isupper() else 0.61
    if unicodedata.combining(character):
        return 0.0
    return 1.05 if unicodedata.east_asian_width(character) in "WF" else 0.68


def px(number: float) -> str:
    """A coordinate with at most one decimal."""
    text = f"{number:.1f}"
    return text[:-2] if text.endswith(".0") else text

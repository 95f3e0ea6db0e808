"""One line of a log as HTML: colours as classes, everything else as text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

from yamldag.web.log.plain import plain

_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_COLOURS = {1: "r", 2: "g", 3: "y", 4: "b", 5: "m", 6: "c"}
_Style = tuple[str, bool, bool]
"""Colour, bold, dim."""
_PLAIN: _Style = ("", False, False)


def drawn(data: bytes) -> Markup:
    """A line. Each begins without a colour."""
    text = data.decode(errors="replace").rstrip("\r")
    if "\r" in text:  # it was written over: what counts is what stood there at the end
        text = text.rpartition("\r")[2]
    return Markup("").join(_piece(piece, style) for piece, style in _pieces(text))


def _pieces(text: str) -> Iterator[tuple[str, _Style]]:
    style, at = _PLAIN, 0
    for match in _SGR.finditer(text):
        yield text[at : match.start()], style
        style, at = _changed(style, match[1]), match.end()
    yield text[at:], style


def _piece(text: str, style: _Style) -> Markup:
    shown = escape(plain(text))
    colour, bold, dim = style
    classes = " ".join(filter(None, (f"a-{colour}" if colour else "", "a-bold" * bold, "a-dim" * dim)))
    return Markup('<span class="{}">{}</span>').format(classes, shown) if classes and shown else shown


def _changed(style: _Style, codes: str) -> _Style:
    colour, bold, dim = style
    numbers = [int(each or 0) for each in codes[:100].split(";")]
    while numbers:
        code = numbers.pop(0)
        if code == 0:
            colour, bold, dim = _PLAIN
        elif code in (1, 2):
            bold, dim = bold or code == 1, dim or code == 2
        elif code == 22:
            bold = dim = False
        elif 30 <= code <= 37 or 90 <= code <= 97:
            colour = _COLOURS.get(code % 10, "")
        elif code == 39:
            colour = ""
        elif code in (38, 48):  # of 256, or by parts: more colours than we have
            skipped = 2 if numbers[:1] == [5] else 4
            numbers = numbers[skipped:]
    return colour, bold, dim

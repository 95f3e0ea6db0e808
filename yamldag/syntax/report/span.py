"""A place in lines and columns."""

from __future__ import annotations

from typing import NamedTuple

from yamldag.syntax.diagnostic import Place


class Span(NamedTuple):
    """From 1, in code points; `end_column` is one past."""

    line: int
    column: int
    end_line: int
    end_column: int


def span(place: Place) -> Span | None:
    """None for a whole file."""
    if place.start == place.end == 0:
        return None
    return Span(*place.source.place(place.start), *place.source.place(place.end))


def counted(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"

"""A user's mistake, as a value with a place."""

from __future__ import annotations

from dataclasses import dataclass

from yamldag.syntax.codes import CODES
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Node


@dataclass(frozen=True, slots=True)
class Place:
    """From `start` up to `end` in a source, in code points. A whole file is `start == end == 0`."""

    source: Source
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Related:
    """A further place that a reader needs: the other half of a duplicate, an edge of a cycle."""

    message: str
    place: Place


@dataclass(frozen=True, slots=True)
class Fix:
    """An edit that is safe to make: put `text` where the place is."""

    message: str
    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake. The message is lower case without a full stop, quotes names in backticks, and says what was
    expected and what was found; the help says what to do."""

    code: str
    message: str
    place: Place
    help: str | None = None
    related: tuple[Related, ...] = ()
    fix: Fix | None = None

    @property
    def name(self) -> str:
        return CODES[self.code].name

    @property
    def severity(self) -> str:
        """`error` or `warning`."""
        return CODES[self.code].severity


def at(node: Node) -> Place:
    """The place of a node; of a text in lines of its own, up to the end of the last that is not blank."""
    text, end = node.source.text, node.end
    while end > node.start and text[end - 1].isspace():
        end -= 1
    return Place(node.source, node.start, end)


def in_order(found: list[Diagnostic]) -> list[Diagnostic]:
    """Sorted by file, line, column and code, whatever pass found them in whatever order."""
    return sorted(found, key=lambda d: (d.place.source.path, d.place.start, d.code, d.message))


def has_errors(found: list[Diagnostic]) -> bool:
    return any(diagnostic.severity == "error" for diagnostic in found)

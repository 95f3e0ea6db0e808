"""What a page shows of a log: its beginning, what is looked for, its end; the lines between are folded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from yamldag.web.log.ansi import drawn
from yamldag.web.log.index import Line, Log
from yamldag.web.log.places import opened

FOUND = 10_000
"""Lines that a search tells of."""
UNFOLDED = 1000
"""Lines that are unfolded at once."""
_WHOLE = 400
"""Lines up to which nothing is folded."""
_HEAD, _BEFORE, _AFTER, _END = 4, 12, 24, 40
_BYTES = 24_000
"""Of each of the three parts."""


@dataclass(frozen=True, slots=True)
class Shown:
    number: int
    text: Markup
    more: int
    error: bool


@dataclass(frozen=True, slots=True)
class Fold:
    """Lines that are there and not shown."""

    first: int
    last: int

    @property
    def lines(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class View:
    size: int
    """Bytes of the whole file, up to which it was read."""
    lines: int
    error: int | None
    """The first line that tells of an error."""
    focus: int | None
    """The line that is looked for."""
    parts: list[Shown | Fold]
    found: list[int] | None = None
    """The lines with the words that were searched for."""


def view(path: str | None, logs: Path, *, failed: bool, line: int = 0, find: str = "") -> View | None:
    """The log at `path` around a line, or the first that holds the words, or the error of what has failed. None:
    there is no such log."""
    file = opened(path, logs)
    if file is None:
        return None
    with file:
        log = Log(file)
        found = log.search(find, FOUND) if find else None
        error = log.error if failed else None
        focus = min(line, log.lines) or (found[0] if found else None) or error
        return View(log.size, log.lines, log.error, focus, _parts(log, focus, error), found)


def unfolded(
    path: str | None, logs: Path, first: int, last: int, *, failed: bool
) -> list[Shown | Fold] | None:
    """So many of these lines as are unfolded at once, and a fold for the rest."""
    file = opened(path, logs)
    if file is None:
        return None
    with file:
        log = Log(file)
        last = min(last, log.lines)
        shown = log.window(first, min(last, first + UNFOLDED - 1), 500_000)
        return [*_folded(shown, first, last, log.error if failed else None)]


def _parts(log: Log, focus: int | None, error: int | None) -> list[Shown | Fold]:
    if log.lines <= _WHOLE:
        wanted = [(1, log.lines)]
    else:
        wanted = [(1, _HEAD), (log.lines - _END + 1, log.lines)]
        if focus is not None:
            wanted.insert(1, (max(1, focus - _BEFORE), min(log.lines, focus + _AFTER)))
    budget = _BYTES * (3 if len(wanted) == 1 else 1)
    parts: list[Shown | Fold] = []
    done = 0
    for begin, last in wanted:
        first = max(begin, done + 1)
        if first > last:
            continue
        if first > done + 1:
            parts.append(Fold(done + 1, first - 1))
        lines = _fitting(log, first, last, focus, budget)
        if lines and lines[0].number > first:
            parts.append(Fold(first, lines[0].number - 1))
        parts += _folded(lines, lines[0].number if lines else first, last, error)
        done = last
    return parts


def _fitting(log: Log, first: int, last: int, focus: int | None, budget: int) -> list[Line]:
    """Of very long lines those that matter: from the focus on, or up to the end."""
    lines = log.window(first, last, budget)
    if lines and lines[-1].number == last:
        return lines
    if focus is not None and first <= focus <= last:
        return log.window(focus if lines[-1].number < focus else first, last, budget)
    if last == log.lines and first > 1:
        return log.window(last - max(1, _END // 8) + 1, last, budget)
    return lines


def _folded(lines: list[Line], first: int, last: int, error: int | None) -> list[Shown | Fold]:
    parts: list[Shown | Fold] = [
        Shown(each.number, drawn(each.data), each.more, each.number == error) for each in lines
    ]
    end = lines[-1].number if lines else first - 1
    return [*parts, Fold(end + 1, last)] if end < last else parts

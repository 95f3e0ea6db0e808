"""Diagnostics as a person reads them: the message, the line it is about, a mark below the place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from yamldag.syntax.diagnostic import Diagnostic, Place
from yamldag.syntax.report.columns import visible, window
from yamldag.syntax.report.span import counted, span

_BOLD, _BLUE, _CYAN = "1", "1;34", "1;36"
_SEVERITIES = {"error": "1;31", "warning": "1;33"}


def draw(diagnostics: Iterable[Diagnostic], colour: bool) -> str:
    """All of them, with an empty line between; ends without a line break. Colour by ANSI codes."""
    return "\n\n".join("\n".join(_block(diagnostic, colour)) for diagnostic in diagnostics)


def summary(files: int, pipelines: int, diagnostics: Sequence[Diagnostic]) -> str:
    """One line: `3 errors and 1 warning in 2 of 14 files`."""
    if not diagnostics:
        return f"{counted(files, 'file')}, {counted(pipelines, 'pipeline')}: all fine"
    numbers = {
        severity: sum(1 for diagnostic in diagnostics if diagnostic.severity == severity)
        for severity in _SEVERITIES
    }
    said = " and ".join(counted(number, severity) for severity, number in numbers.items() if number)
    faulty = len({diagnostic.place.source.path for diagnostic in diagnostics})
    of_all = f" of {files}" if 1 < files >= faulty else ""
    return f"{said} in {faulty}{of_all} file{'' if max(faulty, files) == 1 else 's'}"


def _block(diagnostic: Diagnostic, colour: bool) -> list[str]:
    paint = _SEVERITIES[diagnostic.severity]
    places = [diagnostic.place, *(related.place for related in diagnostic.related)]
    gutter = max(len(str(where.line)) if (where := span(place)) else 1 for place in places)
    title = _painted(f"{diagnostic.severity}[{diagnostic.code} {diagnostic.name}]", paint, colour)
    lines = [f"{title}{_painted(f': {visible(diagnostic.message)}', _BOLD, colour)}"]
    lines += _snippet(diagnostic.place, gutter, paint, colour)
    if diagnostic.help:
        lines.append(_labelled("help", diagnostic.help, gutter, colour))
    for related in diagnostic.related:
        lines.append(f"{_painted('note', _CYAN, colour)}: {visible(related.message)}")
        lines += _snippet(related.place, gutter, _BLUE, colour)
    return lines


def _labelled(label: str, text: str, gutter: int, colour: bool) -> str:
    """Further lines of the text stand below its first."""
    start = f"{' ' * gutter} = {label}: "
    first, *more = (visible(line) for line in text.split("\n"))
    sign = f"{' ' * gutter} {_painted('=', _BLUE, colour)} {_painted(label, _CYAN, colour)}: {first}"
    return "\n".join([sign, *(" " * len(start) + line for line in more)])


def _snippet(place: Place, gutter: int, paint: str, colour: bool) -> list[str]:
    path, where = visible(place.source.path), span(place)
    arrow = f"{' ' * gutter}{_painted('-->', _BLUE, colour)} {path}"
    if where is None:
        return [arrow]
    text, start, end = _first_line(place)
    shown, left, marks = window(text, start, end)
    bar = _painted("|", _BLUE, colour)
    number = _painted(f"{where.line:>{gutter}}", _BLUE, colour)
    empty = f"{' ' * gutter} {bar}"
    return [
        f"{arrow}:{where.line}:{where.column}",
        empty,
        f"{number} {bar} {shown}".rstrip(),
        f"{empty} {' ' * left}{_painted('^' * marks, paint, colour)}",
    ]


def _first_line(place: Place) -> tuple[str, int, int]:
    """The line where a place begins, and from where to where in it the place reaches."""
    line, column = place.source.place(place.start)
    text = place.source.line(line)
    start = min(column - 1, len(text))
    return text, start, min(start + place.end - place.start, len(text))


def _painted(text: str, paint: str, colour: bool) -> str:
    return f"\x1b[{paint}m{text}\x1b[0m" if colour else text

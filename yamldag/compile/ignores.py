"""`# yamldag: ignore[YD801] why` takes a warning out, by its code or its name; one that takes nothing out is itself
reported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from yamldag.compile.documents import File
from yamldag.syntax import parse
from yamldag.syntax.codes import CODES
from yamldag.syntax.diagnostic import Diagnostic, Fix, Place, in_order
from yamldag.syntax.nearest import nearest

_BY_NAME = {row.name: code for code, row in CODES.items()}


def silenced(found: list[Diagnostic], files: Iterable[File], *, lints: bool) -> list[Diagnostic]:
    """`found` without the warnings that a comment on their line names, in order. Errors are never silenced."""
    idle: list[Diagnostic] = []
    for file in files:
        if "yamldag:" not in file.source.text or file.found:
            continue
        for ignore in parse.ignores(file.source):
            quiet = [d for d in found if _covers(ignore, d, file)]
            if quiet:
                found = [d for d in found if d not in quiet]
                idle += _idle(ignore, {d.code for d in quiet}, lints=lints)
            elif lints or not all(_code(word).startswith("YD8") for word in ignore.codes or ("",)):
                idle.append(_all_idle(ignore))
    return in_order([*found, *idle]) if idle else found


def _code(word: str) -> str:
    """The code that a comment names, by itself or by its name; the word itself if it is neither."""
    return _BY_NAME.get(word, word)


def _all_idle(ignore: parse.Ignore) -> Diagnostic:
    if not ignore.codes:
        message, help_ = "this comment silences nothing: it names no code", "such as `ignore[YD806]`"
    else:
        message = f"this comment silences nothing: there is no {', '.join(ignore.codes)} on this line"
        help_ = _why(ignore.codes) or "take the comment out"
    fix = None
    if ignore.codes and all(_code(code) in CODES for code in ignore.codes):
        fix = Fix("take the comment out", _with_its_line(ignore.place), "")
    return Diagnostic("YD802", message, ignore.place, help_, fix=fix)


def _with_its_line(place: Place) -> Place:
    """A comment with the blanks before it; with the whole line if it stands alone there."""
    text, start, end = place.source.text, place.start, place.end
    while text[start - 1 : start] in (" ", "\t"):
        start -= 1
    if start == place.source.offset(place.source.place(start)[0]):
        end = place.source.offset(place.source.place(end)[0] + 1)
    return Place(place.source, start, max(end, place.end))


def _covers(ignore: parse.Ignore, diagnostic: Diagnostic, file: File) -> bool:
    place = diagnostic.place
    return (
        diagnostic.severity == "warning"
        and diagnostic.code in map(_code, ignore.codes)
        and place.source.path == file.source.path
        and place.source.place(place.start)[0] == ignore.line
    )


def _idle(ignore: parse.Ignore, quiet: set[str], *, lints: bool) -> list[Diagnostic]:
    """Those codes of a comment that silence nothing, beside others that do."""
    return [
        Diagnostic(
            "YD802", f"{code} silences nothing: it is not on this line", where, _why([code]) or "take it out"
        )
        for code, where in zip(ignore.codes, ignore.places, strict=True)
        if _code(code) not in quiet and (lints or not _code(code).startswith("YD8"))
    ]


def _why(codes: Sequence[str]) -> str | None:
    """What is wrong with the first code of which anything is."""
    unknown = [code for code in codes if _code(code) not in CODES]
    if unknown:
        near = nearest(unknown[0], [*CODES, *_BY_NAME])
        return f"there is no code {unknown[0]}" + (f"; did you mean {near}?" if near else "")
    errors = [code for code in codes if CODES[_code(code)].severity == "error"]
    return f"{errors[0]} is an error, and errors can't be ignored" if errors else None

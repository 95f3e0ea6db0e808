"""`# yamldag: ignore[YD801] why` takes a lint out; one that takes nothing out is itself reported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from yamldag.compile.documents import File
from yamldag.syntax import parse
from yamldag.syntax.codes import CODES
from yamldag.syntax.diagnostic import Diagnostic
from yamldag.syntax.nearest import nearest


def silenced(found: list[Diagnostic], files: Iterable[File], *, lints: bool) -> list[Diagnostic]:
    """`found` without the warnings that a comment on their line names. Errors are never silenced."""
    for file in files:
        if "yamldag:" not in file.source.text or file.found:
            continue
        for ignore in parse.ignores(file.source):
            quiet = [d for d in found if _covers(ignore, d, file)]
            if quiet:
                found = [d for d in found if d not in quiet]
                found += _idle(ignore, {d.code for d in quiet}, lints=lints)
            elif lints or not all(code.startswith("YD8") for code in ignore.codes):
                message = f"this comment silences nothing: there is no {', '.join(ignore.codes)} on this line"
                help_ = _why(ignore.codes) or "take the comment out"
                found = [*found, Diagnostic("YD802", message, ignore.place, help_)]
    return found


def _covers(ignore: parse.Ignore, diagnostic: Diagnostic, file: File) -> bool:
    place = diagnostic.place
    return (
        diagnostic.severity == "warning"
        and diagnostic.code in ignore.codes
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
        if code not in quiet and (lints or not code.startswith("YD8"))
    ]


def _why(codes: Sequence[str]) -> str | None:
    """What is wrong with the first code of which anything is."""
    unknown = [code for code in codes if code not in CODES]
    if unknown:
        near = nearest(unknown[0], CODES)
        return f"there is no code {unknown[0]}" + (f"; did you mean {near}?" if near else "")
    errors = [code for code in codes if CODES[code].severity == "error"]
    return f"{errors[0]} is an error, and errors can't be ignored" if errors else None

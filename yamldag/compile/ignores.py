"""`# yamldag: ignore[YD801] why` takes a lint out; one that takes nothing out is itself reported."""

from __future__ import annotations

from collections.abc import Iterable

from yamldag.compile.documents import File
from yamldag.syntax import parse
from yamldag.syntax.codes import CODES
from yamldag.syntax.diagnostic import Diagnostic


def silenced(found: list[Diagnostic], files: Iterable[File], *, lints: bool) -> list[Diagnostic]:
    """`found` without the warnings that a comment on their line names. Errors are never silenced."""
    for file in files:
        if "yamldag:" not in file.source.text or file.found:
            continue
        for ignore in parse.ignores(file.source):
            quiet = [d for d in found if _covers(ignore, d, file)]
            if quiet:
                found = [d for d in found if d not in quiet]
            elif lints or not all(code.startswith("YD8") for code in ignore.codes):
                found = [*found, _useless(ignore)]
    return found


def _covers(ignore: parse.Ignore, diagnostic: Diagnostic, file: File) -> bool:
    place = diagnostic.place
    return (
        diagnostic.severity == "warning"
        and diagnostic.code in ignore.codes
        and place.source.path == file.source.path
        and place.source.place(place.start)[0] == ignore.line
    )


def _useless(ignore: parse.Ignore) -> Diagnostic:
    unknown = [code for code in ignore.codes if code not in CODES]
    errors = [code for code in ignore.codes if code in CODES and CODES[code].severity == "error"]
    if unknown:
        help_ = f"there is no code {unknown[0]}"
    elif errors:
        help_ = f"{errors[0]} is an error, and errors can't be ignored"
    else:
        help_ = "take the comment out"
    codes = ", ".join(ignore.codes)
    return Diagnostic(
        "YD802", f"this comment silences nothing: there is no {codes} on this line", ignore.place, help_
    )

"""The safe edits that diagnostics bring, made in their files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from yamldag.syntax import reading
from yamldag.syntax.diagnostic import Diagnostic, Fix


class Mended(NamedTuple):
    """A file as it should be written."""

    path: str
    data: bytes
    edits: int
    """How many were made in it."""


def mended(found: Iterable[Diagnostic]) -> Iterator[Mended]:
    """The files that have safe edits, with all of these that do not touch each other. Whoever looks again finds the
    others. A file that has changed since it was read stays as it is."""
    by_path: dict[str, dict[tuple[int, int], Fix]] = {}
    for fix in (one.fix for one in found if one.fix is not None):
        by_path.setdefault(fix.place.source.path, {})[fix.place.start, fix.place.end] = fix
    for path, fixes in sorted(by_path.items()):
        if not os.path.isfile(path):
            continue  # what a variable of the environment says is not ours to write
        with open(path, "rb") as file:
            data = file.read()
        before = next(iter(fixes.values())).place.source.text
        chosen = list(_apart(fixes.values()))
        new = reading.rewritten(data, before, _edited(before, chosen))
        if new is not None:
            yield Mended(path, new, len(chosen))


def _apart(fixes: Iterable[Fix]) -> Iterator[Fix]:
    done = -1
    for fix in sorted(fixes, key=lambda fix: (fix.place.start, fix.place.end)):
        if fix.place.start > done:
            yield fix
            done = fix.place.end


def _edited(text: str, fixes: Iterable[Fix]) -> str:
    parts, done = [], 0
    for fix in fixes:
        parts += [text[done : fix.place.start], fix.text]
        done = fix.place.end
    return "".join([*parts, text[done:]])

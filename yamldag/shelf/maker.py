"""Who compiles: all that is installed and has a say in what comes out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache

from yamldag import __version__, shipped

_ROOMS = ("", "syntax", "plan", "operators", "compile", "shelf")
_LIBRARIES = ("jinja2", "markupsafe", "yaml", "croniter", "dateutil", "tzdata")
"""The packages that the compiler imports. Plug-ins are none of them: what they bring is never kept."""


@cache
def maker() -> str:
    """As text, that is equal only where the same files would compile to the same. Code counts by its files' sizes
    and times: a checkout is edited, and keeps its version. Raises OSError where the code is in no folder."""
    top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    code = list(code_of(top, shipped.path("schemas")))
    return repr((__version__, sys.version, sys.prefix, code, list(_libraries(sys.path)), list(_zones())))


def code_of(top: str, schemas: str) -> Iterator[tuple[str, int, int]]:
    """All of the package in `top` that has a say in what is compiled, by path, size and time."""
    for room in _ROOMS:
        yield from _below(os.path.join(top, room), deep=bool(room))
    yield from _below(schemas, deep=True)


def _below(folder: str, *, deep: bool) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            if entry.name.endswith((".py", ".json")):
                found = entry.stat()
                yield entry.path, found.st_size, found.st_mtime_ns
            elif deep and entry.is_dir() and entry.name != "__pycache__":
                yield from _below(entry.path, deep=True)


def _libraries(places: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Each by the first file of it on the path, as an import would find it: an installer writes that anew."""
    for name in _LIBRARIES:
        for folder in places:
            path = os.path.join(folder or os.curdir, name, "__init__.py")
            try:
                found = os.stat(path)
            except OSError:
                continue
            yield path, found.st_size, found.st_mtime_ns
            break


def _zones() -> Iterator[tuple[str, int]]:
    """The folders of time zones: an update puts new files into them."""
    from zoneinfo import TZPATH

    for folder in TZPATH:
        try:
            yield folder, os.stat(folder).st_mtime_ns
        except OSError:
            continue

"""What is said of files that have got mistakes while a scheduler is at work, and of those that have them no more."""

from __future__ import annotations

import os
from collections.abc import Iterator

from yamldag.engine.schedule.catalogue import Broken, Catalogue


def told(before: tuple[Broken, ...], catalogue: Catalogue) -> Iterator[str]:
    """A line for each file whose mistakes are not those that it had before."""
    known = {each.path: _first(each) for each in before}
    for broken in catalogue.broken:
        first = _first(broken)
        if known.pop(broken.path, None) != first:
            yield f"{first}; {_in_force(broken, catalogue)}"
    for path in known:
        if os.path.exists(path):
            yield f"{path} is in order again"


def _first(broken: Broken) -> str:
    """Its first mistake, and how many there are besides."""
    first, more = broken.found[0], len(broken.found) - 1
    line, column = first.place.source.place(first.place.start)
    besides = f" (and {more} more)" if more else ""
    return f"{broken.path}:{line}:{column}: {first.code}: {first.message}{besides}"


def _in_force(broken: Broken, catalogue: Catalogue) -> str:
    """What goes on in place of what the file says now."""
    path = os.path.abspath(broken.path)
    if path == catalogue.project.file:
        return "what it said before stays in force"
    kept = sorted(name for name, known in catalogue.pipelines.items() if known.stale and known.path == path)
    if not kept:
        return "nothing of it runs"
    names = ", ".join(f"`{name}`" for name in kept)
    return f"the last good version of {names} goes on"

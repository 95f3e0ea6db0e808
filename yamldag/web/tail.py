"""The end of a log as text, never more than a page can hold, and from nowhere but the logs folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from yamldag.web.log.index import tells_of_an_error
from yamldag.web.log.places import opened
from yamldag.web.log.plain import plain

MOST = 64 * 1024
"""Bytes of a log that a page shows."""


class Tail(NamedTuple):
    text: str
    size: int
    """Bytes of the whole file."""
    cut: bool
    """There is more before."""


def tail(path: str | None, logs: Path, most: int = MOST) -> Tail | None:
    """The end of the log at `path`; None if there is none below `logs`."""
    file = opened(path, logs)
    if file is None:
        return None
    with file:
        size = os.fstat(file.fileno()).st_size
        start = max(0, size - most)
        file.seek(start)
        data = file.read(most)
    if start:
        data = data[data.find(b"\n") + 1 :]
    return Tail(plain(data.decode(errors="replace")), size, start > 0)


def telling_line(found: Tail | None) -> str:
    """The last line that tells of an error, else the last that says something: of a failure most often why."""
    lines = [line.strip() for line in (found.text if found else "").splitlines() if line.strip()]
    errors = [line for line in lines if tells_of_an_error(line)]
    return (errors or lines)[-1][:300] if lines else ""

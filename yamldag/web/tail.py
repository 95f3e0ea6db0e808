"""The end of a log as text, never more than a page can hold, and from nowhere but the logs folder."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

MOST = 64 * 1024
"""Bytes of a log that a page shows."""
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Tail(NamedTuple):
    text: str
    size: int
    """Bytes of the whole file."""
    cut: bool
    """There is more before."""


def tail(path: str | None, logs: Path, most: int = MOST) -> Tail | None:
    """The end of the log at `path`; None if there is none below `logs`."""
    if not path:
        return None
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(os.path.realpath(logs)):
        return None
    try:
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    size = os.fstat(descriptor).st_size
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with open(descriptor, "rb") as file:
        start = max(0, size - most)
        file.seek(start)
        data = file.read(most)
    if start:
        data = data[data.find(b"\n") + 1 :]
    return Tail(plain(data.decode(errors="replace")), size, start > 0)


def plain(text: str) -> str:
    """Without colours, cursor movements and characters that turn the direction of writing. CR rewrites a line."""
    lines = (_ESCAPES.sub("", line.rstrip("\r")).rpartition("\r")[2] for line in text.split("\n"))
    return "\n".join(_CONTROLS.sub("\N{REPLACEMENT CHARACTER}", line) for line in lines)


def last_line(found: Tail | None) -> str:
    """The last line that says something: of a failure most often why."""
    lines = [line.strip() for line in (found.text if found else "").splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""

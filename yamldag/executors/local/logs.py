"""The files that attempts write to: each its own, and none that stays empty for long.

To make a file takes some file systems longer than to make a process: ext4 passes over every one that was deleted
of late. So an attempt that wrote nothing leaves its file to the next one, under that one's name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from collections import deque

from yamldag.executors.local.placing import open_log

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
_KEPT = 16
"""Attempts that have ended, and may have left an empty file."""


class Logs:
    """Of one process with one thread."""

    def __init__(self) -> None:
        self._left: deque[str] = deque(maxlen=_KEPT)

    def open(self, path: str) -> int:
        """A descriptor that appends to the file at `path`. Raises UnstartableError."""
        while self._left:
            if (taken := _take_over(self._left.pop(), path)) is not None:
                return taken
        return open_log(path)

    def leave(self, path: str) -> None:
        """The attempt that wrote there has ended."""
        self._left.append(path)


def _take_over(left: str, path: str) -> int | None:
    """The file at `left` as that at `path`, if it is empty and nobody has it open; None: it stays where it is."""
    if os.path.lexists(path):
        return None
    try:
        file = os.open(left, _FLAGS)
    except OSError:
        return None
    if os.fstat(file).st_size == 0 and _rename(left, path):
        # From here on nobody can open it by its old name: neither who reads it, nor what the attempt left running.
        if _is_alone(file):
            return file
        _rename(path, left)
    os.close(file)
    return None


def _rename(old: str, new: str) -> bool:
    with contextlib.suppress(OSError):
        os.rename(old, new)
        return True
    return False


def _is_alone(file: int) -> bool:
    """Whether this is the only description of that file: a lease is given to no other."""
    with contextlib.suppress(OSError):
        # Who opens it meanwhile makes a signal come; the usual one would end this process, this one does nothing.
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return os.fstat(file).st_size == 0
    return False

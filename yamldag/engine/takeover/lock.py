"""One scheduler per database: a file that the process at work holds locked, and that says who it is."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


class HeldError(Exception):
    """Another process schedules for this database; the words say which."""


class Lock:
    """Held from its making to `release`, or to the end of the process, however that comes.

    A record lock: a process that is forked from the holder does not inherit it, and so cannot keep it.
    """

    def __init__(self, path: Path) -> None:
        """Raises HeldError."""
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            who = os.pread(self._file, 500, 0).decode(errors="replace").strip()
            os.close(self._file)
            raise HeldError(who or "another process") from None
        self.say(f"process {os.getpid()}")

    def say(self, who: str) -> None:
        """What others are told of the holder."""
        with contextlib.suppress(OSError):  # a full disk: it is held nevertheless
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{who}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._file)

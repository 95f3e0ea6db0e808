"""The mark of a process that was not born with it: written over the place that its environment began with,
where `/proc/PID/environ` shows it to whoever looks for orphans."""

from __future__ import annotations

import ctypes
import os

NAME = b"YAMLDAG_MARK"
BLANK = "_" * 48
"""What a warm process bears when it has no task: room for any mark."""


class Mark:
    """Of this process. A fork bears what was written before it."""

    def __init__(self) -> None:
        with open("/proc/self/environ", "rb") as file:
            self._environ = file.read()
        with open("/proc/self/stat", "rb") as file:
            start = int(file.read().rpartition(b")")[2].split()[47])
        offset = (b"\0" + self._environ).index(b"\0" + NAME + b"=") + len(NAME) + 1
        self._address = start + offset

    @property
    def environment(self) -> dict[bytes, bytes]:
        """What the process began with."""
        pairs = (entry.partition(b"=") for entry in self._environ.split(b"\0") if b"=" in entry)
        return {name: value for name, _, value in pairs}

    def write(self, text: str) -> None:
        data = text.encode()
        assert len(data) <= len(BLANK)
        ctypes.memmove(self._address, data.ljust(len(BLANK), b"\0"), len(BLANK))

    def clear(self) -> None:
        self.write(BLANK)


def die_with(number: int, parent: int) -> None:
    """Be sent this signal when the parent ends; now, if it has ended."""
    ctypes.CDLL(None).prctl(1, number, 0, 0, 0)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(0)

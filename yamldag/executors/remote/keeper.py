"""A process beside a task's own that does nothing but wait for its end, and removes what would outlive it elsewhere."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable

from yamldag.executors.marking import Mark


class Keeper:
    """Calls `remove` once we are gone, unless it is let go before."""

    def __init__(self, remove: Callable[[], None]) -> None:
        self._ours = _begin(remove)

    def let_go(self) -> None:
        os.write(self._ours, b".")
        os.close(self._ours)


def _begin(remove: Callable[[], None]) -> int:
    """What is written to this descriptor lets the process go."""
    theirs, ours = os.pipe()
    if os.fork():
        os.close(theirs)
        return ours
    try:
        os.setsid()  # what is sent to our group is not for it
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        with contextlib.suppress(ValueError, OSError):
            Mark().clear()  # it is nobody's orphan
        _forget_parent()
        os.close(ours)
        for descriptor in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
        if not os.read(theirs, 1):
            remove()
    finally:
        os._exit(0)


def _forget_parent() -> None:
    """Live on when our parent dies: that is what it is for."""
    import ctypes

    ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)  # PR_SET_PDEATHSIG

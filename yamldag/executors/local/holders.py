"""Ends a scheduler that hangs, so that another one can go on with what it has left."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path

from yamldag.executors.local import places


def end_holder(folder: Path, owner: str, pid: int, seconds: float) -> bool:
    """KILL the process `pid` if it is the one that holds this executor's lock, and wait until it is gone.

    False: it is not, or can't be seen from here, or the kernel holds it for longer than `seconds`.
    """
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        # Asked after the handle was made: from here on the number can't come to mean another process.
        if not places.holds(folder, owner, pid):
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(handle)

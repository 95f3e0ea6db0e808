"""Opens the log of an attempt, and nothing that is not a plain file below the logs folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO


def opened(path: str | None, logs: Path) -> BinaryIO | None:
    """The log at `path`, to read; None if there is none below `logs`. Links and devices are none."""
    if not path:
        return None
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(os.path.realpath(logs)):
        return None
    try:
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return open(descriptor, "rb")

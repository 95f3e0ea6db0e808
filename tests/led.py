"""What the stand-ins of engines and clusters run for real: a process that leads a group of its own."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress


class Led:
    """`process` is None before it was begun."""

    process: subprocess.Popen[bytes] | None

    def kill(self, number: int) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    @property
    def code(self) -> int:
        """As a shell has it: 128 and the number of the signal that ended it."""
        assert self.process is not None
        code = self.process.returncode
        return code if code >= 0 else 128 - code

"""The runner's warm processes: ones that fork a task's process when asked, and ones that carry out tasks themselves.

All end when nothing was asked of them for a minute.
"""

from __future__ import annotations

import time

from yamldag.executors.local.forks import Forks
from yamldag.executors.local.reuse import Reuse
from yamldag.executors.local.spawn import Spawner

_IDLE = 60.0


class Warm:
    """Both kinds."""

    def __init__(self, spawner: Spawner, journal: int, path: str) -> None:
        self.forks = Forks(spawner, journal, path)
        self.reuse = Reuse(spawner, path)

    def wait(self) -> float | None:
        """Seconds until a process has been idle for long enough."""
        used = [each for each in (self.forks.wait(), self.reuse.wait()) if each is not None]
        return max(0.0, min(used) + _IDLE - time.monotonic()) if used else None

    def mind(self) -> None:
        """End what nobody asks anything of."""
        late = time.monotonic() - _IDLE
        self.forks.mind(late)
        self.reuse.mind(late)

    def close(self) -> None:
        """End all, and wait until the processes that fork have ended."""
        self.forks.close()
        self.reuse.close()

"""When the project's files are looked at, and what is said of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct

from yamldag.bug import write_log
from yamldag.engine.schedule.catalogue import Catalogue
from yamldag.engine.service import mistakes

LOOK = 2.0
"""Seconds between two looks, at least."""
EASE = 100
"""How many times as long as a look has taken the pause after it is, at least: many files cost no more than few."""


class Looks(Struct):
    catalogue: Catalogue
    say: Callable[[str], None]
    at: float = 0.0
    """When the next one is due."""
    _pause: float = LOOK
    _complained: bool = False

    def are_due(self, now: float) -> bool:
        return not now < self.at <= now + self._pause  # later than that: the clock was set back

    def look(self, now: float) -> bool:
        """Read what has changed. True: something has."""
        begun = time.thread_time()
        changed = self._read()
        self._pause = max(LOOK, EASE * (time.thread_time() - begun))
        self.at = now + self._pause
        return changed

    def _read(self) -> bool:
        before = self.catalogue.broken
        try:
            changed = self.catalogue.refresh()
        except Exception as problem:  # a file that the compiler dies of must not stop what runs
            self._complain(problem)
            return False
        self._complained = False
        for line in mistakes.told(before, self.catalogue) if changed else ():
            self.say(line)
        return changed

    def _complain(self, problem: Exception) -> None:
        """Once, until it is over."""
        if not self._complained:
            log = write_log("reading files that have changed", problem)
            self.say(f"changed files can't be read; please report this bug in yamldag with its log: {log}")
        self._complained = True

"""How an engine hears of what other processes have written: a look every beat, and a query only if there is news."""

from __future__ import annotations

from msgspec import Struct

from yamldag.store.database import Database
from yamldag.store.news import mark

BEAT = 0.25
"""Seconds between two looks."""


class News(Struct):
    database: Database
    _mark: int | None = None
    _at: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next look; a clock that was set back delays none."""
        return min(max(0.0, self._at - now), BEAT)

    def look(self, now: float) -> bool:
        """Whether there may be news, asked at most once a beat."""
        if self.wait(now) > 0.0:
            return False
        self._at = now + BEAT
        before, self._mark = self._mark, mark(self.database)
        return self._mark is None or self._mark != before

    def soon(self) -> None:
        """The next look is not to wait for its beat."""
        self._at = 0.0

    def again(self) -> None:
        """There may be some, whoever wrote it: the next look says so."""
        self._mark = None

"""How long a database that is away is waited for, and what is said meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

FIRST, LONGEST = 0.05, 1.0
"""Seconds between two tries: they double."""
UNSAID = 2.0
"""Seconds for which others may be in the way before a word is said of it."""


class Away(Exception):  # noqa: N818
    """The database can't be reached or written at present; these words say why to a person."""


def _say_nothing(_line: str) -> None:
    pass


def _never() -> bool:
    return False


@dataclass(slots=True)
class Patience:
    """Of one connection."""

    limit: float | None
    """Seconds; None: for ever, 0: not at all."""
    say: Callable[[str], None] = _say_nothing
    over: Callable[[], bool] = _never
    """Whether nobody wants to wait any longer, asked before every try."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _since: float | None = field(default=None, init=False)
    _pause: float = field(default=0.0, init=False)
    _said: bool = field(default=False, init=False)

    def wait(self, words: str, *, gone: bool) -> None:
        """After a try that failed: wait for the next one. `gone`: the connection is lost, not just held up.

        The first one follows at once, without a word: a connection that was idle for long is often lost, and a
        deadlock is over when it is told. Raises Away when it is over.
        """
        now = self.clock()
        if self._since is None:
            self._since = now
        spent = now - self._since
        if (self.limit is not None and spent >= self.limit) or self.over():
            self.forget()
            raise Away(words)
        if self._pause and not self._said and (gone or spent >= UNSAID):
            self._said = True
            self.say(f"the database is away: {words}; what runs goes on, and is recorded when it is back")
        self.sleep(self._pause)
        self._pause = min(self._pause * 2, LONGEST) or FIRST

    def through(self) -> None:
        """It worked."""
        if self._since is not None:
            if self._said:
                self.say(f"the database is back after {self.clock() - self._since:.1f} s")
            self.forget()

    def forget(self) -> None:
        self._since, self._pause, self._said = None, 0.0, False

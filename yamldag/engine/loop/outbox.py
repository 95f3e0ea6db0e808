"""Sends notifications once they are stored, those of one occasion in order, and records what came of them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Iterable

from msgspec import Struct, field

from yamldag.engine.loop.dispatch import Dispatch
from yamldag.engine.memory.notices import Notice
from yamldag.engine.step.errands import MOST, Errand, Returned
from yamldag.operators.contract import Outcome
from yamldag.store import notifications
from yamldag.store.database import Database
from yamldag.store.notifications import Ended

FOLDER = "@notifications"
"""Of their logs, beside those of the run's tasks: no task is called like that."""


class Outbox(Struct):
    database: Database
    dispatch: Dispatch
    owner: int
    """The life that sends them."""
    _queues: deque[deque[Notice]] = field(default_factory=deque)
    """Those that wait: one queue for each occasion."""
    _sent: dict[int, deque[Notice]] = field(default_factory=dict)
    """Under way, by id: the first of its queue, those that come after it behind."""

    @property
    def idle(self) -> bool:
        """Nothing waits, and nothing is under way."""
        return not self._queues and not self._sent

    @property
    def sent(self) -> Collection[int]:
        """The ids of those under way."""
        return self._sent.keys()

    def add(self, notices: Iterable[Notice]) -> None:
        """These are stored."""
        last: Notice | None = None
        for notice in notices:
            if last is None or not _follows(notice, last):
                self._queues.append(deque())
            self._queues[-1].append(notice)
            last = notice

    def returned(self, happened: Iterable[object], now: float) -> None:
        """Record those that are over; the next one of the same occasion may go."""
        over = []
        for what in happened:
            if isinstance(what, Returned) and isinstance(what.errand.owner, Notice):
                over.append((what.errand.owner, what.outcome))
                self._go_on(what.errand.owner)
        self._record(over, now)

    def next(self, now: float) -> list[Errand]:
        """Those that may be sent now. What can't be rendered is over before it was sent."""
        errands, over = [], []
        while self._queues and len(self._sent) < MOST:
            queue = self._queues.popleft()
            notice = queue[0]
            self._sent[notice.id] = queue
            made = self.dispatch.letter(notice, os.path.join(notice.run.logs, FOLDER))
            if isinstance(made, Errand):
                errands.append(made)
            else:
                over.append((notice, made))
                self._go_on(notice)
        self._record(over, now)
        return errands

    def give_up(self, why: str, now: float) -> None:
        """Send no more."""
        left = [notice for queue in (*self._sent.values(), *self._queues) for notice in queue]
        self._queues.clear()
        self._sent.clear()
        self._record([(notice, Outcome("failed", why)) for notice in left], now)

    def _go_on(self, notice: Notice) -> None:
        if queue := self._sent.pop(notice.id, None):
            queue.popleft()
            if queue:
                self._queues.appendleft(queue)

    def _record(self, over: list[tuple[Notice, Outcome]], now: float) -> None:
        if not over:
            return

        def record() -> None:
            for notice, outcome in over:
                failed = outcome.state == "failed"
                state, message = "failed" if failed else "done", outcome.reason or None
                row = Ended(notice.id, notice.run.id, state, now, message)
                if notifications.end(self.database, row, self.owner) and failed:
                    words = f"{notice.title} could not be sent by {notice.call.operator}: {outcome.reason}"
                    notifications.log(self.database, row, words)

        self.database.write(record)


def _follows(notice: Notice, last: Notice) -> bool:
    """Whether both are calls of one list, on one occasion."""
    same = (notice.run, notice.instance, notice.cause) == (last.run, last.instance, last.cause)
    return same and notice.position > last.position

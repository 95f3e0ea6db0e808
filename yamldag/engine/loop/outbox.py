"""Sends notifications once they are stored, those of one occasion in order, and records what came of them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, field
from msgspec.json import encode

from yamldag.engine.loop.dispatch import Dispatch
from yamldag.engine.memory.notices import Notice
from yamldag.engine.step.errands import MOST, Errand, Returned
from yamldag.engine.step.world import Called
from yamldag.operators.contract import Outcome
from yamldag.store import moves, notifications
from yamldag.store.database import Database
from yamldag.store.notifications import Ended

FOLDER = "@notifications"
"""Of their logs, beside those of the run's tasks: no task is called like that."""


class Gathering(Struct):
    """Notifications of one kind that wait to be one message."""

    notices: list[Notice]
    due: float


class Outbox(Struct):
    database: Database
    dispatch: Dispatch
    owner: int
    """The life that sends them."""
    called: list[Called] = field(default_factory=list)
    """Runs that notifications have made, and that are stored; the caller empties it."""
    _queues: deque[deque[Notice]] = field(default_factory=deque)
    """Those that wait: one queue for each occasion."""
    _sent: dict[int, deque[Notice]] = field(default_factory=dict)
    """Under way, by id: the first of its queue, those that come after it behind."""
    _gathered: dict[bytes, Gathering] = field(default_factory=dict)
    """Digests that are not due yet, by their call."""
    _more: dict[int, list[Notice]] = field(default_factory=dict)
    """What a digest tells of besides, by the id of the first."""
    _hurries: bool = False

    @property
    def idle(self) -> bool:
        """Nothing waits, and nothing is under way."""
        return not self._queues and not self._sent and not self._gathered

    @property
    def sent(self) -> Collection[int]:
        """The ids of those under way."""
        return self._sent.keys()

    def patience(self, now: float) -> float | None:
        """Seconds until the next digest is due; None: there is none."""
        return min((max(0.0, each.due - now) for each in self._gathered.values()), default=None)

    def hurry(self) -> None:
        """From now on no digest waits for others: there will be none."""
        self._hurries = True

    def add(self, notices: Iterable[Notice], now: float) -> None:
        """These are stored."""
        last: Notice | None = None
        for notice in notices:
            if notice.call.digest is not None:
                self._gather(notice, now + notice.call.digest)
                continue
            if last is None or not _follows(notice, last):
                self._queues.append(deque())
            self._queues[-1].append(notice)
            last = notice

    def returned(self, happened: Iterable[object], now: float) -> None:
        """Record those that are over; the next one of the same occasion may go."""
        over = []
        for what in happened:
            if isinstance(what, Returned) and isinstance(what.errand.owner, Notice):
                over += self._told(what.errand.owner, what.outcome)
                self._go_on(what.errand.owner)
        self._record(over, now)

    def next(self, now: float) -> list[Errand]:
        """Those that may be sent now. What can't be rendered is over before it was sent."""
        errands: list[Errand] = []
        over: list[tuple[Notice, Outcome]] = []
        made_runs: dict[int, Called] = {}
        self._close(now)
        while self._queues and len(self._sent) < MOST:
            queue = self._queues.popleft()
            notice = queue[0]
            self._sent[notice.id] = queue
            made = self._made(notice, now)
            if isinstance(made, Errand):
                errands.append(made)
                continue
            if isinstance(made, Called):
                made_runs[notice.id], made = made, Outcome("success")
            over += self._told(notice, made)
            self._go_on(notice)
        self._record(over, now, made_runs)
        return errands

    def _made(self, notice: Notice, now: float) -> Errand | Called | Outcome:
        more = self._more.get(notice.id, ())
        if notice.call.operator == "pipeline":
            return self.dispatch.run_of(notice, more, now)
        return self.dispatch.letter(notice, os.path.join(notice.run.logs, FOLDER), more)

    def give_up(self, why: str, now: float) -> None:
        """Send no more."""
        left = [notice for queue in (*self._sent.values(), *self._queues) for notice in queue]
        left += [notice for gathering in self._gathered.values() for notice in gathering.notices]
        left += [notice for more in self._more.values() for notice in more]
        for kept in (self._queues, self._sent, self._gathered, self._more):
            kept.clear()
        self._record([(notice, Outcome("failed", why)) for notice in left], now)

    def _gather(self, notice: Notice, due: float) -> None:
        """Into the message of those that are called alike, whatever they tell of."""
        mark = encode(notice.call)
        if mark in self._gathered:
            self._gathered[mark].notices.append(notice)
        else:
            self._gathered[mark] = Gathering([notice], due)

    def _close(self, now: float) -> None:
        """Digests that are due are messages like others."""
        for mark, gathering in list(self._gathered.items()):
            first, *more = gathering.notices
            longest = now + (first.call.digest or 0.0)
            if self._hurries or not now < gathering.due <= longest:  # later than that: the clock was set back
                del self._gathered[mark]
                self._more[first.id] = more
                self._queues.append(deque([first]))

    def _told(self, notice: Notice, outcome: Outcome) -> list[tuple[Notice, Outcome]]:
        """What came of a message, for all that it tells of."""
        return [(each, outcome) for each in (notice, *self._more.pop(notice.id, ()))]

    def _go_on(self, notice: Notice) -> None:
        if queue := self._sent.pop(notice.id, None):
            queue.popleft()
            if queue:
                self._queues.appendleft(queue)

    def _record(
        self, over: list[tuple[Notice, Outcome]], now: float, made: Mapping[int, Called] | None = None
    ) -> None:
        """What came of them; with a notification that makes a run, the run, or neither."""
        if not over:
            return

        def record() -> list[Called]:
            stored = []
            for notice, outcome in over:
                failed = outcome.state == "failed"
                state, message = "failed" if failed else "done", outcome.reason or None
                row = Ended(notice.id, notice.run.id, state, now, message)
                if not notifications.end(self.database, row, self.owner):
                    continue
                call = (made or {}).get(notice.id)
                if call is not None and moves.create_run(self.database, call.row):
                    stored.append(call)
                if failed:
                    words = f"{notice.title} could not be sent by {notice.call.operator}: {outcome.reason}"
                    notifications.log(self.database, row, words)
            return stored

        self.called += self.database.write(record)


def _follows(notice: Notice, last: Notice) -> bool:
    """Whether both are calls of one list, on one occasion."""
    same = (notice.run, notice.instance, notice.cause) == (last.run, last.instance, last.cause)
    return same and notice.position > last.position

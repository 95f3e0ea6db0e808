"""The hub: one look at the event log a beat, for however many listen; none while nobody does.

All but the looks happens on the event loop of the server, so that nothing here needs a lock.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa

from yamldag.engine.status import Board, Status
from yamldag.store import audit, callers, following
from yamldag.store.following import Change
from yamldag.store.patience import Away
from yamldag.web.auth.roles import Role
from yamldag.web.auth.who import Who

BEAT = 0.5
"""Seconds between two looks."""
HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent, so that both ends know that the other is there."""
RECHECK = 2.0
"""Seconds after which it is asked again whether those who listen still may."""
MOST, MOST_EACH = 400, 100
"""Streams that are open at once: of all, and of one caller."""
BACKLOG = 500
"""Changes that are caught up on; who has missed more looks at everything anew."""
_LATE = 5.0
"""Seconds within which, on a server, a row may come to be seen after one with a higher id."""


class Full(Exception):  # noqa: N818
    """There are as many streams as there may be."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What a stream is about: a run, a pipeline, or everything."""

    run: str | None = None
    pipeline: str | None = None

    def takes(self, change: Change) -> bool:
        return self.run in (None, change.run) and self.pipeline in (None, change.pipeline)


class Look(NamedTuple):
    changes: list[Change]
    """What has happened."""
    gone: set[str | None]
    """The secrets of those who may listen no more."""
    deeds: bool
    """Whether the audit log has changed."""


@dataclass(eq=False, slots=True)
class Listener:
    """One stream. `None` in its queue ends it."""

    topic: Topic
    who: Who
    queue: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(BACKLOG))

    def tell(self, message: bytes | None) -> None:
        """One that does not keep up is told to look anew, in place of all that it has missed."""
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(RESET if message is not None else None)


def message(event: str, data: Any, number: int | None = None) -> bytes:
    """As it goes over the wire. `number`: what a browser says that it has seen when it comes back."""
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


RESET = message("reset", {})
"""Something was missed: look at everything anew."""
DEED = message("deed", {})
"""Somebody did something, which the audit log tells."""
STILL_HERE = b": still here\n\n"


def told(change: Change) -> bytes:
    index = None if change.map_index is None or change.map_index < 0 else change.map_index
    return message("change", change._asdict() | {"map_index": index}, change.id)


class Hub:
    """Of one server. `subscribe` and `leave` are called on its event loop, `close` from anywhere."""

    def __init__(self, engine: sa.Engine, board: Board, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._board = board
        self._clock = clock
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = ThreadPoolExecutor(1, "live")
        self._db: sa.Connection | None = None
        self._position: int | None = None
        self._low: deque[tuple[float, int]] = deque()
        self._seen: set[int] = set()
        self._status: object = None
        self._deeds: object = None
        self.settled: int | None = None
        """The number of an event up to which nothing comes to be seen any more; None: nobody listens."""
        self.looks = 0
        """How often it has looked."""

    def __len__(self) -> int:
        return len(self._listeners)

    # Those who listen

    async def subscribe(self, topic: Topic, who: Who, since: int | None) -> Listener:
        """Someone who hears from now on, and first what has happened since the event of that number. Raises Full,
        Away."""
        self._check_room(who)
        listener = Listener(topic, who)
        self._listeners.add(listener)  # before the look: what happens meanwhile comes twice rather than never
        try:
            loop = asyncio.get_running_loop()
            newest, missed = await loop.run_in_executor(self._thread, self._missed, topic, since)
        except BaseException:
            self._listeners.discard(listener)
            raise
        listener.tell(b"retry: 2000\n" + message("hello", {"at": newest}, newest))
        for part in missed if missed is not None else [RESET]:
            listener.tell(part)
        if self._task is None or self._task.done():
            self._loop = loop
            self._task = loop.create_task(self._follow())
        return listener

    def _check_room(self, who: Who) -> None:
        own = sum(each.who.secret == who.secret for each in self._listeners)
        if len(self._listeners) >= MOST or (own >= MOST_EACH and who.secret is not None):
            raise Full

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)

    def close(self) -> None:
        """End all streams."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            with suppress(RuntimeError):  # it has ended meanwhile
                loop.call_soon_threadsafe(self._end, set(self._listeners))
        self._thread.shutdown(wait=False)

    def _end(self, those: set[Listener]) -> None:
        for listener in those:
            listener.tell(None)
            self.leave(listener)

    # Following

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        heard = checked = loop.time()
        self._status = _signature(self._board.status, self._clock())
        while self._listeners:
            await asyncio.sleep(BEAT)
            now = loop.time()
            recheck = now - checked >= RECHECK
            if recheck:
                checked = now
            try:
                look = await loop.run_in_executor(self._thread, self._look, now, recheck)
            except Away:
                continue  # it is looked for again at the next beat
            except RuntimeError:
                return  # the server ends
            self._end({each for each in self._listeners if each.who.secret in look.gone})
            if look.deeds:
                self._tell_of_deeds()
            parts = self._news(look.changes)
            if parts or now - heard >= HEARTBEAT:
                heard = now
            self._tell(parts, silent=heard == now and not parts)
        with suppress(RuntimeError):  # the server ends, and the connection with it
            await loop.run_in_executor(self._thread, self._let_go)

    def _news(self, changes: list[Change]) -> list[tuple[Change | None, bytes]]:
        parts: list[tuple[Change | None, bytes]] = [(each, told(each)) for each in changes]
        status = _signature(self._board.status, self._clock())
        if status != self._status:
            self._status = status
            parts.append((None, message("status", {})))
        return parts

    def _tell_of_deeds(self) -> None:
        """Those who may read what was done."""
        for listener in self._listeners:
            if listener.who.may(Role.ADMIN):
                listener.tell(DEED)

    def _tell(self, parts: list[tuple[Change | None, bytes]], *, silent: bool) -> None:
        for listener in self._listeners:
            if silent:
                listener.tell(STILL_HERE)
            for change, text in parts:
                if change is None or listener.topic.takes(change):
                    listener.tell(text)

    # In the thread of the looks, whose the connection is

    def _connection(self) -> sa.Connection:
        if self._db is None:
            self._db = self._engine.connect()
        return self._db

    def _missed(self, topic: Topic, since: int | None) -> tuple[int, list[bytes] | None]:
        """The newest event, and what has happened since that one; None: too much."""
        try:
            db = self._connection()
            newest = following.newest(db)
            if self._position is None:
                self._position = newest
            if since is None or since == newest:
                return newest, []
            if since > newest:
                return newest, None
            rows = following.after(db, since, BACKLOG // 2, topic.run, topic.pipeline)
            return newest, None if len(rows) == BACKLOG // 2 else [told(row) for row in rows]
        except BaseException:
            self._let_go()
            raise
        finally:
            if self._db is not None:
                self._db.rollback()  # the next look sees another moment

    def _look(self, now: float, recheck: bool) -> Look:
        self.looks += 1
        try:
            db = self._connection()
            border = self._border(now)
            changes = self._fresh(following.after(db, border, 10_000))
            gone, deeds = (self._gone(db), self._has_new_deeds(db)) if recheck else (set(), False)
        except BaseException:
            self._let_go()
            raise
        else:
            if changes:
                self._position = max(self._position or 0, *(each.id for each in changes))
                if not self._is_alone:
                    self._low.append((now, self._position))
            db.rollback()
            self.settled = border
            return Look(changes, gone, deeds)

    def _has_new_deeds(self, db: sa.Connection) -> bool:
        """Whether the audit log has changed since it was looked at before."""
        before, self._deeds = self._deeds, audit.newest(db)
        return before not in (None, self._deeds)

    @property
    def _is_alone(self) -> bool:
        """Who writes is alone: nothing comes to be seen after what has a higher id."""
        return self._engine.dialect.name == "sqlite"

    def _border(self, now: float) -> int:
        """Up to where nothing comes to be seen any more."""
        assert self._position is not None
        if self._is_alone:
            self._seen.clear()
            return self._position
        while len(self._low) > 1 and self._low[1][0] < now - _LATE:
            self._low.popleft()
        if not self._low:
            self._low.append((now, self._position))
        return self._low[0][1]

    def _fresh(self, rows: list[Change]) -> list[Change]:
        fresh = [row for row in rows if row.id not in self._seen]
        self._seen = {row.id for row in rows}
        return fresh

    def _gone(self, db: sa.Connection) -> set[str | None]:
        secrets = {each.who.secret for each in self._listeners}
        known = {each for each in secrets if each is not None}
        gone: set[str | None] = set(known - callers.still(db, known, self._clock())) if known else set()
        if None in secrets and callers.any_account(db):
            gone.add(None)
        if following.newest(db) < (self._position or 0):  # the newest events were pruned, and ids come again
            self._position = following.newest(db)
        return gone

    def _let_go(self) -> None:
        db, self._db = self._db, None
        self._position = self._deeds = self.settled = None
        self._low.clear()
        self._seen.clear()
        if db is not None:
            with suppress(Away):
                db.close()


def _signature(status: Status, now: float) -> object:
    """What of a scheduler's status is worth a word: it changes when one of these does."""
    pipelines = tuple((name, known.version, known.stale) for name, known in status.pipelines.items())
    broken = tuple(status.broken)
    return (
        pipelines,
        broken,
        status.paused,
        status.healthy(now),
        status.stopping,
        status.schedulers,
        status.leads,
    )

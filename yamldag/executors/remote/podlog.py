"""A container's log, passed on as it comes: each line once, however often the connection is cut.

Lines come with the moment at which they were written. Whoever asks again does so from a second, and leaves out as many
lines as were written of it and what came after: all of these come again, in the order of the cluster's file.
"""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime

import httpx

from yamldag.executors.remote.cluster import Cluster
from yamldag.executors.remote.credentials import Unusable
from yamldag.operators.kubernetes import CONTAINER

_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
"""Seconds before the connection is made again, twice as many each time that nothing came, and at most."""
_TRIES = 3
"""How often the end of a log is asked for."""
_DRAIN = 10.0
"""Seconds for what a container wrote before it ended."""


class Log:
    """Of one pod; a thread reads it."""

    def __init__(self, cluster: Cluster, pod: str) -> None:
        self._cluster = cluster
        self._path = f"{cluster.path('pods', pod)}/log"
        self._over = threading.Event()
        self._position = Position()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """The container has ended: wait for the last of what it wrote."""
        self._over.set()
        self._thread.join(_DRAIN)
        if self._thread.is_alive():
            os.write(1, b"the end of the log does not come\n")

    def _follow(self) -> None:
        pause, tries = _PAUSE, 0
        while True:
            over, before = self._over.is_set(), self._position.written
            whole = self._read(follow=not over)
            if over and (whole or tries == _TRIES):
                _write(self._position.rest())
                return
            tries += over
            pause = _PAUSE if self._position.written > before else min(2 * pause, _LONGEST_PAUSE)
            if over:
                threading.Event().wait(pause)
            else:
                self._over.wait(pause)

    def _read(self, *, follow: bool) -> bool:
        """Whether there is nothing more to come of it."""
        params = {"container": CONTAINER, "timestamps": "true", **({"follow": "true"} if follow else {})}
        if self._position.since is not None:
            params["sinceTime"] = f"{datetime.fromtimestamp(self._position.since, UTC):%Y-%m-%dT%H:%M:%SZ}"
        try:
            with self._cluster.stream(self._path, params, None if follow else _DRAIN) as answer:
                if not answer.is_success:
                    return answer.status_code in (400, 404)  # it is gone
                self._position.again()
                for data in answer.iter_bytes():
                    _write(self._position.taken(data))
        except (httpx.TransportError, Unusable):
            return False
        return True


class Position:
    """How far a log has been written, and what of it is to be written next."""

    def __init__(self) -> None:
        self.written = 0
        """Lines, in all."""
        self._counts: dict[int, int] = {}
        """Lines that were written of the newest second, and of the one before it."""
        self._newest = b""
        self._left_out = 0
        self._begun = b""
        self._second = (b"", 0)

    @property
    def since(self) -> int | None:
        """The second, since 1970, from which it is to be asked again: what a program writes to two streams at once may
        be out of order."""
        return max(self._counts) - 1 if self._counts else None

    def again(self) -> None:
        """What is taken from now on begins with that second, and so with what was written of it."""
        self._left_out = sum(self._counts.values())
        self._begun = b""

    def taken(self, data: bytes) -> bytes:
        """What of this piece is to be written: whole lines, without their moments."""
        *whole, self._begun = (self._begun + data).split(b"\n")
        return b"".join(self._line(line) + b"\n" for line in whole if self._is_new(line))

    def rest(self) -> bytes:
        """A line that was begun and never ended."""
        begun, self._begun = self._begun, b""
        return self._line(begun) if begun and self._is_new(begun) else b""

    def _is_new(self, line: bytes) -> bool:
        if self._left_out and _order(line) <= self._newest:  # a log that lost its beginning gives newer ones
            self._left_out -= 1
            return False
        self._left_out = 0
        return True

    def _line(self, line: bytes) -> bytes:
        stamp, _, text = line.partition(b" ")
        second = self._of(stamp)
        if second is None:
            return line  # words of the cluster's own
        self._counts[second] = self._counts.get(second, 0) + 1
        if len(self._counts) > 1:
            newest = max(self._counts)
            self._counts = {each: count for each, count in self._counts.items() if each >= newest - 1}
        self._newest = max(self._newest, _order(line))
        self.written += 1
        return text

    def _of(self, stamp: bytes) -> int | None:
        """The second of a moment such as `2026-03-09T06:00:00.123456789Z`."""
        if stamp[:19] != self._second[0]:
            try:
                zone = stamp[19:].lstrip(b".0123456789").decode()
                moment = datetime.fromisoformat(stamp[:19].decode() + zone)
            except ValueError:
                return None
            if moment.tzinfo is None:
                return None
            self._second = (stamp[:19], int(moment.timestamp()))
        return self._second[1]


def _order(line: bytes) -> bytes:
    """By which the moments of lines are compared: some clusters leave noughts at the end of a fraction out."""
    fraction = line[20:30].partition(b" ")[0].rstrip(b"Z") if line[19:20] == b"." else b""
    return line[:19] + fraction.ljust(9, b"0")


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]

"""The scheduler's end of the connection to one runner."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from yamldag.executors.contract import Start
from yamldag.executors.local.places import Place
from yamldag.executors.local.protocol import EndRow, Lines, encode

_BASES = 64
"""Environments that both sides keep."""
_MANY = 256
"""Acknowledgements that wait for a start to ride on."""


class Link:
    def __init__(self, place: Place, connection: socket.socket, child: int | None) -> None:
        self.place = place
        self.child = child
        """The runner's process id if this process made it."""
        self.live: dict[int, Start | None] = {}
        """What was sent and has not ended; None: sent by an earlier scheduler."""
        self.unacknowledged: set[int] = set()
        self.broken = False
        self._connection = connection
        self._lines = Lines()
        self._acks: list[int] = []
        self._bases: dict[int, tuple[int, Mapping[str, str]]] = {}
        """By identity: the number that it was sent by, and the object, which is kept so that it stays alone."""

    def fileno(self) -> int:
        return self._connection.fileno()

    def start(self, batch: Sequence[Start]) -> None:
        self.live.update((start.attempt, start) for start in batch)
        frame: dict[str, Any] = {}
        if len(self._bases) >= _BASES:
            self._bases.clear()  # the number 0 tells the runner to forget them too
        rows = [_row(start, self._base(start.base, frame)) for start in batch]
        self._send({**frame, "s": rows})

    def _base(self, base: Mapping[str, str], frame: dict[str, Any]) -> int:
        """The number of an environment; the first time it is told in the frame."""
        known = self._bases.get(id(base))
        if known is None:
            known = self._bases[id(base)] = (len(self._bases), base)
            frame.setdefault("b", []).append([known[0], dict(base)])
        return known[0]

    def stop(self, attempts: list[int], *, kill: bool) -> None:
        self._send({"k" if kill else "t": attempts})

    def acknowledge(self, attempts: Iterable[int]) -> None:
        """Told with the next start, or when there are many: a frame of its own costs a wake-up."""
        self._acks += attempts
        self.unacknowledged.difference_update(attempts)
        if len(self._acks) > _MANY:
            self._send({})

    def go_on(self, seconds: float | None) -> None:
        """Let the tasks go on for so long without a further word; None: as long as they like."""
        self._send({"until": seconds})

    def hello(self) -> None:
        """Ask what lives and what has ended; nothing more will be started on this connection."""
        self._send({"hello": 1, "close": 1})

    def close(self) -> None:
        self._send({"close": 1})

    def _send(self, frame: dict[str, Any]) -> None:
        if self._acks:
            frame["a"], self._acks = self._acks, []
        try:
            self._connection.sendall(encode(frame))
        except OSError:
            self.broken = True

    def receive(self) -> list[dict[str, Any]]:
        """The frames that have come, waiting for bytes. `broken` if there never will be any."""
        try:
            frames = self._lines.receive(self._connection)
        except TimeoutError:
            return []
        except OSError:
            frames = None
        self.broken = self.broken or frames is None
        return frames or []

    def ended(self, rows: list[EndRow]) -> None:
        for row in rows:
            self.live.pop(row[0], None)
            self.unacknowledged.add(row[0])

    def patience(self, seconds: float | None) -> None:
        """How long `receive` waits."""
        self._connection.settimeout(seconds)

    def leave(self) -> None:
        """The runner goes on by itself."""
        self._connection.close()

    def hang_up(self) -> None:
        self._connection.close()
        if self.child is not None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.child, 0)
            self.child = None


def _row(start: Start, base: int) -> list[Any]:
    where = (start.cwd, start.log, start.timeout, start.grace)
    return [start.attempt, start.argv, base, start.env, *where, start.warm, start.spec, start.log_is_shared]

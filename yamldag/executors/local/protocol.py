"""What scheduler and runner say to each other: one JSON object a line, as much as possible in each.

scheduler → runner   {"a": [stored], "b": [[base, env], …], "s": [start, …], "t": [to stop], "k": [to kill],
                      "hello": 1, "close": 1}
runner → scheduler   {"e": [end, …]}   {"hello": {"live": [attempt, …], "ended": [end, …]}}

start  [attempt, argv, base, env, cwd, log, timeout, grace, warm, spec, log is shared]; env is put over that of the
       base's number
end    [attempt, exit, reason, started, ended, message, result]
"""

from __future__ import annotations

import json
import socket
from typing import Any

_READ = 1 << 16

EndRow = list[Any]
StartRow = list[Any]


_ENCODER = json.JSONEncoder(separators=(",", ":"))


def encode(value: object) -> bytes:
    """A line of JSON, in ASCII. `json.dumps` would make an encoder each time."""
    return _ENCODER.encode(value).encode() + b"\n"


class Lines:
    """Bytes in, frames out. A line without its end waits for the rest, and is dropped if that never comes."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        self._room = bytearray(_READ)

    def receive(self, connection: socket.socket) -> list[dict[str, Any]] | None:
        """The frames that have come, waiting for bytes as the connection does; None: there never will be any.
        Raises OSError."""
        length = connection.recv_into(self._room)  # `recv` asks the system for a megabyte each time
        return self.feed(bytes(memoryview(self._room)[:length])) if length else None

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        head, newline, tail = data.rpartition(b"\n")
        if not newline:
            self._begun.append(data)
            return []
        whole = b"".join([*self._begun, head])
        self._begun = [tail] if tail else []
        return [json.loads(line) for line in whole.decode().split("\n")]

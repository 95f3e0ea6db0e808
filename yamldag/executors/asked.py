"""How a runner and its warm processes talk: by messages of a socket, each of them whole or not at all.

A request is a JSON list; one that is long goes in a file without a name. An answer is a number, or a word of these.
"""

from __future__ import annotations

import json
import socket
from typing import Any

ELSEWHERE, READY, STALE, REFUSED = b"@", b"ready", b"stale", b"!"
"""What was asked is in the file that comes along; here I am; I am out of date; it can't begin (and why)."""
LONGEST = 60_000
"""Bytes of a request that goes in a message."""
_ROOM = socket.CMSG_SPACE(4)


def receive(connection: socket.socket) -> list[Any] | None:
    """The next request; None: whoever asked has gone."""
    try:
        data, ancillary, _, _ = connection.recvmsg(LONGEST, _ROOM)
    except OSError:
        return None
    if not data:
        return None
    if data == ELSEWHERE:
        descriptor = int.from_bytes(ancillary[0][2][:4], "little")
        with open(descriptor, "rb") as file:
            data = file.read()
    return json.loads(data)  # type: ignore[no-any-return]


def refusal(words: str) -> bytes:
    """Why it can't begin, as an answer."""
    return REFUSED + words.encode(errors="replace")[:1000]

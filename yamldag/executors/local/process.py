"""A warm process, as its runner has it: begun, asked, heard."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

from yamldag.executors.asked import ELSEWHERE, LONGEST, REFUSED
from yamldag.executors.local import orphans
from yamldag.executors.local.order import Order
from yamldag.executors.local.placing import UnstartableError
from yamldag.executors.local.protocol import encode
from yamldag.executors.local.spawn import Spawner
from yamldag.executors.marking import BLANK

_ANSWER = 1 << 12


class Process:
    """Requests and answers are messages of a socket: whole, or not at all."""

    def __init__(self, order: Order, pid: int, connection: socket.socket) -> None:
        self.kind = order.kind
        self.pid = pid
        self.connection = connection
        self.used = time.monotonic()

    def ask(self, request: list[Any]) -> None:
        """Raises OSError: it is gone, or does not take what it is asked."""
        self.used = time.monotonic()
        data = encode(request)
        if len(data) <= LONGEST:
            self.connection.send(data)
            return
        with in_memory(data) as file:
            socket.send_fds(self.connection, [ELSEWHERE], [file.fileno()])

    def hear(self) -> bytes | None:
        """What has come; empty: it is gone. None: nothing has."""
        try:
            return self.connection.recv(_ANSWER)
        except BlockingIOError:
            return None
        except OSError:
            return b""


def begin(spawner: Spawner, order: Order, journal: str, *descriptors: int) -> Process:
    """A process for attempts of this kind, in the current folder, that inherits these. Raises UnstartableError."""
    how, *what = order.warm
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        given = (theirs.fileno(), *descriptors)
        words = [*order.argv[:-1], f"--{how}", str(os.getpid()), journal, *map(str, given)]
        words += what if how == "fork" else ()
        files = [(os.POSIX_SPAWN_DUP2, each, each) for each in given]  # onto itself: inherited
        pid = spawner.spawn_silent(words, {**order.others, orphans.MARK: BLANK}, files)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    ours.setblocking(False)
    return Process(order, pid, ours)


def number(said: bytes) -> int:
    """Of an answer. Raises UnstartableError: it says why there is none."""
    if said.startswith(REFUSED):
        raise UnstartableError(said[1:].decode())
    return int(said)


def in_memory(data: bytes) -> Any:
    """A file without a name that holds it."""
    file = os.fdopen(os.memfd_create("call", os.MFD_CLOEXEC), "w+b")
    file.write(data)
    file.flush()
    file.seek(0)
    return file

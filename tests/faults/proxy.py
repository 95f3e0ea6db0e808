"""Stands between a program and its server, and can be every kind of bad network."""

from __future__ import annotations

import select
import socket
import threading
import time
from typing import Literal

Mood = Literal["well", "gone", "silent", "slow"]
"""`gone`: connections are cut and refused. `silent`: they stay, and nothing comes through. `slow`: 5 s late."""

DELAY = 5.0


class Proxy:
    """Of one thread. `mood` may be set at any time."""

    def __init__(self, port: int) -> None:
        self.to = port
        self.mood: Mood = "well"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._other: dict[socket.socket, socket.socket] = {}
        self._late: list[tuple[float, socket.socket, bytes]] = []
        self._over = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over = True
        self._thread.join()
        self._drop_all()
        self._listener.close()

    def _work(self) -> None:
        while not self._over:
            if self.mood == "gone":
                self._drop_all()
            readable, _, _ = select.select([self._listener, *self._other], [], [], 0.02)
            if self.mood == "silent":  # what is sent waits below
                time.sleep(0.02)
                continue
            for each in readable:
                if each is self._listener:
                    self._accept()
                elif each in self._other:
                    self._pass_on(each)
            self._send_late()

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self.mood == "gone":
            client.close()
            return
        try:
            server = socket.create_connection(("127.0.0.1", self.to))
        except OSError:
            client.close()
            return
        self._other |= {client: server, server: client}

    def _pass_on(self, sender: socket.socket) -> None:
        try:
            data = sender.recv(65_536)
        except OSError:
            data = b""
        if not data:
            self._drop(sender)
        elif self.mood == "slow":
            self._late.append((time.monotonic() + DELAY, sender, data))
        else:
            self._send(sender, data)

    def _send_late(self) -> None:
        while self._late and (self._late[0][0] <= time.monotonic() or self.mood != "slow"):
            _, sender, data = self._late.pop(0)
            if sender in self._other:
                self._send(sender, data)

    def _send(self, sender: socket.socket, data: bytes) -> None:
        try:
            self._other[sender].sendall(data)
        except OSError:
            self._drop(sender)

    def _drop(self, one: socket.socket) -> None:
        other = self._other.pop(one)
        self._other.pop(other, None)
        one.close()
        other.close()

    def _drop_all(self) -> None:
        self._late.clear()
        while self._other:
            self._drop(next(iter(self._other)))

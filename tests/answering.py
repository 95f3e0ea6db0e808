"""A web server of a test: it answers as the test says, and remembers what it was asked."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.listening import listening


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    """With the query."""
    headers: Message
    body: bytes
    who: str | None = None
    """The name in the certificate that came with it."""


@dataclass(frozen=True)
class Said:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(value: Any, status: int = 200) -> Said:
    return Said(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


class Site(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Callable[[Asked], Said], tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.tls = tls
        self.came: list[Asked] = []

    @property
    def url(self) -> str:
        return (
            f"http://127.0.0.1:{self.server_port}"
            if self.tls is None
            else f"https://localhost:{self.server_port}"
        )

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake is made in the thread of the request."""
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        with self.tls.wrap_socket(request, server_side=True) as safe:
            super().finish_request(safe, client_address)

    def handle_error(self, *_: Any) -> None:
        """Whoever asked has gone."""


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def _answer(self) -> None:
        asked = Asked(self.command, self.path, self.headers, self._body(), _who(self.connection))
        self.server.came.append(asked)
        said = self.server.answer(asked)
        self.send_response(said.status)
        for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def log_message(self, *_: Any) -> None:
        pass


def _who(connection: Any) -> str | None:
    found: Any = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    names = dict(pair for part in (found or {}).get("subject", ()) for pair in part)
    return names.get("commonName")


@contextmanager
def answering(answer: Callable[[Asked], Said], tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """`tls`: with it the site is `https://localhost`."""
    site = Site(answer, tls)
    with listening(site):
        yield site

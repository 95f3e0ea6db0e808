"""The server: which path gives which answer."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pipelines.standin import launches, weather
from pipelines.standin.answer import Answer, data, failure

HOST = "127.0.0.1"


class Server(ThreadingHTTPServer):
    """Listens on loopback alone. `slow` is how long, in seconds, a slow answer takes."""

    daemon_threads = True

    def __init__(self, port: int, slow: float = 1.5) -> None:
        super().__init__((HOST, port), _Handler)
        self.slow = slow
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}"

    def answer(self, address: str) -> Answer:
        """What a GET of this path and query gives."""
        parts = urlsplit(address)
        query = dict(parse_qsl(parts.query))
        if parts.path.startswith("/pictures/"):
            name = parts.path.removeprefix("/pictures/").removesuffix(".png")
            return launches.picture(name, self._count(parts.path))
        if parts.path.rstrip("/") + "/" == launches.PATH:
            return launches.page(self.url, query)
        if parts.path == weather.PATH:
            return weather.forecast(query, datetime.now(UTC), self._count(parts.path))
        return (
            data({"launches": launches.PATH, "weather": weather.PATH})
            if parts.path == "/"
            else failure(404, "Not found.")
        )

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none of our business; anything else is told as ever."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def _count(self, path: str) -> int:
        with self._lock:
            self._asked[path] += 1
            return self._asked[path]


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        answer = self.server.answer(self.path)
        if answer.slow:
            time.sleep(self.server.slow)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the library names it)
        """Nothing: whoever runs a pipeline wants to read the pipeline's words."""

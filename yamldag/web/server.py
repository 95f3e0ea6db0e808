"""The web server beside the scheduler: a thread of its own, on a socket that is already bound."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from yamldag.engine.status import Board
from yamldag.web.app import application

_FAREWELL = 3.0
"""Seconds that open requests get at the end."""


@contextmanager
def serving(listener: socket.socket, board: Board, database: str, folder: Path) -> Iterator[None]:
    """Answer requests as long as this lasts. `folder`: the project's `.yamldag`, where logs are."""
    port = int(listener.getsockname()[1])
    config = uvicorn.Config(
        application(board, database, folder, port),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=int(_FAREWELL),
        limit_concurrency=100,
        h11_max_incomplete_event_size=16_384,
    )
    server = uvicorn.Server(config)
    listener.listen(128)
    thread = threading.Thread(target=server.run, args=([listener],), name="web", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_FAREWELL + 1)

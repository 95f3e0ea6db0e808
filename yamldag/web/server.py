"""The web server beside the scheduler: a thread of its own, on a socket that is already bound."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from yamldag.engine.status import Board
from yamldag.web.address import Address
from yamldag.web.app import application
from yamldag.web.auth.oidc import Provider
from yamldag.web.live.hub import MOST
from yamldag.web.protocol import Prompt
from yamldag.web.routes import TABLE
from yamldag.web.site import site_of

_FAREWELL = 3.0
"""Seconds that open requests get at the end."""


@contextmanager
def serving(
    listener: socket.socket,
    board: Board,
    database: str,
    folder: Path,
    address: Address,
    provider: Provider | None = None,
) -> Iterator[None]:
    """Answer requests as long as this lasts. `folder`: the project's `.yamldag`, where logs are."""
    site = site_of(board, database, folder, address, time.time, TABLE, provider)
    config = uvicorn.Config(
        application(site),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        proxy_headers=False,
        ws="none",
        http=Prompt,
        timeout_graceful_shutdown=int(_FAREWELL),
        limit_concurrency=MOST + 200,
        h11_max_incomplete_event_size=16_384,
    )
    server = uvicorn.Server(config)
    listener.listen(1024)
    thread = threading.Thread(target=server.run, args=([listener],), name="web", daemon=True)
    thread.start()
    try:
        yield
    finally:
        site.hub.close()
        server.should_exit = True
        thread.join(_FAREWELL + 1)

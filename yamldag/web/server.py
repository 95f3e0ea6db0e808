"""The web server beside the scheduler: a thread of its own, on a socket that is already bound."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from yamldag.engine.status import Board
from yamldag.web.access import Access, Tell
from yamldag.web.address import Address
from yamldag.web.app import application
from yamldag.web.auth.oidc import Provider
from yamldag.web.live.hub import MOST
from yamldag.web.protocol import Prompt
from yamldag.web.routes import TABLE
from yamldag.web.site import Site, site_of

_FAREWELL = 3.0
"""Seconds that open requests get at the end."""


class Server(uvicorn.Server):
    """Sleeps while nobody asks: uvicorn's own looks up ten times a second, at half of what an idle scheduler costs."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._over = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):  # it also renews the date that answers bear
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), 1)

    def end(self) -> None:
        """From another thread: begin nothing more, and end soon."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._over.set)


def warm(site: Site) -> None:
    """Do before what the first pages would wait for. What is there then stays, so that the collector of garbage need
    not look through it: that would hold up one large page in ten."""
    site.frame.warm()
    gc.collect()
    gc.freeze()


@contextmanager
def serving(
    listener: socket.socket,
    board: Board,
    database: str,
    folder: Path,
    address: Address,
    provider: Provider | None = None,
    tell: Tell | None = None,
) -> Iterator[None]:
    """Answer requests as long as this lasts. `folder`: the project's `.yamldag`, where logs are. `tell` gets a line for
    each request, from the server's thread."""
    site = site_of(board, database, folder, address, time.time, TABLE, provider)
    with answering(listener, site, tell):
        warming = threading.Thread(target=warm, args=(site,), name="warming", daemon=True)
        warming.start()
        try:
            yield
        finally:
            warming.join(_FAREWELL)


@contextmanager
def answering(listener: socket.socket, site: Site, tell: Tell | None = None) -> Iterator[None]:
    """The same, for a site that is there."""
    app = application(site)
    config = uvicorn.Config(
        app if tell is None else Access(app, tell),
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
    server = Server(config)
    # Connections take it over. asyncio would do it, for sockets that were made with their protocol's number; without
    # it the second piece of an answer waits for the browser to acknowledge the first: 40 ms a page.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.listen(1024)
    thread = threading.Thread(target=server.run, args=([listener],), name="web", daemon=True)
    thread.start()
    try:
        yield
    finally:
        site.hub.close()
        server.end()
        thread.join(_FAREWELL + 1)

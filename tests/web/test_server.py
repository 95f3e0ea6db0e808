"""The server's own loop: it sleeps, and still ends when it is told to."""

from __future__ import annotations

import gc
import socket
import threading
from typing import Any

import httpx
import uvicorn

from tests.web.conftest import Hosted
from tests.web.seeds import Seeded
from yamldag.web.address import address_of
from yamldag.web.server import Server, serving, warm

PATIENCE = 60.0


def test_what_the_first_pages_would_wait_for_is_done_before(hosted: Hosted) -> None:
    try:
        warm(hosted.site)
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
    templates = hosted.site.frame.templates
    names = templates.list_templates(extensions=["html"])
    assert templates.cache is not None
    assert {name for _, name in templates.cache.keys()} >= set(names) > {"base.html", "pipeline/grid.html"}  # noqa: SIM118


async def hello(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def made() -> tuple[Server, socket.socket, threading.Thread]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(uvicorn.Config(hello, log_config=None, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    return server, listener, thread


def test_it_answers_with_a_date_and_ends_when_told() -> None:
    server, listener, thread = made()
    thread.start()
    answer = httpx.get("http://{}:{}".format(*listener.getsockname()), timeout=PATIENCE)
    assert answer.text == "hello"
    assert answer.headers["date"].endswith("GMT")
    server.end()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_one_that_is_told_to_end_before_it_has_begun_ends() -> None:
    server, _, thread = made()
    server.end()
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_no_piece_of_an_answer_waits_for_an_acknowledgement(seeded: Seeded) -> None:
    listener = socket.socket(socket.AF_INET)
    listener.bind(("127.0.0.1", 0))
    url = "http://{}:{}".format(*listener.getsockname())
    address = address_of("127.0.0.1", listener.getsockname()[1])
    with listener, serving(listener, seeded.board, seeded.url, seeded.folder, address):
        assert httpx.get(f"{url}/health", timeout=PATIENCE).status_code in (200, 503)
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)  # connections have what it has

"""Which hosts a call may reach, against servers that would tell if it had."""

from __future__ import annotations

import http.server
import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hosts import INNER, LOOPBACK, METADATA
from tests.listening import listening
from tests.operators.attempts import run_here as run
from yamldag.executors.reach import OutOfReachError, Reach, kind


class Canary(http.server.ThreadingHTTPServer):
    """Nobody is to come here. `/to` leads to where its query says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.came: list[str] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Canary

    def do_GET(self) -> None:
        self.server.came.append(self.path)
        way = self.path.startswith("/to?")
        self.send_response(302 if way else 200)
        if way:
            self.send_header("Location", self.path.partition("?")[2])
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    server = Canary()
    with listening(server):
        yield server


def test_there_are_eighty_forms() -> None:
    assert len({*LOOPBACK, *INNER, *METADATA}) == len(LOOPBACK) + len(INNER) + len(METADATA) >= 80


@pytest.mark.parametrize("host", [*LOOPBACK, *INNER, *METADATA])
def test_an_address_from_outside_never_reaches_the_inner_network(
    host: str, canary: Canary, tmp_path: Path
) -> None:
    url = f"http://{host}:{canary.server_port}/secret"
    for operator, params in (
        ("http", {"url": url}),
        ("copy", {"from": url, "to": "got"}),
        ("notify", {"to": url, "text": "t"}),
    ):
        outcome = run(operator, tmp_path, dict(params), inner=False)
        assert outcome.state == "failed", outcome
        refused = "where this call may not go" in outcome.reason
        assert (
            refused
            or "is not known" in outcome.reason
            or "can't be sent" in outcome.reason
            or "that can be" in outcome.reason
        ), outcome
    assert canary.came == []
    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize("host", METADATA)
def test_where_clouds_keep_credentials_is_reached_by_nobody_unless_it_is_listed(host: str) -> None:
    with pytest.raises(OutOfReachError, match="an address that is never asked"):
        Reach(inner=True).addresses(host, 80)
    assert Reach(inner=False, listed=[host.strip("[]").rstrip(".")]).addresses(host, 80)


def test_the_inner_network_is_reached_where_the_files_say_so(canary: Canary, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{canary.server_port}/mine"
    assert run("http", tmp_path, {"url": url}, inner=True).state == "success"
    for listed in ("127.0.0.1", "127.0.0.0/8", "local*", "::1"):
        wanted = "failed" if listed in ("local*", "::1") else "success"
        assert run("http", tmp_path, {"url": url}, inner=False, allow_hosts=(listed,)).state == wanted
    assert set(canary.came) == {"/mine"}
    canary.came.clear()


OPEN = "203.0.114.7"
"""An address in the open, of the test's own making: connections to it go to the canary."""


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch, canary: Canary) -> dict[str, list[str]]:
    """The names that are known, each with the addresses that it has in turn."""
    known: dict[str, list[str]] = {}
    ask, connect = socket.getaddrinfo, socket.create_connection

    def answer(host: Any, port: Any, *more: Any, **words: Any) -> Any:
        told = known.get(str(host))
        if told is None:
            return ask(host, port, *more, **words)
        address = told.pop(0) if len(told) > 1 else told[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def go(address: tuple[str, int], *more: Any, **words: Any) -> socket.socket:
        return connect(("127.0.0.1", canary.server_port) if address[0] == OPEN else address, *more, **words)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    monkeypatch.setattr(socket, "create_connection", go)
    return known


def test_a_name_that_changes_between_two_questions_is_asked_once(
    names: dict[str, list[str]], canary: Canary, tmp_path: Path
) -> None:
    names["rebind.example"] = [OPEN, "127.0.0.1"]
    outcome = run("http", tmp_path, {"url": f"http://rebind.example:{canary.server_port}/first"}, inner=False)
    assert outcome.state == "success", outcome  # by the address that was judged
    assert canary.came == ["/first"]
    canary.came.clear()
    names["inner.example"] = ["127.0.0.1"]
    outcome = run("http", tmp_path, {"url": f"http://inner.example:{canary.server_port}/"}, inner=False)
    assert "`inner.example` leads to a private or loopback address" in outcome.reason
    assert canary.came == []


@pytest.mark.parametrize("inner", [True, False])
def test_what_a_public_host_leads_to_is_not_the_inner_network(
    names: dict[str, list[str]], canary: Canary, tmp_path: Path, inner: bool
) -> None:
    names["open.example"] = [OPEN]
    there = f"http://127.0.0.1:{canary.server_port}/secret"
    outcome = run("http", tmp_path, {"url": f"http://open.example/to?{there}"}, inner=inner)
    assert "where this call may not go" in outcome.reason, outcome
    assert canary.came == [f"/to?{there}"]
    canary.came.clear()


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("93.184.216.34", "open"), ("2606:4700::1111", "open"), ("::ffff:93.184.216.34", "open"), ("2002:5db8:d822::1", "open"),
        ("127.0.0.1", "inner"), ("192.168.0.1", "inner"), ("::1", "inner"), ("fd00::1", "inner"),
        ("169.254.169.254", "closed"), ("0.0.0.0", "closed"), ("fe80::1", "closed"), ("::", "closed"),
    ],
)  # fmt: skip
def test_addresses_are_judged(address: str, wanted: str) -> None:
    assert kind(ipaddress.ip_address(address)) == wanted

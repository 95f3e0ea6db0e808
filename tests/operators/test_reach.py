"""Which hosts a call may reach, against servers that would tell if it had."""

from __future__ import annotations

import ipaddress
import select
import socket
import socketserver
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.answering import Asked, Said, Site, answering
from tests.certificates import Authority
from tests.hosts import INNER, LOOPBACK, METADATA
from tests.listening import listening
from tests.operators.attempts import run_here as run
from yamldag.executors.reach import OutOfReachError, Reach, kind
from yamldag.operators.contract import Json, Outcome


def lead(asked: Asked) -> Said:
    """`/to` leads to where its query says."""
    if asked.path.startswith("/to?"):
        return Said(302, headers={"Location": asked.path.partition("?")[2]})
    return Said()


@pytest.fixture(scope="module")
def canary() -> Iterator[Site]:
    """Nobody is to come here."""
    with answering(lead) as site:
        yield site


def came(site: Site) -> list[str]:
    return [asked.path for asked in site.came]


def test_there_are_eighty_forms() -> None:
    assert len({*LOOPBACK, *INNER, *METADATA}) == len(LOOPBACK) + len(INNER) + len(METADATA) >= 80


@pytest.mark.parametrize("host", [*LOOPBACK, *INNER, *METADATA])
def test_an_address_from_outside_never_reaches_the_inner_network(
    host: str, canary: Site, tmp_path: Path
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
    assert came(canary) == []
    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize("host", METADATA)
def test_where_clouds_keep_credentials_is_reached_by_nobody_unless_it_is_listed(host: str) -> None:
    with pytest.raises(OutOfReachError, match="an address that is never asked"):
        Reach(inner=True).addresses(host, 80)
    assert Reach(inner=False, listed=[host.strip("[]").rstrip(".")]).addresses(host, 80)


def test_the_inner_network_is_reached_where_the_files_say_so(canary: Site, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{canary.server_port}/mine"
    assert run("http", tmp_path, {"url": url}, inner=True).state == "success"
    for listed in ("127.0.0.1", "127.0.0.0/8", "local*", "::1"):
        wanted = "failed" if listed in ("local*", "::1") else "success"
        assert run("http", tmp_path, {"url": url}, inner=False, allow_hosts=(listed,)).state == wanted
    assert set(came(canary)) == {"/mine"}
    canary.came.clear()


OPEN = "203.0.114.7"
"""An address in the open, of the test's own making: connections to it go to the canary."""


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch, canary: Site) -> dict[str, list[str]]:
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
    names: dict[str, list[str]], canary: Site, tmp_path: Path
) -> None:
    names["rebind.example"] = [OPEN, "127.0.0.1"]
    outcome = run("http", tmp_path, {"url": f"http://rebind.example:{canary.server_port}/first"}, inner=False)
    assert outcome.state == "success", outcome  # by the address that was judged
    assert came(canary) == ["/first"]
    canary.came.clear()
    names["inner.example"] = ["127.0.0.1"]
    outcome = run("http", tmp_path, {"url": f"http://inner.example:{canary.server_port}/"}, inner=False)
    assert "`inner.example` leads to a private or loopback address" in outcome.reason
    assert came(canary) == []


@pytest.mark.parametrize("inner", [True, False])
def test_what_a_public_host_leads_to_is_not_the_inner_network(
    names: dict[str, list[str]], canary: Site, tmp_path: Path, inner: bool
) -> None:
    names["open.example"] = [OPEN]
    there = f"http://127.0.0.1:{canary.server_port}/secret"
    outcome = run("http", tmp_path, {"url": f"http://open.example/to?{there}"}, inner=inner)
    assert "where this call may not go" in outcome.reason, outcome
    assert came(canary) == [f"/to?{there}"]
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


# Through a proxy


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """One that the environment names; it tells what it was asked for."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with answering(
        lambda asked: Said(body=asked.path.encode(), headers={"Content-Type": "text/plain"})
    ) as server:
        monkeypatch.setenv("HTTP_PROXY", server.url)
        monkeypatch.setenv("HTTPS_PROXY", server.url.removeprefix("http://"))
        yield server


def body(outcome: Outcome) -> Json:
    assert isinstance(outcome.output, dict), outcome
    return outcome.output["body"]


def test_what_the_environment_names_as_proxy_is_gone_by(
    proxy: Site, canary: Site, names: dict[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that only the proxy knows as well; and none that `NO_PROXY` names."""
    names["open.example"] = [OPEN]
    for host in ("open.example", "known-to-the-proxy.invalid"):
        assert body(run("http", tmp_path, {"url": f"http://{host}/a"}, inner=False)) == f"http://{host}/a"
    inner = f"http://127.0.0.1:{canary.server_port}/mine"
    assert body(run("http", tmp_path, {"url": inner}, inner=True)) == inner
    assert came(canary) == []
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,open.example")
    assert run("http", tmp_path, {"url": inner}, inner=True).state == "success"
    names["open.example"] = [OPEN, "127.0.0.1"]  # and then it is as without one
    assert run("http", tmp_path, {"url": "http://open.example/b"}, inner=False).state == "success"
    assert came(canary) == ["/mine", "/b"]
    canary.came.clear()
    monkeypatch.delenv("HTTP_PROXY")
    names["open.example"] = [OPEN, "127.0.0.1"]
    assert run("http", tmp_path, {"url": "http://open.example/c"}, inner=False).state == "success"
    assert came(canary) == ["/c"]
    canary.came.clear()


@pytest.mark.parametrize("host", [*LOOPBACK, *INNER, *METADATA])
def test_no_proxy_is_asked_for_the_inner_network(host: str, proxy: Site, tmp_path: Path) -> None:
    for scheme in ("http", "https"):
        outcome = run("http", tmp_path, {"url": f"{scheme}://{host}/secret"}, inner=False)
        assert outcome.state == "failed", outcome
    assert proxy.came == []


def test_a_spelling_that_is_not_known_here_is_not_left_to_the_proxy(
    proxy: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not every system reads octal numbers, or addresses of three parts; a proxy may."""

    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr("yamldag.executors.reach.socket.getaddrinfo", unknown)
    for host in ("127.1", "0177.1", "0x7f.1", "2130706433", "0xa9fea9fe", "a.1"):
        outcome = run("http", tmp_path, {"url": f"http://{host}/"}, inner=False)
        assert outcome.reason == f"the host `{host}` is not known"
    assert proxy.came == []


class Tunnel(socketserver.StreamRequestHandler):
    """A proxy that lets each connection through, wherever it is to go, to one port of this machine."""

    asked: list[str]
    to: int

    def handle(self) -> None:
        head = [line for line in iter(self.rfile.readline, b"\r\n") if line]
        self.asked.append(head[0].decode().strip())
        with socket.create_connection(("127.0.0.1", self.to)) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ways = {self.connection: there, there: self.connection}
            while ready := select.select([*ways], [], [])[0]:
                if not all(self._pass_on(side, ways[side]) for side in ready):
                    return

    def _pass_on(self, side: socket.socket, other: socket.socket) -> bool:
        data = side.recv(1 << 16)
        other.sendall(data)
        return bool(data)


def test_certificates_go_through_a_proxy_as_they_are(
    proxy: Site, names: dict[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours to the host, and that of the host, by its name, to us."""
    names["open.example"], names["other.example"] = [OPEN], [OPEN]
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("open.example"))
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED
    tls: dict[str, Json] = {"ca": str(authority.file), "cert": str(authority.issue("etl"))}
    with answering(lambda asked: Said(body=(asked.who or "").encode()), context) as site:
        asked: list[str] = []
        handler = type("Handler", (Tunnel,), {"asked": asked, "to": site.server_port})
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as tunnel, listening(tunnel):
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{tunnel.server_address[1]}")
            found = {
                host: run(
                    "http", tmp_path, {"connection": {"type": "https", "host": host, **tls}, "path": "a"}
                )
                for host in ("open.example", "other.example")
            }
    assert body(found["open.example"]) == "etl"
    assert found["other.example"].reason == "the certificate of `other.example` is not to be trusted"
    assert asked == [f"CONNECT {host}:443 HTTP/1.1" for host in ("open.example", "other.example")]


def test_a_proxy_that_refuses_or_is_away_is_told_of(
    proxy: Site, names: dict[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names["open.example"] = [OPEN]
    outcome = run("http", tmp_path, {"url": "https://open.example/a"}, inner=False)
    words = "the proxy on the way to `open.example` does not let us through: "
    assert (outcome.reason, outcome.retry) == (f"{words}501 Unsupported method ('CONNECT')", True)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    outcome = run("http", tmp_path, {"url": "http://open.example/a"}, inner=False)
    assert outcome.reason == f"{words}it can't be reached"
    monkeypatch.setenv("HTTP_PROXY", "socks5://127.0.0.1:1")
    outcome = run("http", tmp_path, {"url": "http://open.example/a"}, inner=False)
    assert outcome.reason == f"{words}`socks5` is no kind of proxy that is taken"

"""Where the pages are: by which names they may be asked for, and what counts as the same origin."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """`hosts` are as the Host header has them, in lower case."""

    scheme: str
    hosts: frozenset[str]
    port: int
    loopback: bool
    """Only this machine reaches us, and by no other name."""

    def serves(self, host: str) -> bool:
        """Whether a request may name this host. A number can't be made to point elsewhere, so any of ours will
        do where others may ask at all."""
        return host in self.hosts or (not self.loopback and self._is_number(host))

    def is_own(self, origin: str, host: str) -> bool:
        """Whether a page of that origin is one of ours."""
        return origin == f"{self.scheme}://{host}"

    def _is_number(self, host: str) -> bool:
        name, colon, port = host.rpartition(":")
        if not colon or "]" in port:
            name, port = host, str(_PORTS[self.scheme])
        if port != str(self.port):
            return False
        try:
            ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return True

    @property
    def cookie(self) -> str:
        """The name of the session's cookie. With that prefix a browser takes it over https alone."""
        return "__Host-yamldag" if self.scheme == "https" else f"yamldag-{self.port}"


def address_of(host: str, port: int, url: str | None = None) -> Address:
    """Of a server that listens at `host` and `port`, and is known as `url` if a proxy stands before it."""
    names = {*LOOPBACK} if host in LOOPBACK else {*LOOPBACK, host, socket.gethostname(), socket.getfqdn()}
    hosts = {hostport(name, port, "http") for name in names} | (
        {_bracketed(name) for name in names} if port == _PORTS["http"] else set()
    )
    if url is None:
        return Address("http", frozenset(hosts), port, host in LOOPBACK)
    parts = urlsplit(url)
    return Address(parts.scheme, frozenset({parts.netloc.lower()}), parts.port or _PORTS[parts.scheme], False)


def hostport(name: str, port: int, scheme: str) -> str:
    return f"{_bracketed(name)}:{port}" if port != _PORTS[scheme] or scheme == "http" else _bracketed(name)


def _bracketed(name: str) -> str:
    return f"[{name}]".lower() if ":" in name else name.lower()

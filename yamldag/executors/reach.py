"""Which machines a task may speak to. A name is resolved once, each of its addresses is judged, and the connection
goes to one that was judged: neither a number that looks like a name nor a name that changes gets past.

Link-local addresses, where clouds keep their credentials, are reached only if the project lists them. The inner
network (loopback, private addresses) is reached where the project's own files say so, or whoever runs a pipeline on
their own machine; what a public host leads to (a redirect, the address of a next page) is neither.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeAlias
from urllib.request import getproxies, proxy_bypass

import httpx

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Kind = Literal["open", "inner", "closed"]

_CLOSED = tuple(
    map(
        ipaddress.ip_network,
        (
            *("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/128", "fe80::/10", "ff00::/8"),
            # where other clouds keep what a machine may know of itself
            *("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::/32", "fd20:ce::/32"),
        ),
    )
)
_EMBEDDING = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))
"""Networks of IPv6 whose last 32 bits are an address of IPv4."""


_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
"""What the last part of a host looks like that is an address, in one spelling or another."""


class OutOfReachError(Exception):
    """Why a host is not spoken to, in words."""


def kind(address: Address) -> Kind:
    """Whether it is in the open, in the inner network, or where nothing is to be asked."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = _embedded(address)
        if inside is not None:
            return kind(inside)
    if any(address in network for network in _CLOSED if network.version == address.version):
        return "closed"
    return "open" if address.is_global else "inner"


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The address of IPv4 that one of IPv6 leads to."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if int(address) > 1 and any(address in network for network in _EMBEDDING):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


class Reach:
    """What one call may reach. It is told of every host in turn."""

    def __init__(self, *, inner: bool, listed: Iterable[str] = ()) -> None:
        self._inner = inner
        self._listed = tuple(each.strip().lower() for each in listed)

    def addresses(self, host: str, port: int) -> list[str]:
        """Those of a host, all of them judged. Raises OutOfReachError, OSError."""
        name = host.strip("[]").rstrip(".").lower()
        found = list(dict.fromkeys(_resolved(name, port)))
        kinds = [self._judged(name, address) for address in found]
        if "open" in kinds:
            self._inner = False
        return [str(address) for address in found]

    def _judged(self, host: str, address: Address) -> Kind:
        found = kind(address)
        if found == "open" or self._lists(host, address) or (found == "inner" and self._inner):
            return found
        what = "a private or loopback address" if found == "inner" else "an address that is never asked"
        raise OutOfReachError(
            f"`{host}` leads to {what}, where this call may not go: list `{host}` under `allow_hosts` in yamldag.yml"
            " if it should"
        )

    def _lists(self, host: str, address: Address) -> bool:
        for each in self._listed:
            network = _network(each)
            if network is not None:
                if network.version == address.version and address in network:
                    return True
            elif fnmatchcase(host, each):
                return True
        return False


def _network(written: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(written.strip("[]"), strict=False)
    except ValueError:
        return None


def _resolved(host: str, port: int) -> Iterable[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "no such name") from None
    return (ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found)


class Guided(httpx.BaseTransport):
    """Sends each request by the proxy that the environment names for its host, or straight to an address of that. By a
    proxy it is the proxy that connects: the host is judged as well, as far as it is known here."""

    def __init__(self, reach: Reach, verify: ssl.SSLContext) -> None:
        self._reach = reach
        self._verify = verify
        self._straight = _Pinned(reach, verify=verify)
        self._proxies: dict[str, httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if url.scheme not in ("http", "https") or not url.host:
            raise httpx.UnsupportedProtocol("this is no address of the web")
        proxy = _proxy(url)
        if proxy is None:
            return self._straight.handle_request(request)
        try:
            self._reach.addresses(url.host, _port(url))
        except socket.gaierror:
            if _NUMBER.fullmatch(url.host.rstrip(".").rpartition(".")[2]):
                raise  # a spelling of an address that the proxy may read otherwise
        return self._by(proxy, request)

    def _by(self, proxy: str, request: httpx.Request) -> httpx.Response:
        if not proxy.startswith(("http://", "https://")):
            raise httpx.ProxyError(f"`{proxy.partition('://')[0]}` is no kind of proxy that is taken")
        if proxy not in self._proxies:
            self._proxies[proxy] = httpx.HTTPTransport(verify=self._verify, proxy=proxy)
        try:
            return self._proxies[proxy].handle_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if isinstance(error.__cause__, ssl.SSLError) or "certificate" in str(error).lower():
                raise
            raise httpx.ProxyError("it can't be reached") from error

    def close(self) -> None:
        for transport in (self._straight, *self._proxies.values()):
            transport.close()


def _proxy(url: httpx.URL) -> str | None:
    """Of the environment: `HTTP_PROXY` and its like, but for what `NO_PROXY` names."""
    known = getproxies()
    found = known.get(url.scheme) or known.get("all")
    if not found or proxy_bypass(url.host):
        return None
    return found if "://" in found else f"http://{found}"


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


class _Pinned(httpx.HTTPTransport):
    """Connects to the addresses that were judged, in their order; certificates are asked for the name."""

    def __init__(self, reach: Reach, **settings: Any) -> None:
        super().__init__(**settings)
        self._reach = reach

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        addresses = self._reach.addresses(url.host, _port(url))
        for number, address in enumerate(addresses, 1):
            try:
                return super().handle_request(_to(address, request))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise socket.gaierror(socket.EAI_NONAME, "no such name")


def _to(address: str, request: httpx.Request) -> httpx.Request:
    extensions = {**request.extensions, "sni_hostname": request.url.host}
    url = request.url.copy_with(host=address)
    return httpx.Request(
        request.method, url, headers=request.headers, stream=request.stream, extensions=extensions
    )

"""What every request and every answer passes, whatever it is for: which hosts, which paths, from which pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yamldag.web.address import Address
from yamldag.web.body import LIMIT
from yamldag.web.problem import problem

SAFE = ("GET", "HEAD")
HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_OF_BROWSERS = ("cookie", "origin", "sec-fetch-site", "authorization")
"""What a program without a token says nothing of: it is told what it lacks."""
_PATH = re.compile(rb"/(?:[A-Za-z0-9_.@-]+/)*[A-Za-z0-9_.@-]*")
"""As it is sent: no escapes, no empty parts, so that nothing can be read in two ways."""


class Guard:
    """Before all routes."""

    def __init__(self, inside: ASGIApp, address: Address) -> None:
        self.inside = inside
        self.address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _headers(message["headers"], https=self.address.scheme == "https")
            await send(message)

        await (self._refusal(scope) or self.inside)(scope, receive, marked)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        hosts = [value.lower() for value in headers.getlist("host")]
        path = scope.get("raw_path") or scope["path"].encode()
        length = headers.get("content-length", "0")
        if len(hosts) != 1 or not self.address.serves(hosts[0]):
            return _told(path, 400, "this address is not served here")
        if not _PATH.fullmatch(path) or b".." in path.split(b"/") or b"." in path.split(b"/"):
            return _told(path, 404, "there is nothing of that name")
        if scope["method"] not in SAFE and not self._is_own(headers, hosts[0]):
            words = "this was not asked by a page of ours; a program asks with `Authorization: Bearer TOKEN`"
            if path.startswith(b"/api/") and not any(name in headers for name in _OF_BROWSERS):
                return _told(path, 401, words, {"www-authenticate": 'Bearer realm="yamldag"'})
            return _told(path, 403, words)
        if not length.isascii() or not length.isdigit():
            return _told(path, 400, "the length of the body is no number")
        if int(length) > LIMIT:
            return _told(path, 413, f"more than {LIMIT} bytes are not taken", {"connection": "close"})
        return None

    def _is_own(self, headers: Headers, host: str) -> bool:
        """Whether one of our pages asks, or a program: a browser adds neither a token nor a signature by itself, and
        asks first whether a page of elsewhere may add one, which nothing here allows."""
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None and site != "same-origin":
            return False
        if origin is not None:
            return self.address.is_own(origin.lower(), host)
        by_token = headers.get("authorization", "").lower().startswith("bearer ")
        return site == "same-origin" or by_token or "webhook-signature" in headers


def _told(path: bytes, status: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
    """For programs as they read it: nobody is known yet, so nothing more is said."""
    if path.startswith(b"/api/"):
        return problem(status, HTTPStatus(status).phrase, words, headers)
    return PlainTextResponse(f"{words}\n", status, headers)


def _headers(given: list[tuple[bytes, bytes]], *, https: bool) -> list[tuple[bytes, bytes]]:
    """What an answer says of itself, but for what is ours to say. It is kept nowhere unless it says otherwise."""
    ours: Mapping[str, str] = HEADERS | ({"strict-transport-security": "max-age=31536000"} if https else {})
    names = {name.encode() for name in ours}
    kept = [(name, value) for name, value in given if name.lower() not in names]
    kept += [(name.encode(), value.encode()) for name, value in ours.items()]
    if not any(name.lower() == b"cache-control" for name, _ in kept):
        kept.append((b"cache-control", b"no-store"))
    return kept

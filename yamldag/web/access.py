"""A line for each request, where somebody reads them: what was asked of which route, by whom, and how it ended.

Nothing that whoever asks has written is in it, for anything may be a secret: no header, no body, no query, and of the
path only the route's own pattern."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yamldag.web.auth.who import NOBODY, Who

Line: TypeAlias = dict[str, str | int | float | None]
Tell: TypeAlias = Callable[[Line], None]

_HEARD = "yamldag.heard"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(slots=True)
class Heard:
    """What is known of a request by its end."""

    route: str | None = None
    """Its pattern, such as `/runs/{run}`; None: no route was reached."""
    who: Who = NOBODY
    bug: str | None = None
    """The path of the log of a mistake of ours that it has met with."""


def heard(scope: Scope) -> Heard:
    """Of this request; to be filled in on its way."""
    found = scope.get(_HEARD)
    return found if isinstance(found, Heard) else Heard()


def is_told(scope: Scope) -> bool:
    """Whether there will be a line of this request."""
    return _HEARD in scope


class Access:
    """Before the guard. Each answer bears the id that its line has: `x-request-id`."""

    def __init__(self, inside: ASGIApp, tell: Tell) -> None:
        self.inside = inside
        self.tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.inside(scope, receive, send)
        began, request, status = time.perf_counter(), uuid4().hex, 0
        known = scope[_HEARD] = Heard()

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request.encode())]
            await send(message)

        try:
            await self.inside(scope, receive, marked)
        finally:
            self.tell(_line(scope["method"], known, status, time.perf_counter() - began, request))
        return None


def _line(method: str, known: Heard, status: int, seconds: float, request: str) -> Line:
    """`status` is null where whoever asked had gone before there was one."""
    return {
        **({"level": "error", "bug": known.bug} if known.bug else {}),
        "message": "request",
        "method": method if method in _METHODS else "other",
        "route": known.route,
        "status": status or None,
        "ms": round(seconds * 1000, 1),
        "user": known.who.name or None,
        "via": known.who.via or None,
        "request": request,
    }

"""The door of a route: nobody passes it whom the route does not want, and the handler hears of nobody else."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from yamldag.bug import write_log
from yamldag.engine.memory.reading import Unreadable
from yamldag.store.database import Away, CannotOpen
from yamldag.web.access import heard, is_told
from yamldag.web.api.checked import checked
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.auth.who import NOBODY, Who
from yamldag.web.body import LIMIT, PATIENCE, TooLong, TooSlow, body_of
from yamldag.web.route import Kind, Route
from yamldag.web.site import Site

_UNASKED = (Kind.STATIC,)
"""Kinds whose public routes are the same for everybody."""


class Door:
    """An ASGI application of one route."""

    def __init__(self, route: Route, site: Site) -> None:
        self.route = route
        self.site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        heard(scope).route = self.route.path
        try:
            answer = await self._answer(request)
        except ClientDisconnect:
            return
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        """The one place of the pages that catches everything: the scheduler beside them goes on."""
        ask = Ask(self.site, request, self.route)
        try:
            return await self._asked(request)
        except ClientDisconnect:
            raise
        except TooLong:
            return ask.failed(413, "That is too long", f"More than {LIMIT} bytes are not taken.", _CLOSE)
        except TooSlow:
            return ask.failed(
                408, "That took too long", f"A body is sent within {PATIENCE:.0f} seconds.", _CLOSE
            )
        except (Away, CannotOpen) as away:
            return await run_in_threadpool(
                ask.failed, 503, "The database is away", f"{away}.", {"retry-after": "5"}
            )
        except Unreadable as spoilt:
            words = f"{spoilt}."
            return await run_in_threadpool(
                ask.failed, 500, "This can't be read", words[:1].upper() + words[1:]
            )
        except Exception as problem:
            return self._our_bug(ask, problem)

    async def _asked(self, request: Request) -> Response:
        route = self.route
        asks = route.role > Role.PUBLIC or route.kind not in _UNASKED
        who = await run_in_threadpool(self._who, request) if asks else NOBODY
        heard(request.scope).who = who
        if not who.may(route.role):
            return await run_in_threadpool(refused, Ask(self.site, request, route, who))
        body = await body_of(request) if route.method != "GET" else b""
        ask = Ask(self.site, request, route, who, body, self.site.hub.settled)
        if inspect.iscoroutinefunction(route.handler):
            made = await route.handler(ask)
        else:
            handler = checked if route.kind is Kind.API else route.handler
            made = await run_in_threadpool(handler, ask)
        assert isinstance(made, Response)
        return made

    def _who(self, request: Request) -> Who:
        """What is open to all is so while the database is away, too: whether we are well, above all."""
        try:
            return self.site.gate.who(request)
        except Away:
            if self.route.role > Role.PUBLIC:
                raise
            return NOBODY

    def _our_bug(self, ask: Ask, problem: Exception) -> Response:
        path = ask.request.url.path
        log = write_log(f"page: {path!a}", problem)
        heard(ask.request.scope).bug = str(log)
        if not is_told(ask.request.scope):
            shown = path.encode("ascii", "replace").decode()[:200]
            sys.stderr.write(
                f"yamldag serve: {shown!r} can't be shown; please report this bug with its log: {log}\n"
            )
        words = "A bug in yamldag, and the terminal names its log."
        try:
            return ask.failed(500, "This can't be shown", words)
        except Exception:  # the frame itself is what fails
            return Response(f"this can't be shown: {words}\n", 500, media_type="text/plain")


_CLOSE = {"connection": "close"}


def refused(ask: Ask) -> Response:
    """Why whoever asks may not: a person is led to where they can log in."""
    route = ask.route
    assert route is not None
    if ask.who.role > Role.PUBLIC:
        words = f"That wants the role {route.role.word}; {ask.who.name} has {ask.who.role.word}."
        return ask.failed(403, "You may not do that", words)
    if route.kind is Kind.PAGE:
        return RedirectResponse(f"/login?{urlencode({'next': _here(ask)})}", 303)
    words = "Log in first." if route.kind is Kind.ACTION else "Send a token: `Authorization: Bearer TOKEN`."
    return ask.failed(401, "Who are you?", words, _BEARER)


_BEARER: Mapping[str, str] = {"www-authenticate": 'Bearer realm="yamldag"'}


def _here(ask: Ask) -> str:
    url = ask.request.url
    return url.path + (f"?{url.query}" if url.query else "")

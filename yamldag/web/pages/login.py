"""Logging in and out."""

from __future__ import annotations

from starlette.responses import Response

from yamldag.store.sessions import LONGEST
from yamldag.web.ask import Ask, local_path
from yamldag.web.auth.login import Refused, log_in, log_out
from yamldag.web.auth.roles import Role
from yamldag.web.route import Kind, Route


def form(ask: Ask) -> Response:
    back = local_path(ask.query("next"))
    if ask.who.role > Role.PUBLIC:
        return ask.to(back)
    return ask.page("login.html", back=back, name="", wrong="", elsewhere=ask.site.provider is not None)


def enter(ask: Ask) -> Response:
    given = ask.form()
    back, name = local_path(given.get("next", "")), given.get("name", "")
    with ask.site.writing() as database:
        came = log_in(database, name, given.get("password", ""), ask.address, ask.now)
        if not isinstance(came, Refused) and ask.who.via == "session" and ask.who.secret:
            log_out(database, ask.who.secret, ask.who.name, ask.address, ask.now)
    if isinstance(came, Refused):
        shown = {"back": back, "name": name[:200], "wrong": came.words}
        answer = ask.page(
            "login.html", 429 if came.wait else 401, **shown, elsewhere=ask.site.provider is not None
        )
        if came.wait:
            answer.headers["retry-after"] = str(came.wait)
        return answer
    answer = ask.to(back)
    answer.set_cookie(
        ask.site.address.cookie,
        came,
        max_age=int(LONGEST),
        path="/",
        secure=ask.site.address.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


def leave(ask: Ask) -> Response:
    if ask.who.via == "session" and ask.who.secret:
        with ask.site.writing() as database:
            log_out(database, ask.who.secret, ask.who.name, ask.address, ask.now)
    answer = ask.to("/login")
    secure = ask.site.address.scheme == "https"
    answer.delete_cookie(ask.site.address.cookie, path="/", secure=secure, httponly=True, samesite="strict")
    return answer


ROUTES = (
    Route("login", "GET", "/login", form, Role.PUBLIC, Kind.PAGE),
    Route("enter", "POST", "/login", enter, Role.PUBLIC, Kind.ACTION),
    Route("leave", "POST", "/logout", leave, Role.PUBLIC, Kind.ACTION),
)

"""Logging in at a provider of OpenID Connect, and coming back."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from yamldag.store import audit, sessions, users
from yamldag.store.database import Database
from yamldag.store.sessions import LONGEST
from yamldag.web.ask import Ask, local_path
from yamldag.web.auth.oidc import FLOW, Denied, Person
from yamldag.web.auth.roles import Role
from yamldag.web.auth.secrets import digest, new_secret
from yamldag.web.route import Kind, Route

_COOKIE = "yamldag-elsewhere"
_BACK = "/login/oidc/back"


def begin(ask: Ask) -> Response:
    provider = ask.site.provider
    if provider is None:
        return ask.missing()
    try:
        url, state = provider.begin(local_path(ask.query("next")), _here(ask), ask.now)
    except Denied as denied:
        return _denied(ask, str(denied), 503)
    answer = RedirectResponse(url, 303)
    secure = ask.site.address.scheme == "https"
    # Lax: the browser comes back from the provider's pages, and is to have it then.
    answer.set_cookie(
        _COOKIE, state, max_age=int(FLOW), path=_BACK, secure=secure, httponly=True, samesite="lax"
    )
    return answer


def back(ask: Ask) -> Response:
    provider = ask.site.provider
    if provider is None:
        return ask.missing()
    kept = ask.request.cookies.get(_COOKIE, "")
    try:
        person, way = provider.finish(ask.request.query_params, kept, _here(ask), ask.now)
        with ask.site.writing() as database:
            secret = enter(database, person, ask.address, ask.now)
    except Denied as denied:
        return _denied(ask, str(denied), 401)
    # A page, and no redirect: a strict cookie goes with no request that another site has led to.
    answer = ask.page("entered.html", back=local_path(way))
    secure = ask.site.address.scheme == "https"
    answer.delete_cookie(_COOKIE, path=_BACK, secure=secure, httponly=True, samesite="lax")
    answer.set_cookie(
        ask.site.address.cookie,
        secret,
        max_age=int(LONGEST),
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    return answer


def enter(database: Database, person: Person, address: str, now: float) -> str:
    """A session of the account that is this person's, with the role that they have by now. An account of the same
    name that is somebody else's, by a password or of another provider, is theirs alone. Raises Denied."""
    secret = new_secret()

    def work() -> str | None:
        found = users.user(database, person.name)
        if found is None:
            users.add(database, person.name, person.role, person.mark, now)
        elif found.password != person.mark:
            return f"there is an account `{person.name}` here that is not the provider's"
        elif found.disabled is not None:
            return "that account is disabled"
        users.set_role(database, person.name, person.role)
        sessions.begin(database, digest(secret), person.name, address, now)
        deed = audit.Deed(person.name, "oidc", address, "login", person.name, {"role": person.role})
        audit.record(database, deed, "logged in", now)
        return None

    if wrong := database.write(work):
        raise Denied(wrong)
    return secret


def _here(ask: Ask) -> str:
    return f"{ask.site.address.scheme}://{ask.request.headers['host']}{_BACK}"


def _denied(ask: Ask, words: str, status: int) -> Response:
    return ask.page("login.html", status, back="/", name="", wrong=words, elsewhere=True)


ROUTES = (
    Route("oidc", "GET", "/login/oidc", begin, Role.PUBLIC, Kind.PAGE),
    Route("oidc_back", "GET", _BACK, back, Role.PUBLIC, Kind.PAGE),
)

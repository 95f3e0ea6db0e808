"""Each route × each credential × each trick with its path: nobody gets what is not theirs.

What is expected follows from the table of routes alone, so a route that is added is tested by being there.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp

from tests.web.browser import BASE, OWN
from tests.web.conftest import Hosted, add_token, add_user, hosted_by
from tests.web.seeds import NOW, seed
from yamldag.store import sessions, tokens, users
from yamldag.store.database import open_database
from yamldag.web.address import address_of
from yamldag.web.auth.roles import Role
from yamldag.web.auth.secrets import digest, new_secret, new_token
from yamldag.web.auth.who import NOBODY
from yamldag.web.route import Kind, Route
from yamldag.web.routes import TABLE

VALUES = {"pipeline": "p000", "run": "p000-00001", "name": "nothing", "number": "1"}

# What a path may be made into that must not be the route it was made from.
TRICKS = {
    "health behind": "{}/health",
    "configs behind": "{}/configs",
    "login behind": "{}/login",
    "semicolon": "{};x",
    "semicolon health": "{};/health",
    "escaped slash": "{}%2f",
    "escaped slash and login": "{}%2flogin",
    "twice escaped": "{}%252f",
    "two slashes": "/{}",
    "slash behind": "{}/",
    "dots": "/login/..{}",
    "escaped dots": "/login/%2e%2e{}",
    "static dots": "/static/..{}",
    "backslash": "{}\\",
    "escaped backslash": "{}%5c",
    "nul": "{}%00",
    "escaped letter": "/%6{}",
    "upper case": "upper",
    "space": "{}%20",
    "dot": "{}/.",
}


TRICKSTERS = ("nobody", "an invented token", "a disabled user's session", "a good session and a bad token")
METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND")
HOSTS = ("evil.example", "127.0.0.1:8081", "localhost.evil.example:8080", "", "[::2]:8080")
# What a browser says of a request that another site has made.
FOREIGN: list[dict[str, str]] = [
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:8081"},
    {"origin": "https://127.0.0.1:8080"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "same-origin", "origin": "http://evil.example"},
    {"sec-fetch-site": "cross-site", "origin": BASE},
    {"sec-fetch-site": "cross-site", "authorization": "Bearer x"},
    {},
]


@dataclass
class House:
    """An application with accounts, and by what each caller asks."""

    hosted: Hosted
    callers: dict[str, tuple[Role, dict[str, str]]]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    seeded = seed(Path(tmp_path_factory.mktemp("house")))
    hosted = hosted_by(seeded, address_of("127.0.0.1", 8080))
    callers: dict[str, tuple[Role, dict[str, str]]] = {
        "nobody": (Role.PUBLIC, {}),
        "an invented token": (Role.PUBLIC, {"authorization": f"Bearer {new_token()}"}),
        "nothing": (Role.PUBLIC, {"authorization": "Bearer nothing"}),
        "an empty token": (Role.PUBLIC, {"authorization": "Bearer "}),
        "a basic password": (Role.PUBLIC, {"authorization": "Basic dmlld2VyOnZpZXdlcg=="}),
        "an invented session": (Role.PUBLIC, {"cookie": f"yamldag-8080={new_secret()}"}),
        "a session of elsewhere": (Role.PUBLIC, {"cookie": f"yamldag-8081={new_secret()}"}),
    }
    for role in (Role.VIEWER, Role.OPERATOR, Role.ADMIN):
        token = add_token(seeded, role.word, role.word)
        callers[f"a token, {role.word}"] = (role, {"authorization": f"Bearer {token}"})
    callers["an expired token"] = (
        Role.PUBLIC, {"authorization": f"Bearer {add_token(seeded, 'old', 'admin', NOW - 1)}"},
    )  # fmt: skip
    revoked = add_token(seeded, "revoked", "admin")
    callers["a revoked token"] = (Role.PUBLIC, {"authorization": f"Bearer {revoked}"})
    for role in (Role.VIEWER, Role.OPERATOR, Role.ADMIN):
        add_user(seeded, role.word, role.word)
        callers[f"a session, {role.word}"] = (role, {"cookie": f"yamldag-8080={session(hosted, role.word)}"})
    add_user(seeded, "gone", "admin")
    callers["a disabled user's session"] = (
        Role.PUBLIC,
        {"cookie": f"yamldag-8080={session(hosted, 'gone')}"},
    )
    callers["a session over its time"] = (
        Role.PUBLIC, {"cookie": f"yamldag-8080={session(hosted, 'admin', NOW - sessions.LONGEST - 1)}"},
    )  # fmt: skip
    callers["a good session and a bad token"] = (
        Role.PUBLIC, {**callers["a session, admin"][1], "authorization": f"Bearer {new_token()}"},
    )  # fmt: skip
    database = open_database(seeded.url)
    database.write(lambda: tokens.revoke(database, "revoked", NOW))
    database.execute("UPDATE account SET disabled = ? WHERE name = 'gone'", (NOW,))
    assert users.are_there(database)
    database.close()
    yield House(hosted, callers)
    hosted.site.hub.close()


def session(hosted: Hosted, name: str, began: float = NOW, secret: str | None = None) -> str:
    """One that has begun; `secret`: this one, again."""
    secret = secret or new_secret()
    database = open_database(hosted.seeded.url)
    database.write(lambda: sessions.begin(database, digest(secret), name, "here", began))
    database.close()
    return secret


def path_of(route: Route) -> str:
    return route.path.format(**VALUES)


async def status_of(app: ASGIApp, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """A stream counts as answered when it begins, and is left then."""
    begun: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
    asked = httpx.Request(method, BASE + "/", headers=headers)
    raw = path.partition("?")[0].encode()
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "query_string": b"",
        "path": httpx.URL(BASE + path).path if raw.startswith(b"/") else path, "raw_path": raw, "root_path": "",
        "headers": [(name.lower(), value) for name, value in asked.headers.raw],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8080),
    }  # fmt: skip
    gone = asyncio.Event()

    async def receive() -> dict[str, object]:
        if not gone.is_set():
            gone.set()
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start" and not begun.done():
            heads = {name.decode(): value.decode() for name, value in message["headers"]}  # type: ignore[attr-defined]
            begun.set_result((int(str(message["status"])), heads.get("location", "")))

    task = asyncio.ensure_future(app(scope, receive, send))  # type: ignore[arg-type]
    try:
        return await begun
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def asked(house: House, cases: list[tuple[str, str, dict[str, str]]]) -> list[tuple[int, str]]:
    async def ask() -> list[tuple[int, str]]:
        return [await status_of(house.hosted.app, *case) for case in cases]

    return asyncio.run(ask())


@pytest.mark.parametrize("route", TABLE.routes, ids=lambda route: route.name)
def test_a_route_opens_to_its_role_and_to_nobody_below(house: House, route: Route) -> None:
    callers = list(house.callers.items())
    answers = asked(
        house, [(route.method, path_of(route), {**OWN, **headers}) for _, (_, headers) in callers]
    )
    if route.name == "leave":
        for name, (role, headers) in callers:
            if name.startswith("a session, "):
                session(house.hosted, role.word, secret=headers["cookie"].partition("=")[2])
    for (name, (role, _)), (status, location) in zip(callers, answers, strict=True):
        if role >= route.role:
            assert status not in (401, 403, 405) or route.name in ("enter", "hook"), f"{name}: {status}"
            assert not location.startswith("/login") or route.name == "leave", name
        elif role > Role.PUBLIC:
            assert status == 403, f"{name}: {status}"
        elif route.kind is Kind.PAGE:
            assert (status, location.partition("?")[0]) == (303, "/login"), f"{name}: {status}"
        else:
            assert status == 401, f"{name}: {status}"


@pytest.mark.parametrize("route", TABLE.routes, ids=lambda route: route.name)
def test_no_trick_with_a_path_opens_what_is_closed(house: House, route: Route) -> None:
    """Nobody at all gets no more than what is public by its own name."""
    paths = [
        path.upper() if trick == "upper" else trick.format(path)
        for trick in TRICKS.values()
        for path in [path_of(route)]
    ]
    outsiders = [house.callers[name][1] for name in TRICKSTERS]
    cases = [
        (route.method, path, {**OWN, **headers}) for path, headers in itertools.product(paths, outsiders)
    ]
    answers = asked(house, cases)
    for case, (status, location) in zip(cases, answers, strict=True):
        led_away = status == 303 and location.startswith("/login")
        assert status in (400, 401, 404, 405) or led_away, f"{case}: {status} {location}"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("route", TABLE.routes, ids=lambda route: route.name)
def test_nothing_is_changed_by_a_page_of_elsewhere(house: House, route: Route, method: str) -> None:
    """With a good session, which a browser may add by itself."""
    cookie = house.callers["a session, admin"][1]
    answers = asked(house, [(method, path_of(route), {**cookie, **headers}) for headers in FOREIGN])
    assert {status for status, _ in answers} == {403}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("route", TABLE.routes, ids=lambda route: route.name)
def test_no_other_host_is_served(house: House, route: Route, host: str) -> None:
    admin = house.callers["a token, admin"][1]
    answers = asked(house, [(route.method, path_of(route), {**OWN, **admin, "host": host})])
    assert [status for status, _ in answers] == [400]


def test_the_matrix_is_large(house: House) -> None:
    each = len(house.callers) + len(TRICKS) * len(TRICKSTERS) + len(METHODS) * len(FOREIGN) + len(HOSTS)
    print(f"\n{each * len(TABLE.routes)} cases: {len(TABLE.routes)} routes, {each} ways to ask each")
    assert each * len(TABLE.routes) >= 2_000


def test_what_is_open_to_all_is_what_is_meant_to_be() -> None:
    public = {route.name for route in TABLE.routes if route.role is Role.PUBLIC}
    assert public == {
        "health",
        "ready",
        "static",
        "login",
        "enter",
        "leave",
        "look",
        "hook",
        "oidc",
        "oidc_back",
    }


def test_every_route_that_changes_something_wants_an_operator_at_least() -> None:
    changing = {route.name: route.role for route in TABLE.routes if route.method != "GET"}
    own = {"enter", "leave", "look", "hook"}  # a hook's messages are signed
    assert all(role >= Role.OPERATOR for name, role in changing.items() if name not in own)


def test_random_tokens_open_nothing(house: House) -> None:
    """By the one function that makes somebody of a request, ten thousand times: strings of ours and of others."""
    gate, made = house.hosted.site.gate, random.Random(7)
    shapes = (
        new_token,
        lambda: "yd_" + "".join(made.choices(string.ascii_letters + string.digits + "-_", k=43)),
        lambda: "".join(made.choices(string.printable.strip(), k=made.randint(0, 220))),
        lambda: made.choice(
            ("nothing", "null", "undefined", "' OR 1=1 --", "viewer", "admin", "*", "%", "_" * 46)
        ),
    )
    known = 0
    for number in range(10_000):
        token = shapes[number % 4]()
        headers = [(b"authorization", f"Bearer {token}".encode())]
        known += gate.who(HTTPConnection({"type": "http", "headers": headers})) != NOBODY
    assert known == 0
    cases = [("GET", "/api/v1/runs", {"authorization": f"Bearer {new_token()}"}) for _ in range(300)]
    assert {status for status, _ in asked(house, cases)} == {401}

"""Each class of holes that others have had, over all routes and parameters: none is here.

Counted are cases, printed at the end of each test that has many.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.browser import OWN
from tests.web.conftest import PASSWORD, Hosted, Online, add_token, hosted_by
from tests.web.seeds import NOW, seed
from tests.web.test_hook import deed
from tests.web.test_matrix import House, asked, house, path_of  # noqa: F401  (a fixture)
from yamldag.store.database import open_database
from yamldag.web import hooking, protocol
from yamldag.web.address import address_of
from yamldag.web.ask import local_path
from yamldag.web.auth.roles import Role
from yamldag.web.route import Kind, Route
from yamldag.web.routes import TABLE

WITH_PARTS = [route for route in TABLE.routes if route.parameters]


# Names as paths


def payloads() -> list[str]:
    """Ways to say `..` and a file outside, some 500."""
    ups = (
        "..",
        "%2e%2e",
        "%252e%252e",
        ".%2e",
        "%2e.",
        "..%00",
        "..;",
        "....",
        "..%c0%af",
        "%uff0e%uff0e",
        "..\\",
        "..%5c",
    )
    slashes = ("/", "%2f", "%252f", "\\", "%5c", "%c0%af", "//", "/./", "%2F%2F", ";/")
    ends = ("canary.txt", "canary.txt%00", "canary.txt%00.log", "canary.txt/", "")
    made = [f"{up}{slash}{end}" for up, slash, end in itertools.product(ups, slashes, ends[:3])]
    made += [f"{up}{slash}" * 4 + "canary.txt" for up, slash in itertools.product(ups, slashes)]
    made += [f"x{slash}{up}{slash}canary.txt" for up, slash in itertools.product(ups[:5], slashes[:6])]
    made += [
        "..",
        ".",
        "...",
        "%2e",
        "%00",
        "~",
        "~root",
        "*",
        "?",
        "-",
        "--",
        "-rf",
        "CON",
        "nul",
        "con.txt",
        "$HOME",
        "`id`",
    ]
    made += [
        "file:///CANARY",
        "/CANARY",
        "//CANARY",
        "%2fCANARY",
        "C:\\canary.txt",
        "\\\\host\\share",
        "|id",
        ";id",
        "&&id",
    ]
    return list(dict.fromkeys(made))


@pytest.fixture
def watched(house: House) -> Iterator[list[str]]:  # noqa: F811
    """A file outside of the project's folder, and each touch of it."""
    root = house.hosted.seeded.root
    canary, touched = root.parent / "canary.txt", []
    canary.write_text("the canary sings")

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if WATCHING and event in (
            "open",
            "os.remove",
            "os.rename",
            "shutil.rmtree",
            "os.mkdir",
            "os.truncate",
        ):
            path = str(arguments[0]) if arguments else ""
            if "canary" in path or (path.startswith("/") and ".." in path):
                touched.append(f"{event} {path}")

    sys.addaudithook(look)  # there is no taking it away again, so it has a switch
    WATCHING.append(True)
    yield touched
    WATCHING.clear()
    assert canary.read_text() == "the canary sings"


WATCHING: list[bool] = []


def test_no_name_leads_out_of_the_project(house: House, watched: list[str]) -> None:  # noqa: F811
    admin = house.callers["a token, admin"][1]
    made = [
        each.replace("CANARY", f"{house.hosted.seeded.root.parent}/canary.txt".lstrip("/"))
        for each in payloads()
    ]
    assert len(made) >= 500
    cases = []
    for route, payload in itertools.product(WITH_PARTS, made):
        for name in route.parameters:
            path = route.path.replace(f"{{{name}}}", payload).format(
                pipeline="p000", run="p000-00001", name="x", number="1"
            )
            cases.append((route.method, path, {**OWN, **admin}))
    bad = [
        (case, status)
        for case, (status, _) in zip(cases, asked(house, cases), strict=True)
        if status not in (400, 401, 404, 405)
    ]
    # What is a name after all (`...` is none, `~` neither) is one that is not there; forms lead back to their list.
    assert [(each[0][0], each[0][1], each[1]) for each in bad if each[1] not in (303, 409, 422)] == []
    assert watched == []
    print(f"\n{len(cases)} paths: {len(made)} payloads in each part of {len(WITH_PARTS)} routes")


def test_no_parameter_leads_out_of_the_project(house: House, watched: list[str]) -> None:  # noqa: F811
    names = [
        (route, name)
        for route in TABLE.routes
        if route.doc is not None and route.kind is Kind.API
        for name, schema in route.doc.query.items()
        if schema.get("type") == "string"
    ]
    admin = house.callers["a token, admin"][1]
    cases = [
        (route.method, f"{path_of(route)}?{name}={payload}", {**OWN, **admin})
        for (route, name), payload in itertools.product(names, payloads()[::10])
    ]
    found = asyncio.run(texts(house, cases))
    assert not [text for _, text in found if "the canary sings" in text]
    assert {status for status, _ in found} <= {200, 400, 404, 422}
    assert watched == []
    print(f"\n{len(cases)} queries: {len(names)} parameters")


async def texts(house: House, cases: list[tuple[str, str, dict[str, str]]]) -> list[tuple[int, str]]:  # noqa: F811
    import httpx

    transport = httpx.ASGITransport(house.hosted.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        found = []
        for method, path, headers in cases:
            answer = await client.request(method, httpx.URL(f"http://127.0.0.1:8080{path}"), headers=headers)
            found.append((answer.status_code, answer.text))
        return found


# Ways back


def ways_back() -> list[str]:
    hosts = ("evil.example", "evil.example/x", "evil.example:80", "evil.example?x", "a@evil.example")
    begins = (
        "//",
        "///",
        "/\\",
        "\\/",
        "\\\\",
        "http:",
        "https://",
        "//%09/",
        "/%2f",
        "/\t/",
        "/\n/",
        " //",
        "\x00//",
        "javascript:",
    )
    return [begin + host for begin, host in itertools.product(begins, hosts)]


def test_no_way_back_leads_elsewhere() -> None:
    assert len(ways_back()) >= 50
    assert {local_path(way) for way in ways_back()} == {"/"}


# Pages made of answers


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "</title><svg onload=alert(1)>",
)


@pytest.mark.parametrize(
    "route", [each for each in TABLE.routes if each.method == "GET"], ids=lambda route: route.name
)
def test_no_answer_is_read_as_a_page_that_is_none(house: House, route: Route) -> None:  # noqa: F811
    """Of programs' answers the kind says what they are; in pages what was asked stands as text."""
    if route.kind is Kind.STREAM:
        return
    admin = house.callers["a token, admin"][1]
    for words in HOSTILE:
        answer = house.hosted.anyone.request(
            "GET", path_of(route), admin, params={"x": words, "task": words, "next": words, "did": words}
        )
        kind = answer.headers.get("content-type", "").partition(";")[0]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        if route.kind in (Kind.API, Kind.PROBE):
            assert kind in ("application/json", "application/problem+json", "text/plain")
        if kind == "text/html":
            assert "<" not in words or words not in answer.text
            assert not re.search(r"(?i)\b(href|src|action|formaction)=.?\s*javascript:", answer.text)


# Bodies and connections


@pytest.mark.parametrize(
    "route", [each for each in TABLE.routes if each.method != "GET"], ids=lambda route: route.name
)
def test_no_long_body_is_read(house: House, route: Route) -> None:  # noqa: F811
    admin = house.callers["a token, admin"][1]
    headers = {**OWN, **admin, "content-length": "1000001"}

    async def ask() -> tuple[int, int]:
        read, begun = 0, []

        async def receive() -> dict[str, Any]:
            nonlocal read
            read += 1
            return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

        async def send(message: dict[str, Any]) -> None:
            begun.append(message)

        scope = {
            "type": "http", "http_version": "1.1", "method": route.method, "scheme": "http", "query_string": b"",
            "path": path_of(route), "raw_path": path_of(route).encode(), "root_path": "",
            "headers": [(b"host", b"127.0.0.1:8080"), *((name.encode(), value.encode()) for name, value in headers.items())],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8080),
        }  # fmt: skip
        await house.hosted.app(scope, receive, send)  # type: ignore[arg-type]
        return begun[0]["status"], read

    assert asyncio.run(ask()) == (413, 0)


def test_who_begins_a_request_and_does_not_go_on_is_left(
    served: Online, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEADERS", 0.05)
    port = int(served.url.rpartition(":")[2])
    for begun in (b"", b"GET / HTTP/1.1\r\nHost: x\r\nX", b"POST /login HTTP/1.1\r\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(begun)
            assert connection.recv(1000) == b""


def test_a_followed_log_ends_with_the_token(served: Online) -> None:
    import httpx

    from yamldag.store import tokens, users

    token = add_token(served.seeded, "reader", "viewer")
    database = open_database(served.seeded.url)
    database.write(lambda: users.add(database, "somebody", "viewer", "x", NOW))
    url = f"{served.url}/api/v1/runs/p000-00004/log/follow?task=t2"
    with httpx.stream("GET", url, headers={"authorization": f"Bearer {token}"}, timeout=60) as answer:
        lines = answer.iter_lines()
        assert next(line for line in lines if line == "event: log")
        database.write(lambda: tokens.revoke(database, "reader", NOW))
        rest = list(lines)  # it comes to an end
    database.close()
    assert "event: end" not in rest


# Secrets


@pytest.fixture
def secretive(tmp_path: Path) -> tuple[Hosted, list[str], list[str]]:
    """A house, secrets that nobody is to see, and those that the database must hold to check signatures by."""
    seeded = seed(tmp_path)
    home = hosted_by(seeded, address_of("127.0.0.1", 8080))
    root = home.token("root", "admin")
    hidden: list[str] = []
    for number in range(14):
        word = f"canary-{number}-pass word'\"<&>\\é" * (1 + number % 2)
        body = {"name": f"u{number}", "role": "admin", "password": word}
        assert root.request("POST", "/api/v1/users", json=body).status_code == 201
        hidden.append(word)
    for number in range(13):
        made = root.request("POST", "/api/v1/tokens", json={"name": f"t{number}"})
        hidden.append(made.json()["token"])
    for number in range(13):
        home.now[0] += 61
        answer = home.anyone.post("/login", {"name": f"u{number}", "password": hidden[number]})
        hidden.append(answer.cookies[home.site.address.cookie])
    database = open_database(seeded.url)
    signing = [
        str(hooking.add(database, deed, hooking.Wanted(f"h{number}", "p000", "x"), NOW)["secret"])
        for number in range(3)
    ]
    database.close()
    return home, hidden, signing


def test_no_secret_is_seen_anywhere(secretive: tuple[Hosted, list[str], list[str]]) -> None:
    home, hidden, signing = secretive
    assert len(hidden) == 40
    admin = home.token("looker", "admin")
    seen = b"".join(
        admin.get(path_of(route)).content
        for route in TABLE.routes
        if route.method == "GET" and route.kind is not Kind.STREAM
    )
    seen += json.dumps(admin.get("/api/v1/audit?limit=500").json(), ensure_ascii=False).encode()
    stored = b"".join(path.read_bytes() for path in home.seeded.folder.rglob("*") if path.is_file())
    forms = [(word, form) for word in hidden for form in written(word)]
    assert [word for word, form in forms if form in seen or form in stored] == []
    assert [word for word in signing if word.encode() in seen] == []
    print(
        f"\n{len(hidden) + len(signing)} secrets in {len(forms)} writings: none in {len(seen)} bytes of answers"
    )


def written(word: str) -> list[bytes]:
    import base64
    from urllib.parse import quote

    data = word.encode()
    forms = [data, json.dumps(word).encode(), quote(word).encode(), data.hex().encode()]
    return [*forms, base64.b64encode(data), json.dumps(word, ensure_ascii=False).strip('"').encode()]


def test_what_is_stored_is_nobody_else_s_to_write(hosted: Hosted) -> None:
    """By the mask of a careless shell, too."""
    for path in hosted.seeded.folder.rglob("*"):
        assert not path.stat().st_mode & stat.S_IWOTH, path
    assert os.access(hosted.seeded.folder, os.W_OK)


def test_roles_are_for_routes_as_the_table_says() -> None:
    """What only an admin may see or do is what is about who may."""
    admins = {
        route.path.split("/")[3]
        for route in TABLE.routes
        if route.role is Role.ADMIN and route.kind is Kind.API
    }
    assert admins >= {"users", "tokens", "audit", "webhooks"}
    assert PASSWORD

"""Each request has one line, and nothing that whoever asks has written is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.web.browser import BASE, OWN, Browser
from tests.web.conftest import Hosted
from yamldag.web.access import Access, Line

CANARY = "hunter2-hunter2"


class Told(list[Line]):
    """The lines, and a browser whose requests make them."""

    def __init__(self, hosted: Hosted) -> None:
        super().__init__()
        self.browser = Browser(Access(hosted.app, self.append))


@pytest.fixture
def told(hosted: Hosted) -> Told:
    return Told(hosted)


def test_a_line_says_what_was_asked_by_whom_and_how_it_ended(hosted: Hosted, told: Told) -> None:
    token = hosted.token("ci", "viewer").headers["authorization"]
    answer = told.browser.being(authorization=token).get("/api/v1/runs?limit=3")
    [line] = told
    assert answer.status_code == 200
    assert isinstance(line.pop("ms"), float)
    assert line == {
        "message": "request", "method": "GET", "route": "/api/v1/runs", "status": 200, "user": "ci", "via": "token",
        "request": answer.headers["x-request-id"],
    }  # fmt: skip


def test_whoever_logged_in_is_named(hosted: Hosted, told: Told) -> None:
    hosted.user("mira", "admin")
    cookie = hosted.login("mira").headers["cookie"]
    told.browser.being(cookie=cookie).get("/pipelines")
    told.browser.get("/pipelines")
    assert [(line["user"], line["via"], line["status"]) for line in told] == [
        ("mira", "session", 200),
        (None, None, 303),
    ]


@pytest.mark.parametrize(
    ("method", "path", "more", "route", "status"),
    [
        ("GET", f"/{CANARY}", {}, None, 404),
        ("GET", f"/runs/{CANARY}", {}, "/runs/{run}", 404),
        ("GET", f"/runs/{CANARY}/task?task={CANARY}", {}, "/runs/{run}/task", 404),
        ("GET", f"/pipelines?q={CANARY}&{CANARY}=1", {}, "/pipelines", 200),
        ("GET", f"/static/{CANARY}.css", {}, "/static/{name}", 404),
        ("GET", "/", {"authorization": f"Bearer {CANARY}"}, "/", 303),
        ("GET", "/", {"cookie": f"a={CANARY}", "user-agent": CANARY, "x-request-id": CANARY}, "/", 200),
        ("GET", "/", {"host": CANARY}, None, 400),
        ("GET", f"/%2e/{CANARY}", {}, None, 404),
        ("POST", "/login", {**OWN, "body": f"name={CANARY}&password={CANARY}"}, "/login", None),
        ("POST", f"/hooks/{CANARY}", {"webhook-signature": CANARY}, "/hooks/{name}", 401),
        ("PUT", f"/pipelines/{CANARY}", OWN, None, 405),
        (CANARY.upper(), "/", OWN, None, 405),
    ],
)
def test_nothing_that_was_sent_is_in_a_line(
    told: Told, method: str, path: str, more: dict[str, Any], route: str | None, status: int | None
) -> None:
    headers = {name: value for name, value in more.items() if name != "body"}
    form = {"content": more["body"]} if "body" in more else {}
    answer = told.browser.request(method, path, headers, **form)
    [line] = told
    assert (line["route"], line["status"]) == (route, answer.status_code)
    assert status in (None, answer.status_code)
    assert CANARY not in json.dumps(line).lower()
    assert CANARY not in answer.headers["x-request-id"]
    assert line["method"] in ("GET", "POST", "PUT", "other")


def test_the_line_of_a_request_that_met_a_bug_names_its_log(
    told: Told, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr("yamldag.web.site.Site.reading", fail)
    answer = told.browser.get("/pipelines")
    [line] = told
    assert (answer.status_code, line["status"], line["level"]) == (500, 500, "error")
    log = Path(str(line["bug"]))
    assert CANARY in log.read_text()
    log.unlink()
    assert CANARY not in json.dumps(line)
    assert capsys.readouterr().err == ""


def test_whoever_went_away_has_a_line_without_a_status(told: Told) -> None:
    async def gone(_scope: Any, _receive: Any, _send: Any) -> None:
        return None

    lines: list[Line] = []
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}

    async def ask() -> None:
        await Access(gone, lines.append)(scope, None, None)  # type: ignore[arg-type]

    import asyncio

    asyncio.run(ask())
    assert [(line["status"], line["route"]) for line in lines] == [(None, None)]
    assert BASE not in json.dumps(lines)

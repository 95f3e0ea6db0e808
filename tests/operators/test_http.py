"""`http`: one request to a real server, and every way in which there may be no answer."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.operators.attempts import attempt, log, run, run_here
from yamldag.operators import http
from yamldag.operators.contract import Json, Outcome


class _Handler(BaseHTTPRequestHandler):
    def _serve(self) -> None:  # noqa: C901, PLR0912
        size = int(self.headers.get("Content-Length") or 0)
        heard = self.rfile.read(size).decode()
        path = self.path.partition("?")[0]
        if path == "/echo":
            told = {"method": self.command, "path": self.path, "body": heard, "x": self.headers.get("X-Test")}
            self._answer(200, "application/json; charset=utf-8", json.dumps(told).encode())
        elif path == "/text":
            self._answer(200, "text/plain; charset=latin-1", "é".encode("latin-1"))
        elif path == "/empty":
            self._answer(204, "", b"")
        elif path == "/big":
            self._answer(200, "text/plain", b"x" * ((1 << 20) + 1))
        elif path == "/binary":
            self._answer(200, "image/png", b"\x89PNG\xff")
        elif path == "/not-json":
            self._answer(200, "application/json", b"{nope")
        elif path == "/redirect":
            self._answer(302, "", b"", Location="/text")
        elif path == "/away":
            self._answer(302, "", b"", Location=f"http://localhost:{self.path.rpartition('=')[2]}/text")
        elif path.startswith("/pages"):
            number = int(self.path.rpartition("=")[2]) if "=" in self.path else 0
            more, items = number < 3, [number * 2, number * 2 + 1]
            page: Json = {
                "items": [*items],
                "next": f"/pages?n={number + 1}" if more else None,
                "n": number,
                "more": more,
            }
            link = {"Link": f'<{path}?n={number + 1}>; rel="next"'} if more else {}
            body = json.dumps(page if path == "/pages" else items).encode()
            self._answer(200, "application/json", body, **link)
        elif path == "/ring":
            self._answer(200, "application/json", b'{"items": [1], "next": "/ring?x=1"}')
        elif path == "/away-pages":
            self._answer(200, "application/json", b'{"items": [1], "next": "http://localhost:1/x"}')
        elif path == "/status":
            self._answer(int(self.path.rpartition("=")[2]), "text/plain", b"")
        elif path == "/token":
            right = self.headers.get("Authorization") == "Basic " + base64.b64encode(b"me:s3cret").decode()
            told = (
                {"access_token": "t0ken"}
                if right and "scope=read" in heard and "client_credentials" in heard
                else {}
            )
            self._answer(200 if told else 401, "application/json", json.dumps(told).encode())
        elif path == "/signed":
            given = self.headers.get("Authorization") or ""
            digest = given.startswith("Digest ") and 'username="ann"' in given and "response=" in given
            if given == "Bearer t0ken" or digest:
                self._answer(200, "text/plain", given.partition(" ")[0].encode())
            else:
                self._answer(401, "", b"", **{"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'})
        elif path == "/loop":
            self._answer(302, "", b"", Location="/loop")
        elif path == "/broken":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        else:
            self._answer(404, "text/plain", b"nothing here")

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815

    def _answer(self, status: int, kind: str, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _body(outcome: Outcome) -> Json:
    assert isinstance(outcome.output, dict), outcome
    return outcome.output["body"]


def test_a_json_answer_is_parsed(site: str, tmp_path: Path) -> None:
    params: dict[str, Json] = {
        "url": f"{site}/echo?a=1",
        "query": {"b": [1, "x y"], "c": True, "none": None},
        "method": "post",
        "headers": {"X-Test": 5},
        "json": {"n": 1},
    }
    outcome = run("http", tmp_path, params)
    assert isinstance(outcome.output, dict), outcome
    assert outcome.output["status"] == 200
    headers = outcome.output["headers"]
    assert isinstance(headers, dict)
    assert headers["content-type"] == "application/json; charset=utf-8"
    told = {"method": "POST", "path": "/echo?a=1&b=1&b=x+y&c=true", "body": '{"n":1}', "x": "5"}
    found = _body(outcome)
    assert isinstance(found, dict)
    assert json.loads(str(found.pop("body"))) == json.loads(told.pop("body"))
    assert {**found, "path": str(found["path"]).replace("%20", "+")} == told


def test_a_body_is_sent_as_it_is(site: str, tmp_path: Path) -> None:
    found = _body(run("http", tmp_path, {"url": f"{site}/echo", "method": "DELETE", "body": "é=1"}))
    assert isinstance(found, dict)
    assert (found["method"], found["body"]) == ("DELETE", "é=1")


@pytest.mark.parametrize(("path", "body"), [("text", "é"), ("redirect", "é"), ("empty", "")])
def test_any_other_answer_is_text(site: str, tmp_path: Path, path: str, body: str) -> None:
    assert _body(run("http", tmp_path, {"url": f"{site}/{path}"})) == body


def test_the_log_says_what_was_asked_but_not_the_query(site: str, tmp_path: Path) -> None:
    run("http", tmp_path, {"url": f"{site}/text?key=secret"})
    assert log(tmp_path) == f"GET {site}/text: 200 OK\n"


def test_an_unexpected_status_fails_and_shows_the_answer(site: str, tmp_path: Path) -> None:
    outcome = run("http", tmp_path, {"url": f"{site}/none"})
    assert outcome == Outcome("failed", "expected a status below 400, found 404 Not Found", retry=True)
    assert "nothing here" in log(tmp_path)


def test_what_signs_in_does_not_go_to_another_host(site: str, tmp_path: Path) -> None:
    port = site.rpartition(":")[2]
    connection: dict[str, Json] = {"url": site, "headers": {"X-Test": "k"}}
    assert _body(run("http", tmp_path, {"connection": connection, "path": "redirect"})) == "é"
    away = run("http", tmp_path, {"connection": connection, "path": f"/away?port={port}"})
    assert away == Outcome("failed", "it redirects to `localhost`, which is not the connection's own host")


@pytest.mark.parametrize("expect", [404, [200, 404], ["404"]])
def test_an_expected_status_is_a_success(site: str, tmp_path: Path, expect: Json) -> None:
    assert _body(run("http", tmp_path, {"url": f"{site}/none", "expect": expect})) == "nothing here"


def test_a_good_status_that_was_not_expected_fails(site: str, tmp_path: Path) -> None:
    outcome = run("http", tmp_path, {"url": f"{site}/text", "expect": [201, 404]})
    assert outcome.reason == "expected status 201 or 404, found 200 OK"


def test_a_saved_body_is_a_path(site: str, tmp_path: Path) -> None:
    outcome = run("http", tmp_path, {"url": f"{site}/big", "save_to": "new/big.bin"})
    assert _body(outcome) == {"path": "new/big.bin", "bytes": (1 << 20) + 1}
    assert (tmp_path / "new" / "big.bin").stat().st_size == (1 << 20) + 1
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["big.bin"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("big", "the body is longer than 1 MiB: keep it in a file with `save_to`"),
        (
            "binary",
            "the body (`image/png`) cannot be read as what it is sent as: keep it with `save_to`",
        ),
        (
            "not-json",
            "the body (`application/json`) cannot be read as what it is sent as: keep it with `save_to`",
        ),
    ],
)
def test_a_body_that_is_no_output_fails_for_good(site: str, tmp_path: Path, path: str, reason: str) -> None:
    assert run("http", tmp_path, {"url": f"{site}/{path}"}) == Outcome("failed", reason)


def test_an_answer_that_breaks_off_leaves_no_file(site: str, tmp_path: Path) -> None:
    outcome = run("http", tmp_path, {"url": f"{site}/broken", "save_to": "half"})
    assert outcome == Outcome("failed", "the connection to `127.0.0.1` broke off", retry=True)
    assert not [path for path in tmp_path.iterdir() if "half" in path.name]


def test_a_ring_of_redirects_ends(site: str, tmp_path: Path) -> None:
    assert run("http", tmp_path, {"url": f"{site}/loop"}).reason == "`127.0.0.1` redirected too often"


def test_nobody_at_home_is_said_in_words(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        outcome = run("http", tmp_path, {"url": f"http://127.0.0.1:{taken.getsockname()[1]}/"})
    assert outcome == Outcome("failed", "`127.0.0.1` refused the connection", retry=True)
    outcome = run("http", tmp_path, {"url": "http://nowhere.invalid/"})
    assert outcome == Outcome("failed", "the host `nowhere.invalid` is not known", retry=True)
    assert log(tmp_path) == ""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"url": "ftp://x/y"}, "the URL should begin with http:// or https://, found `ftp`"),
        ({"url": "http://127.0.0.1:99999/"}, "the port should be from 1 to 65535, found 99999"),
        (
            {"headers": {"X-Key": "a\nb"}},
            "the header `X-Key` can't hold the end of a line or another control character",
        ),
        ({"headers": {"X Key": "a"}}, "a header can't be called `X Key`"),
    ],
)
def test_what_cannot_be_sent_is_named(tmp_path: Path, change: dict[str, Json], reason: str) -> None:
    outcome = run_here("http", tmp_path, {"url": "http://127.0.0.1:1/", **change})
    assert outcome == Outcome("failed", reason)


@pytest.mark.parametrize("path", ["../admin", "x/%2e%2E/y", "/..", "a/..\\b", "%2e%2e%2fadmin?x=1"])
def test_a_path_stays_below_the_address_of_its_connection(tmp_path: Path, path: str) -> None:
    connection: Json = {"type": "http", "url": "http://127.0.0.1:1/tenant"}
    outcome = run_here("http", tmp_path, {"connection": connection, "path": path})
    assert outcome == Outcome("failed", f"`path` should stay below the connection's address, found `{path}`")
    there = run_here("http", tmp_path, {"connection": connection, "path": "a..b/c?d=../e"})
    assert there.reason == "`127.0.0.1` refused the connection"


def test_a_header_may_hold_any_letter(site: str, tmp_path: Path) -> None:
    outcome = run_here("http", tmp_path, {"url": f"{site}/echo", "headers": {"X-Who": "Zoë"}})
    assert outcome.state == "success", outcome


def test_a_server_without_tls_is_told(site: str, tmp_path: Path) -> None:
    outcome = run_here("http", tmp_path, {"url": site.replace("http:", "https:")})
    assert outcome.reason == "`127.0.0.1` speaks no TLS on this port: is it http:// that is meant?"


@pytest.mark.parametrize("url", ["ftp://x/y", "http://", "nonsense", "http://x:port/"])
def test_what_is_no_url_fails_for_good(tmp_path: Path, url: str) -> None:
    outcome = run("http", tmp_path, {"url": url})
    assert (outcome.state, outcome.retry, log(tmp_path)) == ("failed", False, "")


def test_what_cannot_be_is_refused_before_the_start(tmp_path: Path) -> None:
    outcome = http.prepare({"connection": "c", "path": "/"}, {}, attempt(tmp_path))
    assert isinstance(outcome, Outcome)
    outcome = http.prepare({"url": "http://x", "expect": ["ok"]}, {}, attempt(tmp_path))
    assert outcome == Outcome("failed", "`expect` should be a status or a list of them, found `ok`")


@pytest.mark.parametrize(
    ("path", "pages"),
    [
        ("pages", {"next": "body.next", "items": "body.items"}),
        ("pages", {"next": "{'n': body.n + 1} if body.more else none", "items": "body.items"}),
        ("pages-list", "link"),
    ],
)
def test_all_pages_are_one_list(site: str, tmp_path: Path, path: str, pages: Json) -> None:
    outcome = run_here("http", tmp_path, {"url": f"{site}/{path}", "pages": pages})
    assert _body(outcome) == list(range(8))
    saved = run_here(
        "http", tmp_path, {"url": f"{site}/{path}", "pages": pages, "save_to": str(tmp_path / "all.jsonl")}
    )
    assert _body(saved) == {"path": str(tmp_path / "all.jsonl"), "bytes": 16, "items": 8}
    assert [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()] == list(range(8))


@pytest.mark.parametrize(
    ("path", "pages", "reason"),
    [
        ("ring", {"next": "body.next", "items": "body.items"}, "the pages go round in a ring: `/ring` comes again"),
        ("pages", {"next": "body.next", "items": "body.items", "max": 2},
         "there are more than 2 pages: set `max` of `pages`, if so many are wanted"),
        ("pages", {"next": "body.next", "items": "body.n"}, "`items` of `pages` should give a list"),
        ("pages", {"next": "body.nxt", "items": "body.items"}, "`next` of `pages`: "),
        ("pages", {"items": "body.items"}, "`pages` needs `next`: `link`, or an expression that gives the next page's URL"),
        ("pages", {"next": "link", "max": 0}, "`max` of `pages` should be a whole number from 1, found `0`"),
        ("none", "link", "expected a status below 400, found 404 Not Found"),
    ],
)  # fmt: skip
def test_pages_that_do_not_end_well(site: str, tmp_path: Path, path: str, pages: Json, reason: str) -> None:
    target = tmp_path / "all.jsonl"
    outcome = run_here("http", tmp_path, {"url": f"{site}/{path}", "pages": pages, "save_to": str(target)})
    assert outcome.state == "failed"
    assert reason in outcome.reason
    assert list(tmp_path.iterdir()) == []


def test_a_next_page_elsewhere_is_not_signed_in_to(site: str, tmp_path: Path) -> None:
    params: dict[str, Json] = {
        "connection": {"url": site, "token": "k"},
        "path": "away-pages",
        "pages": {"next": "body.next", "items": "body.items"},
    }
    outcome = run_here("http", tmp_path, params)
    assert outcome.reason == "the next page is on `localhost`, which is not the connection's own host"


@pytest.mark.parametrize(
    ("expect", "reason"),
    [
        ({"that": "body.n == 0"}, ""),
        ({"that": "status == 200 and headers['content-type'] == 'application/json'"}, ""),
        ({"status": [200, 404], "that": "body.more"}, ""),
        ({"that": "body.n > 5"}, "expected `body.n > 5`, which does not hold for the answer"),
        ({"status": 201, "that": "body.more"}, "expected status 201, found 200 OK"),
        ({"that": "body.nothing"}, "`expect`: "),
        ({"that": "body.n =="}, "`expect`: "),
    ],
)
def test_an_answer_is_checked(site: str, tmp_path: Path, expect: Json, reason: str) -> None:
    outcome = run_here("http", tmp_path, {"url": f"{site}/pages", "expect": expect})
    assert outcome.state == ("failed" if reason else "success"), outcome
    assert outcome.reason.startswith(reason)


def test_only_some_statuses_are_worth_another_try(site: str, tmp_path: Path) -> None:
    for status, retry in ((503, True), (429, True), (404, False)):
        params: dict[str, Json] = {"url": f"{site}/status?s={status}", "retry_on": [429, 503]}
        assert run_here("http", tmp_path, params).retry is retry


def test_a_connection_signs_in_in_several_ways(site: str, tmp_path: Path) -> None:
    oauth: dict[str, Json] = {
        "token_url": f"{site}/token",
        "client_id": "me",
        "client_secret": "s3cret",
        "scope": "read",
    }
    digest: dict[str, Json] = {"auth": "digest", "user": "ann", "password": "p"}
    for how, word in ((oauth, "Bearer"), (digest, "Digest")):
        params: dict[str, Json] = {"connection": {"url": site, "type": "http", **how}, "path": "signed"}
        assert _body(run_here("http", tmp_path, params)) == word
    wrong = {"connection": {"url": site, "type": "http", **oauth, "client_secret": "no"}, "path": "signed"}
    outcome = run_here("http", tmp_path, wrong)
    assert outcome == Outcome("failed", "`token_url` gives no token: it answers 401 Unauthorized")

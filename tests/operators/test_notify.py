"""`notify`: webhooks of several chats, and what apprise knows, against a real receiver."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.listening import listening
from tests.operators.attempts import run_here as run
from yamldag.operators.contract import Json, Outcome
from yamldag.operators.notify import _of_host

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # apprise's own


class Chat(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[tuple[str, Any, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path, json.loads(body), self.headers.get("X-Key")))
        status = int(self.path.removeprefix("/status/")) if self.path.startswith("/status/") else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def chat() -> Iterator[Chat]:
    server = Chat()
    with listening(server):
        yield server


def test_each_chat_gets_what_it_understands(chat: Chat, tmp_path: Path) -> None:
    to: list[Json] = [{"type": kind, "url": f"{chat.url}/{kind}"} for kind in ("slack", "teams", "discord")]
    to += [{"type": "webhook", "url": f"{chat.url}/own", "headers": {"X-Key": "k"}}, f"{chat.url}/bare"]
    outcome = run("notify", tmp_path, {"to": to, "subject": "sales failed", "text": "<!channel> & more"})
    assert outcome == Outcome("success"), outcome
    heard = {path: body for path, body, _ in chat.heard}
    assert heard["/slack"] == {"text": "sales failed\n&lt;!channel&gt; &amp; more"}
    (card,) = heard["/teams"]["attachments"]
    assert [block["text"] for block in card["content"]["body"]] == ["sales failed", "<!channel> & more"]
    assert heard["/discord"]["content"] == "sales failed\n<!channel> & more"
    assert heard["/discord"]["allowed_mentions"] == {"parse": []}
    whole = {
        "text": "sales failed\n<!channel> & more",
        "subject": "sales failed",
        "message": "<!channel> & more",
    }
    assert heard["/own"] == heard["/bare"] == whole
    assert [key for path, _, key in chat.heard if path == "/own"] == ["k"]


def test_apprise_tells_what_it_knows(chat: Chat, tmp_path: Path) -> None:
    url = chat.url.replace("http://", "json://") + "/hook"
    for to in (url, {"type": "apprise", "url": url}):
        assert run("notify", tmp_path, {"to": to, "subject": "s", "text": "t"}).state == "success"
    assert [(path, body["title"], body["message"]) for path, body, _ in chat.heard] == [
        ("/hook", "s", "t")
    ] * 2
    wrong = run(
        "notify", tmp_path, {"to": chat.url.replace("http://", "json://") + "/status/500", "text": "t"}
    )
    assert wrong.reason.startswith("`json` did not take it"), wrong
    assert wrong.retry
    inner = run("notify", tmp_path, {"to": url, "text": "t"}, inner=False)
    assert "leads to a private or loopback address" in inner.reason


def test_who_did_not_get_it_is_named_and_nobody_gets_it_twice(
    chat: Chat, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one: dict[str, Json] = {"type": "slack", "url": f"{chat.url}/status/503"}
    assert run("notify", tmp_path, {"to": one, "text": "t"}) == Outcome(
        "failed", "slack at 127.0.0.1 answers 503 Service Unavailable", retry=True
    )
    assert not run("notify", tmp_path, {"to": [one, f"{chat.url}/fine"], "text": "t"}).retry
    for status in (302, 404):
        assert not run("notify", tmp_path, {"to": f"{chat.url}/status/{status}", "text": "t"}).retry
    assert [path for path, _, _ in chat.heard].count("/fine") == 1
    assert "/elsewhere" not in [path for path, _, _ in chat.heard]
    assert "/status" not in capsys.readouterr().out  # an address of a chat is all that signs in


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("ops", "a receiver should be a URL such as slack://…, or the id of a connection, found `ops`"),
        ([], "`notify` needs a receiver: `to`"),
        ("nosuch://x", "nothing here knows how to tell `nosuch` by such an address"),
        ({"type": "slack"}, "the connection can't be used: it has no `url`"),
        ("http://127.0.0.1:1/", "`127.0.0.1` refused the connection"),
    ],
)
def test_what_cannot_be_told_is_said_in_words(tmp_path: Path, to: Json, reason: str) -> None:
    outcome = run("notify", tmp_path, {"to": to, "text": "t"})
    assert outcome.state == "failed"
    assert outcome.reason == reason


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://hooks.slack.com/services/T/B/x", "slack"),
        ("https://acme.webhook.office.com/webhookb2/x", "teams"),
        ("https://prod-1.westeurope.logic.azure.com/workflows/x", "teams"),
        ("https://discord.com/api/webhooks/1/x", "discord"),
        ("https://hooks.slack.com.example.org/", "webhook"),
    ],
)
def test_an_address_tells_its_chat(url: str, kind: str) -> None:
    assert _of_host(url) == kind

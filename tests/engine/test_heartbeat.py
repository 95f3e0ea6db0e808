"""The heartbeat goes out while the loop turns, holds nothing up, and complains once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.answering import Said, answering
from yamldag.compile.project import find
from yamldag.engine.service import heartbeat
from yamldag.engine.service.heartbeat import Heartbeat, Wanted
from yamldag.store.database import open_database


class Line:
    """Who is told."""

    def __init__(self) -> None:
        self.answers: list[str | None] = []
        self.heard: list[str] = []
        self.said: list[str] = []
        self.heart = Heartbeat(self.said.append, self.send)

    def send(self, url: str) -> str | None:
        self.heard.append(url)
        return self.answers.pop(0) if self.answers else None

    def beat(self, now: float, wanted: Wanted | str | None) -> None:
        self.heart.beat(lambda: wanted, now)
        if self.heart._thread is not None:
            self.heart._thread.join()


URL = Wanted("https://hc.example.org/x", 60.0)


def test_it_goes_out_at_once_and_again_in_time() -> None:
    line = Line()
    for now in (0.5, 1.0, 59.0, 60.6, 61.0, 121.0):
        line.beat(1000 + now, URL)
    assert len(line.heard) == 3


def test_nobody_is_told_where_nobody_wants_it() -> None:
    line = Line()
    line.beat(1000.0, None)
    line.beat(1005.0, URL)
    assert line.heard == []
    line.beat(1010.0, URL)
    assert line.heard == [URL.url]


def test_a_clock_that_is_set_back_does_not_silence_it() -> None:
    line = Line()
    line.beat(1_000_000.0, URL)
    line.beat(1_000.0, URL)
    assert len(line.heard) == 2


def test_it_complains_once_and_says_when_it_is_heard_again() -> None:
    line = Line()
    line.answers = ["there is no answer", "the answer is 500", None, None]
    for beat in range(6):
        line.beat(1000.0 + 60 * beat, URL)
    assert line.said == ["nobody hears the heartbeat: there is no answer", "the heartbeat is heard again"]


def test_a_secret_that_is_missing_is_words() -> None:
    line = Line()
    line.beat(1000.0, "the secret `ping` has no value here")
    line.beat(1001.0, URL)
    assert line.said == ["nobody hears the heartbeat: the secret `ping` has no value here"]
    assert line.heard == []


def test_an_answer_that_does_not_come_holds_nothing_up() -> None:
    gone, begun = threading.Event(), threading.Event()

    def send(_: str) -> None:
        begun.set()
        gone.wait()

    heart = Heartbeat(list[str]().append, send)
    heart.beat(lambda: URL, 1000.0)
    begun.wait()
    asked = []
    heart.beat(lambda: asked.append(1) or URL, 2000.0)  # type: ignore[func-returns-value]
    assert asked == []
    gone.set()
    assert heart._thread is not None
    heart._thread.join()


def test_what_is_requested_and_what_is_said_of_it() -> None:
    with answering(lambda asked: Said(200 if asked.path == "/alive" else 404)) as site:
        assert heartbeat.request(f"{site.url}/alive") is None
        assert heartbeat.request(f"{site.url}/gone") == "the answer is 404"
    assert heartbeat.request("http://127.0.0.1:1/s3cret") == "there is no answer"
    for url in ("s3cret", "ftp://x/s3cret"):
        assert heartbeat.request(url) == "`heartbeat` is no URL that can be requested"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{}", None),
        ("heartbeat: https://hc.example.org/x", Wanted("https://hc.example.org/x", 60.0)),
        ("heartbeat: {url: https://hc.example.org/x, every: 5m}", Wanted("https://hc.example.org/x", 300.0)),
        (
            "secrets: {ping: abc-def}\nheartbeat: 'https://hc.example.org/{{ secrets.ping }}'",
            Wanted("https://hc.example.org/abc-def", 60.0),
        ),
        ("secrets: [ping]\nheartbeat: 'https://{{ secrets.ping }}'", "the secret `ping` has no value here"),
        ("heartbeat: {every: 5m}", None),
    ],
)
def test_the_project_says_what_is_wanted(tmp_path: Path, text: str, wanted: Wanted | str | None) -> None:
    (tmp_path / "yamldag.yml").write_text(text)
    database = open_database(f"sqlite:///{tmp_path}/state.db")
    found = heartbeat.of(find(str(tmp_path), None, {}), database)
    database.close()
    if isinstance(wanted, str):
        assert isinstance(found, str)
        assert found.startswith(wanted)
    else:
        assert found == wanted

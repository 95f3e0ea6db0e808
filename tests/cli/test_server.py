"""The same commands on a server: what they print is what they print here."""

from __future__ import annotations

import itertools
import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from tests.cli.commands import Caller, Said
from tests.web.conftest import Online, add_token, add_user, online
from tests.web.seeds import Seeded, seed
from yamldag.cli.main import UsageError
from yamldag.cli.there import There
from yamldag.store import audit

RUN = "p000-00004"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Online]:
    """Of one module: what is asked of it changes nothing."""
    seeded = seed(Path(tmp_path_factory.mktemp("house")))
    add_user(seeded, "somebody", "viewer")
    with online(seeded) as served:
        yield served


@pytest.fixture
def both(house: Online, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Both:
    return seated(house, monkeypatch, capsys)


@pytest.fixture
def fresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Both]:
    with online(seed(tmp_path)) as served:
        yield seated(served, monkeypatch, capsys)


def seated(served: Online, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Both:
    monkeypatch.chdir(served.seeded.root)
    for name in ("YAMLDAG_SERVER", "YAMLDAG_TOKEN", "YAMLDAG_ENV"):
        monkeypatch.delenv(name, raising=False)
    token = add_token(served.seeded, f"cli-{next(NUMBERS)}", "operator")
    return Both(served.seeded, served, Caller(served.seeded.root, capsys), token)


NUMBERS = itertools.count()


class Both:
    """A project, and a server of it."""

    def __init__(self, seeded: Seeded, served: Online, call: Caller, token: str) -> None:
        self.seeded, self.served, self.call, self.token = seeded, served, call, token

    def here(self, *arguments: str) -> Said:
        return self.call(*arguments)

    def there(self, *arguments: str, token: str | None = None) -> Said:
        return self.call(*arguments, "--server", self.served.url, "--token", token or self.token)


FAILED = "p001-00001"
SAME = [
    ("list",), ("runs",), ("runs", "p001", "--state", "failed"), ("runs", "-n", "3"), ("runs", "--type", "manual"),
    ("runs", "--since", "2027-01-15T06:00"), ("tasks", RUN), ("tasks", "p002"), ("logs", RUN, "t0"),
    ("why", RUN, "t2"), ("why", RUN, "t0"), ("versions", "p000"), ("versions", "p000", "--diff", "1", "1"), ("pools",), ("connections",), ("connections", "list"), ("secrets",),
    ("approvals",), ("approve", RUN, "t0"), ("approve", "p002", "t9"),
    ("clear", RUN, "t0", "--dry-run"), ("clear", "p001-00000", "--dry-run", "--only"), ("retry", RUN, "--dry-run"),
    ("backfill", "p000", "--from", "2026-01-01", "--to", "2026-01-01", "--dry-run"), ("logs", RUN, "--notifications"),
    # what is wrong
    ("tasks", "p00"), ("runs", "p00"), ("why", RUN, "t9"), ("logs", RUN, "t9"), ("versions", "nothing"),
    ("versions", "p000", "--diff", "1", "7"), ("runs", "--since", "soon"), ("clear", RUN, "t9"), ("pools", "delete", "x"),
    ("backfill", "p000", "--from", "2026-01-02", "--to", "2026-01-01"), ("trigger", "p000", "--param", "x=1"),
    ("logs", RUN, "t0", "--attempt", "5"), ("backfill", "--cancel", "backfill-x"), ("trigger", "p000", "--date", "soon"),
]  # fmt: skip


@pytest.mark.parametrize("form", ["--json", "--format=text"])
@pytest.mark.parametrize("arguments", SAME, ids=" ".join)
def test_it_is_the_same_from_a_server(both: Both, arguments: tuple[str, ...], form: str) -> None:
    here, there = both.here(*arguments, form), both.there(*arguments, form)
    assert (there.code, _timeless(there.out)) == (here.code, _timeless(here.out))
    assert _words(there.err) == _words(here.err)


def _timeless(text: str) -> str:
    """A second may pass between the two."""
    return re.sub(r"silent for \d+ s", "silent for some time", text)


def _words(text: str) -> str:
    return text.replace("`--latest`", "`latest`")


def test_a_pipeline_of_a_broken_file_is_listed_by_a_server_too(fresh: Both) -> None:
    fresh.seeded.edit("broken", "pipeline: broken\ntasks: {a: {needs: b, bash: ls}}\n")
    status = fresh.seeded.board.status
    fresh.seeded.board.status = replace(status, broken=fresh.seeded.catalogue.broken)
    listed = fresh.there("list", "--json").json
    assert listed == fresh.here("list", "--json").json
    assert [(row["pipeline"], row["valid"]) for row in listed if row["pipeline"] == "broken"] == [
        ("broken", False)
    ]


def test_runs_are_asked_for_cleared_and_cancelled(fresh: Both) -> None:
    run = fresh.there("trigger", "p000", "--date", "2026-01-02T03:04", "--json").json
    assert run == fresh.here("runs", "p000", "--type", "manual", "--json").json[0]
    assert fresh.there("cancel", run["run_id"], "--json").json == {
        "run_id": run["run_id"],
        "state": "cancelled",
    }
    assert fresh.there("cancel", run["run_id"]).out == f"run {run['run_id']} is over already: cancelled\n"
    cleared = fresh.there("clear", "p001-00000", "t2", "--json").json
    assert (cleared["state"], [row["id"] for row in cleared["tasks"]]) == ("queued", ["t2"])
    assert fresh.there("pause", "p000").out == "`p000` is paused\n"
    assert fresh.here("pause", "p000").out == "`p000` is paused: it was so already\n"
    assert fresh.there("unpause", "p000", "--json").json == {"pipeline": "p000", "paused": False}
    assert fresh.there("pools", "set", "api", "3", "--json").json["slots"] == 3
    assert fresh.there("pools", "delete", "api").out == "the pool `api` is gone\n"
    made = fresh.there(
        "backfill", "p000", "--from", "2026-01-01T00:00", "--to", "2026-01-01T01:00", "--json"
    ).json
    assert [row["state"] for row in made["runs"]] == ["queued", "queued"]
    ended = fresh.there("backfill", "--cancel", made["backfill_id"], "--json").json
    assert [row["state"] for row in ended["runs"]] == ["cancelled", "cancelled"]
    with fresh.served.site.reading() as db:
        who = {
            (row["via"], row["who"][:4] if row["via"] == "token" else row["action"])
            for row in audit.entries(db)
        }
    assert who == {("token", "cli-"), ("command", "pipeline.pause")}, (
        "each deed is in the log by the token's name"
    )


def test_a_log_is_followed(both: Both) -> None:
    failed = both.here("runs", "--state", "failed", "-n", "1", "--json").json[0]["run_id"]
    here, there = both.here("logs", failed, "t2", "-f"), both.there("logs", failed, "t2", "-f")
    assert (there.code, there.out) == (here.code, here.out)
    assert "no such table" in there.out


def test_the_server_may_stand_in_the_environment(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YAMLDAG_SERVER", both.served.url)
    monkeypatch.setenv("YAMLDAG_TOKEN", both.token)
    monkeypatch.chdir("/")
    assert both.call("runs", "-n", "1", "--json").json[0]["run_id"] == "p002-00004"


# What goes wrong on the way


def test_a_wrong_token_none_and_a_weak_one_are_told_apart(both: Both) -> None:
    wrong = both.there("runs", token="yd_nothing")
    assert (wrong.code, "knows no such token" in wrong.err) == (2, True)
    none = both.call("runs", "--server", both.served.url)
    assert (none.code, "wants a token: `--token`, or YAMLDAG_TOKEN" in none.err) == (2, True)
    viewer = add_token(both.seeded, "viewer", "viewer")
    weak = both.there("pause", "p000", token=viewer)
    assert (weak.code, "wants the role operator; viewer has viewer" in weak.err) == (2, True)


def test_a_server_that_is_not_there_is_told(both: Both) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    gone = both.call("runs", "--server", f"http://127.0.0.1:{port}", "--token", "x")
    assert gone.code == 2
    assert f"http://127.0.0.1:{port} can't be reached: connection refused" in gone.err
    assert "Traceback" not in gone.err


@pytest.mark.parametrize("server", ["nonsense", "ftp://x", "http://", "http://h?q=1"])
def test_an_address_that_is_none_is_told(both: Both, server: str) -> None:
    said = both.call("runs", "--server", server)
    assert (said.code, "wants an address like" in said.err) == (2, True)


def answering(status: int, body: Any, kind: str) -> There:
    def answer(_: httpx.Request) -> httpx.Response:
        text = body if isinstance(body, str) else json.dumps(body)
        return httpx.Response(status, text=text, headers={"content-type": kind})

    return There("http://there", "x", httpx.MockTransport(answer))


def test_a_server_of_another_kind_and_an_older_one_are_told() -> None:
    with pytest.raises(UsageError, match=r"gave an answer \(200\) that yamldag does not give"):
        answering(200, "<html>", "text/html").pools()
    old = {
        "status": 404,
        "title": "There is nothing here",
        "detail": "It may have been taken away, or the link is old.",
    }
    with pytest.raises(UsageError, match="it is an older version"):
        answering(404, old, "application/problem+json").pools()


def test_an_answer_that_was_lost_is_asked_for_again_by_the_same_key() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["idempotency-key"])
        if len(seen) == 1:
            raise httpx.RemoteProtocolError("Server disconnected", request=request)
        return httpx.Response(201, json={"run_id": "x"})

    with There("http://there", "x", httpx.MockTransport(answer)) as there:
        assert there.trigger("p", {}, None) == {"run_id": "x"}
    assert len(seen) == 2
    assert seen[0] == seen[1]


@pytest.mark.parametrize("name", ["..", "a/b", "%2e", "a b", "", "é", "x?y"])
def test_a_name_that_is_no_name_is_asked_for_nowhere(name: str) -> None:
    def never(_: httpx.Request) -> httpx.Response:
        raise AssertionError

    with There("http://there", "x", httpx.MockTransport(never)) as there, pytest.raises(UsageError):
        there.tasks(name)
    assert os.getcwd()

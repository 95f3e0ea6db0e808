"""Webhooks: only what is signed asks for a run, not long ago, and once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.web.conftest import Hosted, hosted_by
from tests.web.seeds import NOW, Seeded, seed
from yamldag.engine.refused import Refused
from yamldag.store import audit
from yamldag.store.database import open_database
from yamldag.web import hooking
from yamldag.web.address import address_of
from yamldag.web.hook import MISSING, PER_MINUTE, at
from yamldag.web.hooking import Wanted

PIPELINE = """\
pipeline: build
params: {number: 0, payload: {type: object, default: {}}}
tasks: {a: {bash: 'true'}}
"""


@pytest.fixture
def house(tmp_path: Path) -> Hosted:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "build.yml").write_text(PIPELINE)
    seeded: Seeded = seed(tmp_path, pipelines=1, runs=1)
    return hosted_by(seeded, address_of("127.0.0.1", 8080))


def deed(action: str, target: str, **detail: Any) -> audit.Deed:
    return audit.Deed("test", "command", "", action, target, detail)


def hook(house: Hosted, name: str = "git", **how: Any) -> str:
    database = open_database(house.seeded.url)
    wanted = Wanted(name, "build", "test", **how)
    row = hooking.add(database, deed, wanted, NOW)
    database.close()
    return str(row["secret"])


def sign(secret: str, name: str, time: float, body: bytes) -> str:
    """As any sender would: by what the standard says, and not by our code."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{name}.{time:.0f}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def send(
    house: Hosted, secret: str, body: Any = None, *, name: str = "m1", time: float = NOW, **other: Any
) -> httpx.Response:
    data = b"" if body is None else json.dumps(body).encode()
    headers = {
        "webhook-id": name, "webhook-timestamp": f"{time:.0f}", "webhook-signature": sign(secret, name, time, data),
        **{key.replace("_", "-"): value for key, value in other.items()},
    }  # fmt: skip
    return house.anyone.request("POST", "/hooks/git", headers, content=data)


def runs(house: Hosted) -> list[tuple[Any, ...]]:
    database = open_database(house.seeded.url)
    try:
        return list(database.execute("SELECT id, params FROM run WHERE type = 'manual'"))
    finally:
        database.close()


def test_a_signed_message_asks_for_a_run_once(house: Hosted) -> None:
    secret = hook(house)
    answer = send(house, secret)
    assert (answer.status_code, answer.json()["outcome"]) == (202, "queued")
    assert [name for name, _ in runs(house)] == [answer.json()["run_id"]]
    assert send(house, secret).json()["outcome"] == "unchanged"
    assert send(house, secret, time=NOW + 60).json()["outcome"] == "unchanged", "sent again, with a new time"
    assert len(runs(house)) == 1
    database = open_database(house.seeded.url)
    told = list(database.execute("SELECT who, via, action, object FROM audit WHERE action = 'webhook'"))
    database.close()
    assert told == [("git", "webhook", "webhook", "build")]


@pytest.mark.parametrize(
    ("how", "body", "params"),
    [
        ({"mapping": {"number": "issue.labels[1].n"}}, {"issue": {"labels": [{}, {"n": 7}]}}, {"number": 7}),
        ({"mapping": {"number": "not.there"}}, {"issue": 1}, {"number": 0}),
        ({"param": "payload"}, {"a": [1]}, {"payload": {"a": [1]}}),
        ({}, {"number": 9}, {"number": 0}),
    ],
)
def test_a_body_becomes_params_as_it_was_declared(house: Hosted, how: Any, body: Any, params: Any) -> None:
    assert send(house, hook(house, **how), body).status_code == 202
    [(_, stored)] = runs(house)
    assert params.items() <= json.loads(stored).items()


def test_a_body_that_does_not_fit_is_told_and_may_be_sent_again(house: Hosted) -> None:
    secret = hook(house, mapping={"number": "n"})
    answer = send(house, secret, {"n": "many"})
    assert (answer.status_code, runs(house)) == (422, [])
    assert "param `number`" in answer.json()["detail"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook_signature": ""}, {"webhook_signature": "v1,AAAA"}, {"webhook_signature": "v1,AA\xe9".encode("latin-1")},
        {"webhook_signature": "v2," + "A" * 44}, {"webhook_id": "m2"}, {"webhook_id": ""}, {"webhook_id": "x" * 300},
        {"webhook_timestamp": "0"}, {"webhook_timestamp": f"{NOW + 1:.0f}"}, {"webhook_timestamp": "nan"},
        {"webhook_timestamp": "1e9"},
    ],
)  # fmt: skip
def test_what_is_not_signed_so_is_refused(house: Hosted, wrong: dict[str, Any]) -> None:
    secret = hook(house)
    assert send(house, secret, {}, **wrong).status_code == 401
    assert runs(house) == []


def test_an_old_message_and_one_of_the_future_are_refused(house: Hosted) -> None:
    secret = hook(house)
    assert [send(house, secret, time=NOW + away).status_code for away in (-301, 301, -299)] == [401, 401, 202]


def test_another_body_and_another_secret_are_refused(house: Hosted) -> None:
    secret, other = hook(house), hook(house, "other")
    good = sign(secret, "m1", NOW, b"{}")
    assert send(house, secret, {"more": 1}, webhook_signature=good).status_code == 401
    assert send(house, other).status_code == 401


def test_a_name_that_is_not_there_is_told_like_a_bad_signature(house: Hosted) -> None:
    nothing = send(house, "whsec_" + base64.b64encode(b"x" * 32).decode())
    hook(house)
    bad = send(house, "whsec_" + base64.b64encode(b"x" * 32).decode())
    assert (nothing.status_code, nothing.text) == (bad.status_code, bad.text)


def test_a_revoked_one_takes_nothing_and_its_secret_is_forgotten(house: Hosted) -> None:
    secret = hook(house)
    database = open_database(house.seeded.url)
    hooking.revoke(database, deed, "git", NOW)
    database.close()
    assert send(house, secret).status_code == 401
    assert send(house, "whsec_").status_code == 401, "nor the empty one that is left"
    assert secret.encode() not in (house.seeded.folder / "yamldag.db").read_bytes()


def test_a_browser_of_elsewhere_can_send_none(house: Hosted) -> None:
    secret = hook(house)
    assert send(house, secret, {}, origin="http://evil.example").status_code == 403
    assert house.anyone.request("OPTIONS", "/hooks/git").status_code == 403


def test_no_more_than_some_are_taken_in_a_minute(house: Hosted) -> None:
    secret = hook(house)
    database = open_database(house.seeded.url)
    for number in range(PER_MINUTE):
        database.execute(
            "INSERT INTO webhook_message (webhook, message, at) VALUES ('git', ?, ?)", (str(number), NOW)
        )
    database.close()
    assert send(house, secret).status_code == 429
    house.now[0] += 61
    assert send(house, secret, time=NOW + 61).status_code == 202


def test_guesses_are_counted(house: Hosted) -> None:
    hook(house)
    bad = "whsec_" + base64.b64encode(b"x" * 32).decode()
    codes = [send(house, bad).status_code for _ in range(22)]
    assert codes == [401] * 20 + [429] * 2


@pytest.mark.parametrize("place", ["", "a..b", "a[", "a[x]", ".a", "[0]"])
def test_a_place_that_is_none_is_refused(house: Hosted, place: str) -> None:
    with pytest.raises(Refused, match="is no place in a body"):
        hook(house, mapping={"number": place})


def test_places() -> None:
    assert at({"a": [{"b": None}]}, "a[0].b") is None
    assert at({"a": [1]}, "a[1]") is MISSING
    assert at([1], "a") is MISSING

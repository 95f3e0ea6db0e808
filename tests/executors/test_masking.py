"""Secrets in what tasks write: masked in every writing, wherever the writes are cut."""

from __future__ import annotations

import base64
import html
import json
import shlex
import subprocess
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.canaries import CANARIES
from yamldag.executors.guard.masking import Mask, holds
from yamldag.plan.hidden import MASK

WRITINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "quoted": lambda secret: f'"{secret}"',
    "json": json.dumps,
    "json in unicode": lambda secret: json.dumps(secret, ensure_ascii=False),
    "json in json": lambda secret: json.dumps(json.dumps({"a": secret})),
    "python": repr,
    "python in ascii": ascii,
    "python on an ascii stderr": lambda secret: secret.encode("ascii", "backslashreplace").decode(),
    "python bytes": lambda secret: repr(secret.encode()),
    "url": lambda secret: urllib.parse.quote(secret, safe=""),
    "url path": urllib.parse.quote,
    "url query": lambda secret: urllib.parse.urlencode({"key": secret}),
    "lower url": lambda secret: urllib.parse.quote(secret, safe="").lower() if secret.islower() else secret,
    "hex": lambda secret: secret.encode().hex(),
    "upper hex": lambda secret: secret.encode().hex().upper(),
    "hex dump": lambda secret: secret.encode().hex(" "),
    "html": html.escape,
    "shell": shlex.quote,
    "crlf": lambda secret: secret.replace("\n", "\r\n"),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "url base64": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
}


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("secret", CANARIES)
def test_no_writing_of_a_secret_stays(secret: str, writing: str) -> None:
    written = WRITINGS[writing](secret)
    mask = Mask([secret])
    said = mask.feed(f"before {written} after\n".encode()) + mask.end()
    assert MASK.encode() in said
    assert written.encode() not in said
    for line in [secret, *secret.splitlines()]:
        assert len(line) < 4 or line.encode() not in said
    assert said.startswith(b"before ")
    assert said.endswith(b" after\n")


@pytest.mark.parametrize("secret", CANARIES)
@pytest.mark.parametrize("before", ["", "a", "ab", "user:", "longer user:"])
def test_base64_hides_it_wherever_it_begins(secret: str, before: str) -> None:
    whole = base64.b64encode(f"{before}{secret}{before}".encode())
    shown = Mask([secret]).text(whole.decode())
    assert MASK in shown
    for piece in shown.rstrip("=").split(MASK):
        for start in range(4):
            rest = piece[start:]
            rest = rest[: len(rest) // 4 * 4]
            assert secret.encode() not in base64.b64decode(rest)


@pytest.mark.parametrize("secret", [each for each in CANARIES if len(each) > 60])
def test_base64_hides_it_over_several_lines(secret: str) -> None:
    wrapped = base64.encodebytes(secret.encode()).decode()
    said = Mask([secret]).text(wrapped)
    assert not any(len(line) >= 8 and line in said for line in wrapped.splitlines())


@pytest.mark.parametrize("secret", CANARIES)
def test_it_is_hidden_however_the_writes_are_cut(secret: str) -> None:
    text = f"x{secret}y{secret[: len(secret) // 2]}!{secret}".encode()
    for size in (1, 2, 3, 5, 7, 64):
        mask = Mask([secret])
        parts = [mask.feed(text[at : at + size]) for at in range(0, len(text), size)]
        said = b"".join([*parts, mask.end()])
        assert said == Mask([secret]).feed(text + b"\n")[: len(said)]
        assert secret.encode() not in said


@given(st.lists(st.text(min_size=3, max_size=12), min_size=1, max_size=4), st.binary(max_size=200), st.data())
def test_cuts_make_no_difference(secrets: list[str], text: bytes, data: st.DataObject) -> None:
    for secret in secrets:
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + secret.encode("utf-8", "surrogatepass") + text[at:]
    whole = Mask(secrets)
    wanted = whole.feed(text) + whole.end()
    cut = data.draw(st.integers(0, len(text)))
    parts = Mask(secrets)
    assert parts.feed(text[:cut]) + parts.feed(text[cut:]) + parts.end() == wanted


def test_what_is_no_secret_goes_through_unchanged_and_at_once() -> None:
    mask = Mask(["hunter2hunter2"])
    assert mask.feed(b"all is well\n") == b"all is well\n"
    assert mask.feed(b"progress 50%") == b"progress 50%"
    assert mask.feed(b" hunt") == b" "
    assert mask.feed(b"ing\n") == b"hunting\n"


def test_the_beginning_of_a_secret_at_the_very_end_is_masked() -> None:
    mask = Mask(["hunter2hunter2"])
    assert mask.feed(b"I am hunter2hun") + mask.end() == b"I am ***"
    assert Mask(["hunter2hunter2"]).text("error: hunter2hun") == "error: ***"
    assert Mask(["hunter2hunter2"]).text("go on a hun") == "go on a hun"


def test_short_secrets_would_take_the_log_along() -> None:
    assert Mask(["ab"]).text("abracadabra") == "abracadabra"
    assert Mask([""]).text("text") == "text"


def test_bash_traces_show_nothing() -> None:
    for secret in CANARIES:
        traced = subprocess.run(
            ["bash", "-xc", ': "$1"; printf "%q\\n" "$1" >&2', "bash", secret],
            stderr=subprocess.PIPE,
            env={"LC_ALL": "C.UTF-8"},
            check=True,
        ).stderr.decode()
        said = Mask([secret]).text(traced)
        assert MASK in said, traced
        assert secret not in said


def test_an_output_holds_it_in_any_writing_if_it_is_long() -> None:
    assert holds(f"x {base64.b64encode(b'hunter2hunter2').decode()}", ["hunter2hunter2"])
    assert holds("hunter2hunter2", ["other", "hunter2hunter2"])
    assert not holds("hunter2", ["hunter2"])  # of fewer than eight characters

"""What is typed is compiled and nothing else: no file is read or written, nothing runs, and nobody waits for it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.conftest import Hosted
from yamldag.web.playground.checker import LONGEST, Checker

GOOD = "pipeline: p\nschedule: '0 4 * * *'\ntasks:\n  a: {bash: 'true'}\n  b: {bash: 'true', needs: a}\n"


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    made = Checker()
    yield made
    made.close()


def codes(checker: Checker, text: str) -> list[str]:
    return [each["code"] for each in checker.check(text)["diagnostics"]]


def test_what_is_sound_is_drawn_with_its_ticks(checker: Checker) -> None:
    told = checker.check(GOOD)
    assert told["diagnostics"] == []
    assert told["svg"].startswith("<svg")
    assert len(told["ticks"]) == 4


def test_a_mistake_has_its_place(checker: Checker) -> None:
    [told] = checker.check(GOOD.replace("needs: a", "needs: c"))["diagnostics"]
    assert (told["code"], told["line"], told["file"]) == ("YD203", 5, "playground.yml")
    assert checker.check(GOOD.replace("needs: a", "needs: c"))["svg"] is None


@pytest.mark.parametrize(
    "text",
    ["", "\x00", "a: [" * 5000, "{" * 30_000, "- " * 20_000, "&a [*a]", "p: !!python/object:os.system x",
     "pipeline: p\ntasks: {a: {bash: '" + "{{ 1 " * 5000 + "'}}", "\ud800", "é" * 1000,
     "a" * 60_000 + " b", "a." * 30_000 + "!", "| " * 30_000, "a: {{ " + "is " * 20_000, "a: " + "{{ x }} " * 8000, "- " * 200 + "a",
     "pipeline: p\ntasks: {a: {bash: '{{ " + "tasks['a']." * 5000],
)  # fmt: skip
def test_any_text_has_an_answer(checker: Checker, text: str) -> None:
    told = checker.check(text)
    assert "diagnostics" in told or "problem" in told
    for at in (0, len(text) // 2, len(text)):
        assert "offers" in checker.complete(text, at)
        assert "meaning" in checker.explain(text, at)
    assert checker.check(GOOD)["diagnostics"] == []


def test_aliases_do_not_multiply(checker: Checker) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
    )
    assert codes(checker, bomb) or checker.check(bomb).get("problem")


def test_what_is_too_long_is_not_looked_at(checker: Checker) -> None:
    assert "longer than" in checker.check("#" * (LONGEST + 1))["problem"]


@pytest.mark.parametrize(
    "task",
    ["use: {}/secret.yml", "use: ../../../../../../../..{}/secret.yml", "bash: {{file: {}/secret.sh}}", "python: '{}/secret:f'",
     "python: secret:f", "sql: {{file: {}/secret.sql}}", "python: {{file: {}/secret.py}}"],
)  # fmt: skip
def test_no_file_is_read_nor_its_being_there_told(checker: Checker, tmp_path: Path, task: str) -> None:
    text = "pipeline: p\ntasks:\n  a: {" + task.format(tmp_path) + "}\n"
    before = checker.check(text)
    for end in ("yml", "sh", "sql", "py"):
        (tmp_path / f"secret.{end}").write_text(
            "template: canary\nparams: {canary: 1}\ntasks: {}\ncanary = (\n"
        )
    after = checker.check(text)
    assert "canary" not in str(after)
    before.pop("seconds")
    after.pop("seconds")
    assert after == before


def test_nothing_of_it_is_imported(checker: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "touching.py").write_text(f"open({str(tmp_path / 'touched')!r}, 'w')\ndef f(): pass\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    own = Checker()
    try:
        own.check("pipeline: p\ntasks:\n  a: {python: 'touching:f'}\n")
    finally:
        own.close()
    assert not (tmp_path / "touched").exists()


def test_what_takes_too_long_is_ended_and_the_next_one_is_checked(checker: Checker) -> None:
    checker.check(GOOD)
    child = checker._child
    assert child is not None
    os.kill(child.pid, signal.SIGSTOP)
    assert "too long" in checker.check(GOOD, patience=0.0)["problem"]
    assert child.poll() is not None
    assert checker.check(GOOD)["diagnostics"] == []


def test_several_ask_at_once(checker: Checker) -> None:
    told: list[int] = []
    threads = [
        threading.Thread(target=lambda: told.append(len(checker.check(GOOD, patience=60.0)["diagnostics"])))
        for _ in range(6)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert told == [0] * 6


def test_the_page_asks_by_a_form(hosted: Hosted) -> None:
    answer = hosted.anyone.post("/playground/check", {"text": GOOD.replace("\n", "\r\n")})
    assert answer.json()["diagnostics"] == []
    assert answer.headers["content-type"] == "application/json"
    assert hosted.token("looker", "viewer").get("/playground").status_code == 403


PLACE = GOOD.index("needs: a") + len("needs: a")


def test_names_that_the_project_declares_are_offered_and_known(checker: Checker) -> None:
    known = {"connections": {"warehouse": None}, "secrets": ["token"], "pools": {"crm": 2}}
    text = "pipeline: p\ntasks:\n  a: {sql: {connection: , query: 'select 1'}, env: {T: '{{ secrets.token }}'}, pool: crm}\n"
    found = checker.complete(text, text.index("connection: ") + len("connection: "), known)
    assert [offer["label"] for offer in found["offers"]] == ["warehouse"]
    whole = text.replace("connection: ", "connection: warehouse")
    assert checker.check(whole, known)["diagnostics"] == []
    assert codes(checker, whole) == ["YD209"]


def test_the_page_asks_what_may_follow_and_what_a_word_means(hosted: Hosted) -> None:
    found = hosted.anyone.post("/playground/complete", {"text": GOOD, "at": str(PLACE)}).json()
    assert [offer["label"] for offer in found["offers"]] == ["a"]
    told = hosted.anyone.post("/playground/explain", {"text": GOOD, "at": str(GOOD.index("schedule"))}).json()
    assert "When it runs" in told["meaning"]["about"]
    for at in ("", "-1", "9" * 30, "x"):
        assert hosted.anyone.post("/playground/complete", {"text": GOOD, "at": at}).status_code == 200
    looker, long = hosted.token("looker", "viewer"), {"text": "a" * (LONGEST + 1)}
    for path in ("/playground/complete", "/playground/explain"):
        assert looker.post(path, {"text": GOOD}).status_code == 403
        assert "longer than" in hosted.anyone.post(path, long).json()["problem"]


def test_no_file_is_read_for_a_completion(checker: Checker, tmp_path: Path) -> None:
    (tmp_path / "secret.yml").write_text("template: canary\nparams: {canary: 1}\ntasks: {canary: {noop: }}\n")
    text = f"pipeline: p\ntasks:\n  a:\n    use: {tmp_path}/secret.yml\n    with: {{}}\n  b: {{needs: }}\n"
    for place in ("with: {", "needs: "):
        assert "canary" not in str(checker.complete(text, text.index(place) + len(place)))

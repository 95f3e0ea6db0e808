"""`yamldag users` and `yamldag tokens`: accounts and tokens are made, changed and ended, and it is written down."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from yamldag.cli.main import main
from yamldag.store import sessions, users
from yamldag.store.database import Database, open_database
from yamldag.web.auth import passwords
from yamldag.web.auth.secrets import digest

PASSWORD = "correct horse battery"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    return tmp_path


def database(folder: Path) -> Database:
    return open_database(f"sqlite:///{folder}/.yamldag/yamldag.db")


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def add(name: str, *more: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    return main(["users", "add", name, *more])


def test_the_first_user_is_admin_and_the_next_a_viewer(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert add("mira", "--json", monkeypatch=monkeypatch) == 0
    assert told(capsys)["role"] == "admin"
    assert add("jonas", monkeypatch=monkeypatch) == 0
    assert "may log in as viewer" in capsys.readouterr().out
    assert main(["users", "list", "--json"]) == 0
    assert [(row["name"], row["role"], row["state"]) for row in told(capsys)] == [
        ("jonas", "viewer", "active"),
        ("mira", "admin", "active"),
    ]
    opened = database(folder)
    found = users.user(opened, "mira")
    opened.close()
    assert found is not None
    assert passwords.matches(found.password, PASSWORD)


def test_each_change_is_made_and_is_in_the_audit_log(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add("mira", monkeypatch=monkeypatch)
    opened = database(folder)
    for change in (
        ["disable", "mira"],
        ["enable", "mira"],
        ["set-role", "mira", "operator"],
        ["passwd", "mira"],
    ):
        opened.write(lambda: sessions.begin(opened, digest("x"), "mira", "here", 2e9))
        monkeypatch.setattr("sys.stdin", io.StringIO("another password\n"))
        assert main(["users", *change]) == 0
        left = len(sessions.sessions(opened, 2e9))
        assert left == (0 if change[0] in ("disable", "passwd") else 1)
        opened.execute("DELETE FROM login_session")
    assert main(["users", "delete", "mira"]) == 0
    assert users.users(opened) == []
    rows = opened.execute("SELECT via, action, object, outcome FROM audit ORDER BY id").fetchall()
    opened.close()
    actions = ["user.add", "user.disable", "user.enable", "user.set-role", "user.passwd", "user.delete"]
    assert rows == [("command", action, "mira", "done") for action in actions]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add"], "wants NAME, found nothing"),
        (["list", "mira"], "wants nothing, found mira"),
        (["set-role", "mira"], "wants NAME ROLE, found mira"),
        (["set-role", "mira", "operatr"], "did you mean `operator`?"),
        (["disable", "mirra"], "did you mean `mira`?"),
        (["delete", "somebody"], "there is no user `somebody`"),
        (["add", "mira"], "there is a user `mira` already"),
        (["add", "local"], "can't be a user's name"),
        (["add", "../x"], "can't be a user's name"),
        (["passwd", "mira", "--role", "admin"], "goes with `users add`"),
    ],
)
def test_a_mistake_is_told_in_words(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: str,
) -> None:
    add("mira", monkeypatch=monkeypatch)
    assert main(["users", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("bad", ["", "short", "x" * 1001, " starts with a space", "has\x07a bell in it"])
def test_a_bad_password_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{bad}\n"))
    assert main(["users", "add", "mira"]) == 2
    assert "a password" in capsys.readouterr().err


def test_nobody_is_an_empty_list_with_a_hint(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["users"]) == 0
    assert "yamldag users add NAME" in capsys.readouterr().err
    assert main(["users", "--json"]) == 0
    assert told(capsys) == []


def test_a_token_is_shown_once_and_kept_nowhere(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokens", "add", "ci", "--role", "operator"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("yd_")
    assert len(out.strip()) >= 43
    assert "this once" in err
    assert main(["tokens", "list", "--json"]) == 0
    text = capsys.readouterr().out
    assert out.strip() not in text
    row = json.loads(text)[0]
    assert (row["name"], row["role"], row["state"]) == ("ci", "operator", "works")
    everything = b"".join(path.read_bytes() for path in (folder / ".yamldag").glob("yamldag.db*"))
    assert out.strip().encode() not in everything


def test_a_token_can_be_revoked_and_for_ever(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokens", "add", "ci", "--days", "0", "--json"]) == 0
    assert told(capsys)["expires_at"] is None
    assert main(["tokens", "revoke", "ci"]) == 0
    assert main(["tokens", "add", "ci"]) == 2
    assert "already, or was" in capsys.readouterr().err
    assert main(["tokens", "--json"]) == 0
    assert told(capsys)[0]["state"] == "revoked"
    assert main(["tokens", "revoke", "cii"]) == 2
    assert "did you mean `ci`?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["add"], ["list", "ci"], ["add", "a b"], ["add", "ci", "--days", "-1"], ["revoke", "ci", "--days", "1"]],
)
def test_a_token_of_another_shape_is_refused(folder: Path, arguments: list[str]) -> None:
    assert main(["tokens", *arguments]) == 2

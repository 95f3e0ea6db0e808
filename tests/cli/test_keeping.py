"""What `secrets set` and `connections add` keep: encrypted, never shown, in force at once, and through each crash."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.canaries import CANARIES
from tests.cli.commands import ROOT, Caller, process
from yamldag.operators import strongbox

SECRET = "hunter2-hunter2"
PROJECT = "secrets: [api, other]\nconnections: {web: , lite: sqlite:///lite.db}\n"
PIPELINE = """
pipeline: p
tasks:
  a: {bash: 'echo "as $K"', env: {K: "{{ secrets.api }}"}}
"""


@pytest.fixture
def project(yamldag: Caller, monkeypatch: pytest.MonkeyPatch) -> Caller:
    for name in [name for name in os.environ if name.startswith("YAMLDAG_")]:
        monkeypatch.delenv(name)
    yamldag.write("yamldag.yml", PROJECT)
    yamldag.write("pipelines/p.yml", PIPELINE)
    return yamldag


def give(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def rows(folder: Path) -> list[tuple[str, str, str]]:
    with sqlite3.connect(folder / ".yamldag" / "yamldag.db") as database:
        found = database.execute("SELECT kind, name, token FROM stored_value ORDER BY kind, name").fetchall()
    database.close()
    return found


def values(folder: Path) -> dict[str, str]:
    """What the keys of the project open."""
    box = strongbox.of({}, str(folder))
    return {name: box.opened(kind, name, token) for kind, name, token in rows(folder)}


def test_a_secret_is_kept_and_tasks_get_it_and_nobody_sees_it(
    project: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, f"{SECRET}\n")
    said = project("secrets", "set", "api")
    assert (said.code, said.out) == (0, "the database keeps `api`, encrypted\n")
    assert "made the key `" in said.err
    assert values(project.folder) == {"api": SECRET}
    listed = {row["name"]: row for row in project("secrets", "--json").json}
    assert listed["api"] == {"name": "api", "source": "the database", "note": None}
    assert listed["other"]["source"] is None
    run = process(project.folder, "run", "p", "--json")
    assert run.json["state"] == "success"
    assert project("logs", run.json["run_id"], "a").out == "as ***\n"
    for path in (project.folder / ".yamldag").rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_a_change_is_in_force_for_the_next_run(project: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("pipelines/p.yml", PIPELINE.replace('echo "as $K"', 'echo "${#K}"'))
    for value in ("12345", "1234567"):
        give(monkeypatch, value)
        project("secrets", "set", "api")
        run = process(project.folder, "run", "p", "--json")
        assert project("logs", run.json["run_id"], "a").out == f"{len(value)}\n"


def test_canaries_come_back_as_they_were(project: Caller) -> None:
    for number, value in enumerate(CANARIES):
        project.write("value", f"{value}\n")
        assert project("secrets", "set", f"c{number}", "--file", "value").code == 0
    assert list(values(project.folder).values()) == [
        value for _, value in sorted((f"c{number}", value) for number, value in enumerate(CANARIES))
    ]
    kept = (project.folder / ".yamldag" / "yamldag.db").read_bytes()
    long = [value for value in CANARIES if len(value) >= 8]
    assert [value for value in long if value.encode() in kept] == []


def test_a_value_is_never_a_word_of_the_command(project: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    assert project("secrets", "set", "api", SECRET).code == 2
    give(monkeypatch, "\n")
    assert "is empty" in project("secrets", "set", "api").err
    assert "can't be read from `nowhere`" in project("secrets", "set", "api", "--file", "nowhere").err
    give(monkeypatch, "x" * (strongbox.LONGEST + 1))
    assert "longer than 64 KiB" in project("secrets", "set", "api").err


@pytest.mark.parametrize(
    "words",
    [
        ("secrets", "set"),
        ("secrets", "list", "api"),
        ("secrets", "rotate", "api"),
        ("secrets", "remove", "api", "--file", "x"),
        ("secrets", "set", "a b"),
        ("connections", "add"),
        ("connections", "remove"),
        ("connections", "test", "lite", "--file", "x"),
    ],
)
def test_wrong_usage(project: Caller, words: tuple[str, ...]) -> None:
    assert project(*words).code == 2


def test_a_connection_is_kept_and_resolved(project: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, "type: mysql\nhost: db\nport: 3307\npassword: '{{ secrets.api }}'\n")
    assert project("connections", "add", "web").code == 0
    give(monkeypatch, f"{SECRET}\n")
    assert project("secrets", "set", "api").code == 0
    give(monkeypatch, f"postgresql://etl:{SECRET}@db/sales")
    said = project("connections", "add", "spare")
    assert "declare it, so that pipelines may use it: `spare:`" in said.err
    found = {row["id"]: row for row in project("connections", "--json").json}
    assert found["web"] == {
        "id": "web",
        "type": "mysql",
        "address": "db:3307",
        "source": "the database",
        "note": None,
    }
    assert found["spare"]["address"] == "db/sales"
    assert SECRET not in json.dumps(found)
    assert project("connections", "remove", "web").code == 0
    assert "`yamldag connections add web`" in project("connections").out
    assert "did you mean `spare`?" in project("connections", "remove", "spar").err


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("just words", "a connection should be a URL or a mapping"),
        ("[a, b]", "a connection is a URL, or a mapping"),
        ("{a: ", "a connection is a URL, or a mapping"),
        ("type: mysql\nhots: db", "unknown key `hots` in the connection `web`"),
        (f"type: mysql\npassword: [{SECRET}]", "`password` must be text"),
        ("type: mysql\npassword: '{{ secrets.apl }}'", "there is no secret `apl`"),
        ("type: mysql\npassword: '{{ params.x }}'", "`params` can't be read here"),
    ],
)
def test_a_connection_that_is_none_is_not_kept_nor_shown(
    project: Caller, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    give(monkeypatch, text)
    said = project("connections", "add", "web")
    assert said.code == 2
    assert why in said.err
    assert SECRET not in said.err
    assert not (project.folder / ".yamldag" / "store.key").exists()


def test_the_deeds_are_in_the_audit_log_without_values(
    project: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, SECRET)
    project("secrets", "set", "api")
    project("secrets", "rotate")
    project("secrets", "remove", "api")
    with sqlite3.connect(project.folder / ".yamldag" / "yamldag.db") as database:
        found = database.execute("SELECT action, object, outcome FROM audit ORDER BY id").fetchall()
    database.close()
    assert found == [
        ("secret.set", "api", "done"),
        ("secret.rotate", "all", "done"),
        ("secret.remove", "api", "done"),
    ]


def test_rotation_leaves_each_value_and_the_key_before(
    project: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("api", "other"):
        give(monkeypatch, f"{SECRET}-{name}")
        project("secrets", "set", name)
    wanted, before = values(project.folder), strongbox.read(str(project.folder))
    old = rows(project.folder)
    assert project("secrets", "rotate").out == "2 values encrypted anew\n"
    after = strongbox.read(str(project.folder))
    assert after[1:] == before
    assert values(project.folder) == wanted
    assert {row[2] for row in rows(project.folder)}.isdisjoint(row[2] for row in old)
    project("secrets", "rotate", "--json")
    assert strongbox.read(str(project.folder))[1:] == after[:1]
    assert values(project.folder) == wanted


def test_with_keys_of_the_environment_no_file_is_made(
    project: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (project("secrets", "new-key").out.strip() for _ in range(2))
    monkeypatch.setenv("YAMLDAG_STORE_KEYS", old)
    give(monkeypatch, SECRET)
    project("secrets", "set", "api")
    monkeypatch.setenv("YAMLDAG_STORE_KEYS", f"{new},{old}")
    assert project("secrets", "rotate").code == 0
    monkeypatch.setenv("YAMLDAG_STORE_KEYS", new)
    assert {row["name"]: row["source"] for row in project("secrets", "--json").json}["api"] == "the database"
    assert not (project.folder / ".yamldag" / "store.key").exists()
    monkeypatch.setenv("YAMLDAG_STORE_KEYS", old)
    said = project("secrets", "rotate")
    assert said.code == 2
    assert "encrypted by a key that is not in $YAMLDAG_STORE_KEYS" in said.err


@pytest.mark.parametrize("other", [None, "7sxxUp67uDKz9kIZenmiskUZ7HNvYoApIGUWdpgAjYQ="])
def test_a_rotation_without_the_key_makes_none(
    project: Caller, monkeypatch: pytest.MonkeyPatch, other: str | None
) -> None:
    give(monkeypatch, SECRET)
    project("secrets", "set", "api")
    file = project.folder / ".yamldag" / "store.key"
    key = file.read_text()
    file.unlink()
    if other is not None:
        file.touch(mode=0o600)
        file.write_text(f"{other}\n")
    said = project("secrets", "rotate")
    assert (said.code, said.out) == (2, "")
    assert ("there is no key" if other is None else "by a key that is not in") in said.err
    assert (file.read_text() if file.exists() else None) == (None if other is None else f"{other}\n")
    file.touch(mode=0o600)
    file.write_text(key)
    assert values(project.folder) == {"api": SECRET}


CRASHES = """
import os, signal, sys
from yamldag.operators import strongbox
from yamldag.store import stored
from yamldag.store.database import Database

steps = [(strongbox, "write"), (stored, "replace"), (Database, "write"), (strongbox, "write")]
at, when = int(sys.argv[1]), sys.argv[2]
seen = 0

def dying(owner, name):
    real = getattr(owner, name)
    def call(*args, **options):
        global seen
        seen += 1
        mine = seen == at
        if mine and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        made = real(*args, **options)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return made
    setattr(owner, name, call)

for owner, name in {(owner, name) for owner, name in steps}:
    dying(owner, name)
from yamldag.cli.main import main
sys.exit(main(["secrets", "rotate"]))
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, 5))
def test_a_rotation_that_is_killed_anywhere_loses_nothing(
    project: Caller, monkeypatch: pytest.MonkeyPatch, at: int, when: str
) -> None:
    give(monkeypatch, SECRET)
    project("secrets", "set", "api")
    command = [sys.executable, "-c", CRASHES, str(at), when]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=project.folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert values(project.folder) == {"api": SECRET}
    assert project("secrets", "rotate").code == 0
    assert values(project.folder) == {"api": SECRET}


def test_what_no_file_declares_is_said_to_be_of_no_use(
    project: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, SECRET)
    assert "declare `spare` under `secrets:`" in project("secrets", "set", "spare").err
    row = next(row for row in project("secrets", "--json").json if row["name"] == "spare")
    assert row["note"] == "no pipeline can use it: declare its name under `secrets:` in yamldag.yml"


def test_nothing_is_made_by_looking(project: Caller) -> None:
    project("secrets")
    project("connections")
    project("doctor")
    assert not (project.folder / ".yamldag").exists()


def test_the_doctor_tries_each_connection(project: Caller) -> None:
    project.write(
        "yamldag.yml",
        "connections: {lite: sqlite:///lite.db, gone: http://127.0.0.1:1/, db: 'mysql://127.0.0.1:1/x'}\n",
    )
    (project.folder / "lite.db").touch()
    project.write("plugins/odd.py", "1 / 0")
    found = {row["name"]: row for row in project("doctor", "--json").json["checks"]}
    assert found["connection lite"]["state"] == "ok"
    assert "it answers: sqlite" in found["connection lite"]["message"]
    assert (found["connection gone"]["state"], found["connection db"]["state"]) == ("wrong", "wrong")
    assert "refused" in found["connection gone"]["message"]
    assert found["plug-in odd"]["state"] == "wrong"


def test_sources_are_checked_by_name(project: Caller) -> None:
    project.write(
        "yamldag.yml",
        "secrets: [id, api]\nsecret_sources:\n"
        "  - valt\n  - vault\n  - vault: {url: https://v, path: p, token: '{{ secrets.idd }}'}\n"
        "  - keyring: {servise: x}\n  - mine: {file: x}\n",
    )
    project.write("plugins/secrets/mine.py", "def find(name, file): return None\n")
    found = project("validate", "--json").json["diagnostics"]
    assert [(each["code"], each["line"]) for each in found] == [
        ("YD404", 3),
        ("YD402", 4),
        ("YD209", 5),
        ("YD401", 6),
    ]

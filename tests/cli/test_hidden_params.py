"""Params that nobody may see: tasks get their values, and no command, log or file shows one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.commands import Caller, process

TOKEN, PIN, KEY = "opensesame-1234", "correct-horse-77", "deep-inside-9876"
VALUES = (TOKEN, PIN, KEY)
FILE = f"""
pipeline: hides
params:
  who: mira
  token: {{type: string, writeOnly: true, minLength: 8}}
  pin: {{type: string, format: password, default: {PIN}}}
  login: {{type: object, properties: {{key: {{type: string, writeOnly: true}}}}, default: {{key: {KEY}}}}}
tasks:
  shell: {{bash: "echo {{{{ params.who | sh }}}} {{{{ params.token | sh }}}}; echo {{{{ params.login.key }}}} >&2"}}
  words: {{command: [printf, "%s", "{{{{ params.pin }}}}"]}}
  by_environment: {{bash: 'echo "$TOKEN"', env: {{TOKEN: "{{{{ params.token }}}}"}}}}
  code: {{python: "code:show", args: {{token: "{{{{ params.token }}}}"}}}}
  looks: {{wait: {{python: "code:there", poke_interval: 1s}}}}
  looks_at_file: {{wait: {{file: hides.yml, poke_interval: 1s}}}}
  asks_code: {{short_circuit: {{python: "code:there"}}}}
  chooses: {{short_circuit: "params.token != ''"}}
  nothing: {{noop: }}
  mapped: {{foreach: [1, 2], bash: "echo {{{{ params.token | sh }}}}"}}
on_success: {{bash: "echo told {{{{ params.pin | sh }}}}"}}
"""
CODE = "def show(token):\n    print(token)\n    return len(token)\n\ndef there():\n    return True\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "hides.yml").write_text(FILE)
    (tmp_path / "pipelines" / "code.py").write_text(CODE)
    (tmp_path / "yamldag.yml").write_text("{}")
    return tmp_path


def test_tasks_get_them_and_neither_logs_nor_files_hold_them(project: Path) -> None:
    done = process(project, "run", "hides", "--param", f"token={TOKEN}", "--format", "json")
    assert done.code == 0, done.err
    states = {row["id"]: row["state"] for row in done.json["tasks"]}
    assert set(states.values()) == {"success"}
    run = done.json["run_id"]
    written = {
        task: process(project, "logs", run, task).out for task in ("shell", "words", "by_environment", "code")
    }
    assert written["shell"] == "mira ***\n***\n"
    assert {written["words"].strip(), written["by_environment"].strip(), written["code"].strip()} == {"***"}
    found = [
        path
        for path in (project / ".yamldag").rglob("*")
        if path.is_file()
        and not path.name.startswith("yamldag.db")
        and any(value.encode() in path.read_bytes() for value in VALUES)
    ]
    assert found == []


def test_an_output_that_holds_one_is_not_taken(project: Path) -> None:
    (project / "pipelines" / "code.py").write_text(CODE.replace("len(token)", "token"))
    done = process(project, "run", "hides", "--param", f"token={TOKEN}", "--task", "code", "--format", "json")
    assert [row["state"] for row in done.json["tasks"]] == ["failed"]
    assert "holds a secret" in process(project, "tasks", done.json["run_id"], "--format", "json").out


@pytest.mark.parametrize(
    "command",
    [
        ("show", "hides"),
        ("show", "hides", "--format", "json"),
        ("run", "hides", "--dry-run", "--param", f"token={TOKEN}"),
        ("run", "hides", "--dry-run", "--param", f"token={TOKEN}", "--format", "json"),
    ],
)
def test_a_command_shows_a_mask(
    project: Path,
    command: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(project)
    said = Caller(project, capsys)(*command)
    assert said.code == 0
    assert "***" in said.out
    assert not [value for value in VALUES if value in said.out + said.err]


def test_a_value_that_does_not_fit_is_not_repeated(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    said = Caller(project, capsys)("trigger", "hides", "--param", "token=sesame", "--param", "login=nonsense")
    assert said.code == 2
    assert said.err == (
        "yamldag trigger: param `token` must have at least 8 characters\n  param `login` must be a mapping\n"
    )

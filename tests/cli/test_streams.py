"""Where a command's words go when nobody takes them as they are: closed, full, of another encoding."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commands import ROOT

PIPELINE = (
    'pipeline: p\ndescription: "Zoë → 𝄞"\ntasks: {a: {bash: echo done}, b: {needs: a, bash: "echo Zoë"}}\n'
)
WRONG = PIPELINE.replace("needs: a", "needs: ä")


def shell(folder: Path, line: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    script = f'yamldag() {{ "{sys.executable}" -m yamldag "$@"; }}; {line}'
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", **variables}
    return subprocess.run(["bash", "-c", script], cwd=folder, env=env, capture_output=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "yamldag.yml").write_text("")
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "p.yml").write_text(PIPELINE)
    return tmp_path


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-", "2>/dev/full"])
def test_a_run_goes_on_though_nobody_hears_of_it(folder: Path, closed: str) -> None:
    assert shell(folder, f"yamldag run p {closed}").returncode == 0
    (row,) = json.loads(shell(folder, "yamldag runs --json").stdout)
    assert row["state"] == "success"


@pytest.mark.parametrize("command", ["run p", "validate", "show p --json", "--help", "runs"])
def test_a_full_disk_behind_stdout_is_no_bug(folder: Path, command: str) -> None:
    shell(folder, "yamldag run p")
    said = shell(folder, f"yamldag {command} >/dev/full")
    assert (said.returncode, said.stderr.decode().splitlines()[-1]) == (
        1,
        "yamldag: the output can't be written: no space left on device",
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_an_encoding_lacks_is_escaped(folder: Path, encoding: str) -> None:
    (folder / "pipelines" / "p.yml").write_text(WRONG)
    said = shell(folder, "yamldag validate", PYTHONIOENCODING=encoding)
    assert said.returncode == 1
    assert b"there is no such task" in said.stdout
    assert ("\\u00e4" if encoding == "ascii" else "ä") in said.stdout.decode(encoding)


def test_json_stays_json_in_every_encoding(folder: Path) -> None:
    said = shell(folder, "yamldag show p --json", PYTHONIOENCODING="ascii")
    assert json.loads(said.stdout.decode("ascii"))["description"] == "Zoë → 𝄞"

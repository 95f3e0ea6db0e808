"""A folder to work in."""

from pathlib import Path

import pytest

from tests.cli.commands import Caller


@pytest.fixture
def yamldag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Caller:
    monkeypatch.chdir(tmp_path)
    for name in ("YAMLDAG_ENV", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return Caller(tmp_path, capsys)

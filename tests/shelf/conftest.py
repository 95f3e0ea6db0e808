"""A project that rests on every kind of thing, and whose plan is kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.commands import Caller
from tests.shelf.places import PROJECT, Place
from yamldag.compile import documents
from yamldag.operators import catalog
from yamldag.operators.plugins.registry import Plugins
from yamldag.shelf import grounds


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    """A project, with the plan of its `main.yml` kept."""
    for name in [name for name in os.environ if name.startswith("YAMLDAG_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    # The files have just been written, and nobody writes them now.
    monkeypatch.setattr(grounds, "FRESH", -(10**15))
    # A command is a process: what other tests asked of plug-ins does not count.
    monkeypatch.setattr(catalog, "_plugins", Plugins(None, ()))
    monkeypatch.setattr(documents, "_schemas", {})
    for name, text in PROJECT.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / ".yamldag").mkdir(0o700)
    made = Place(tmp_path, Caller(tmp_path, capsys))
    made.dry_run()
    assert made.kept() is not None
    return made

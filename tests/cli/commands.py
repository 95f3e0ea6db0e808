"""How the tests call commands: inside this process where only words and codes matter, as a process of its own else."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import forked
from yamldag.cli.main import main

ROOT = Path(__file__).parents[2]


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Caller:
    """Calls commands in a folder, in this process."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture

    def __call__(self, *arguments: str) -> Said:
        import gc

        self._capture.readouterr()
        try:
            code = main(list(arguments))
        finally:
            gc.enable()  # commands turn it off, as they end soon
        return Said(code, *self._capture.readouterr())

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


def process(folder: Path, *arguments: str, **variables: str) -> Said:
    """A process of its own, as from a shell."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("YAMLDAG_")}
    env = {**env, "PYTHONPATH": str(ROOT), **variables}
    done = forked.call(arguments, folder, env)
    return Said(done.returncode, done.stdout, done.stderr)

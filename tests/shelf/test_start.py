"""A plan that was kept spares a run the compiler: what would read, check and compile is not even imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.cli.commands import ROOT

SCRIPT = """
import sys
from yamldag.cli.main import main
from yamldag.shelf import grounds
grounds.FRESH = -10**15
code = main(["run", "one.yml", "--json"])
print("\\n" + " ".join(sys.modules))
sys.exit(code)
"""
HEAVY = (
    "yaml",
    "jinja2",
    "jsonschema",
    "yamldag.compile",
    "yamldag.syntax.check",
    "yamldag.syntax.parse",
    "sqlalchemy",
)


def imported(folder: Path) -> tuple[str, list[str]]:
    """The state of a run, and the heavy modules that it imported."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("YAMLDAG_")}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(
        command, cwd=folder, env={**env, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    text, modules = done.stdout.rsplit("\n\n", 1)
    return json.loads(text)["state"], [name for name in modules.split() if name in HEAVY]


def test_the_second_run_imports_no_compiler(tmp_path: Path) -> None:
    (tmp_path / "one.yml").write_text("pipeline: one\ntasks: {a: {bash: 'true'}}\n")
    state, first = imported(tmp_path)
    assert state == "success"
    assert "yamldag.compile" in first
    assert imported(tmp_path) == ("success", [])

"""The guard of a task: what it does when all goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BREAKS = """
import sys
from msgspec.structs import asdict
from yamldag.executors.guard import guard
from yamldag.operators import bash
from yamldag.operators.contract import Attempt

def broken(params, args, attempt):
    raise RuntimeError(f"can't do {params}")

bash.prepare = broken
path = sys.argv[1]
attempt = Attempt("r", "t", 1, None, path, path, path, path + "/o", path + "/r", path + "/l", path + "/s")
sealed = {"operator": "bash", "params": {"script": "echo {{ secrets.k }}"}, "args": {}, "env": {}, "names": {},
          "templates": [["params", "script"]], "timezone": "UTC"}
print(guard.guard({"sealed": sealed, "declared": None, "attempt": asdict(attempt)}, None), flush=True)
"""


def test_an_operator_that_breaks_shows_nothing(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "YAMLDAG_SECRET_K": "hunter2-hunter2"}
    env["YAMLDAG_DECLARED"] = '{"secrets": {"k": null}}'
    done = subprocess.run(
        [sys.executable, "-c", BREAKS, str(tmp_path)], env=env, capture_output=True, text=True, check=True
    )
    assert "RuntimeError: can't do {'script': 'echo ***'}" in done.stdout
    assert "the operator broke off; its log tells more" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr

"""Runs one attempt of an operator for real, as an executor would, and gives its outcome and its log."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from yamldag.executors import task
from yamldag.operators.contract import Attempt, Json, Outcome
from yamldag.operators.running import runnable


@dataclass(frozen=True)
class Ended:
    exit: int
    reason: str = "exit"
    message: str = ""
    result: str | None = None


def attempt(folder: Path) -> Attempt:
    return Attempt(
        run_id="r1",
        task_id="load.orders",
        number=1,
        map_index=None,
        folder=str(folder),
        cwd=str(folder),
        run_dir=str(folder),
        output_path=str(folder / "output"),
        result_path=str(folder / "result"),
        log_path=str(folder / "log"),
        spec_path=str(folder / "spec"),
        connected=True,
    )


def run(
    operator: str,
    folder: Path,
    params: Mapping[str, Any],
    args: Mapping[str, Json] | None = None,
    declared: Mapping[str, Json] | None = None,
) -> Outcome:
    """The outcome; what it printed is in `log`."""
    this, how = attempt(folder), runnable(operator)
    assert how is not None
    work = how.prepare(params, args or {}, this)
    if isinstance(work, Outcome):
        return work
    if work.spec is not None:
        Path(this.spec_path).write_text(json.dumps(work.spec))
    own = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    env = {**own, "YAMLDAG_OUTPUT": this.output_path, **work.env}
    with open(this.log_path, "wb") as log:
        process = subprocess.run(work.argv, cwd=this.cwd, env=env, stdout=log, stderr=log, check=False)
    return how.outcome(Ended(process.returncode), this, declared)


def run_here(operator: str, folder: Path, params: Mapping[str, Any], **more: Any) -> Outcome:
    """The same in this process, which is much faster. `more` are fields of the attempt."""
    this, how = replace(attempt(folder), **more), runnable(operator)
    assert how is not None
    work = how.prepare(params, {}, this)
    if isinstance(work, Outcome):
        return work
    told, _ = task._run(json.loads(json.dumps(work.spec)))
    assert told is not None
    return Outcome(told["state"], told.get("reason", ""), told.get("output"), told.get("retry") is True)


def log(folder: Path) -> str:
    return (folder / "log").read_text()

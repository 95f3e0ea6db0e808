"""A project in a temporary folder, used as a person would: through the command line alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import forked

ROOT = Path(__file__).parents[2]
YAMLDAG = (sys.executable, "-m", "yamldag")
PATIENCE = 120
"""Seconds after which a command is taken to hang."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Ran:
    """A run, as `yamldag run --json` tells of it."""

    answer: Answer
    project: Project

    @property
    def id(self) -> str:
        return str(self.answer.json["run_id"])

    @property
    def state(self) -> str:
        return str(self.answer.json["state"])

    @property
    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.answer.json["tasks"]
        return rows

    @property
    def states(self) -> dict[str, str]:
        """By `id`, or `id[index]`."""
        return {label(row): row["state"] for row in self.rows}

    @property
    def attempts(self) -> dict[str, int]:
        return {label(row): row["attempts"] for row in self.rows}

    @property
    def reasons(self) -> dict[str, str]:
        """What `yamldag tasks` says of each."""
        rows = self.project("tasks", self.id, "--json").json["tasks"]
        return {label(row): row["reason"] or "" for row in rows}

    def log(self, task: str, *more: str) -> str:
        answer = self.project("logs", self.id, task, *more)
        assert answer.code == 0, answer
        return answer.out


def label(row: dict[str, Any]) -> str:
    return str(row["id"]) if row["map_index"] is None else f"{row['id']}[{row['map_index']}]"


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "pipelines").mkdir()

    def write(self, name: str, content: str | dict[str, Any]) -> Path:
        """A file of the project; a mapping is written as JSON, which is YAML."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def environment(self, env: dict[str, str] | None = None) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("YAMLDAG_")}
        return {**clean, "PYTHONPATH": str(ROOT), **(env or {})}

    def __call__(self, *arguments: str, env: dict[str, str] | None = None) -> Answer:
        done = forked.call(arguments, self.folder, self.environment(env), timeout=PATIENCE)
        assert done.returncode != 3, done.stderr  # our bug
        assert f"{ROOT}/yamldag" not in done.stderr  # no frame of ours
        return Answer(done.returncode, done.stdout, done.stderr)

    def begin(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """A command that goes on meanwhile."""
        return subprocess.Popen(
            [*YAMLDAG, *arguments],
            cwd=self.folder,
            env=self.environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, pipeline: str | dict[str, Any], *arguments: str, env: dict[str, str] | None = None) -> Ran:
        """Run `tasks:` as YAML text, or a whole pipeline as a mapping, or one of that id that is there."""
        name = self.pipeline(pipeline)
        answer = self("run", name, "--json", *arguments, env=env)
        assert answer.code in (0, 1), answer
        assert answer.out, answer
        ran = Ran(answer, self)
        assert answer.code == (0 if ran.state == "success" else 1)
        return ran

    def pipeline(self, pipeline: str | dict[str, Any]) -> str:
        if isinstance(pipeline, dict):
            pipeline = {"pipeline": "p", **pipeline}
            self.write(f"pipelines/{pipeline['pipeline']}.yml", pipeline)
            return str(pipeline["pipeline"])
        if "tasks:" not in pipeline:
            return pipeline
        told = re.search(r"^pipeline: (\w+)", pipeline, re.MULTILINE)
        name = told[1] if told else "p"
        self.write(f"pipelines/{name}.yml", pipeline if told else f"pipeline: p\n{pipeline}")
        return name

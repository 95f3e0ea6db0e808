"""Each sentence of the language's reference, as whole runs: see scenarios/README.md."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.project import PATIENCE, Answer, Project, label
from tests.e2e.serving import wait_until

FOLDER = Path(__file__).parent / "scenarios"
JSON = {
    "run",
    "show",
    "next",
    "runs",
    "tasks",
    "why",
    "versions",
    "list",
    "trigger",
    "clear",
    "cancel",
    "retry",
}
DOES = {"run", "call", "start", "scheduler", "until", "reached", "write", "remove", "end", "note"}
EXPECTS = {
    "exit",
    "state",
    "tasks",
    "some",
    "json",
    "says",
    "silent",
    "reasons",
    "history",
    "unordered",
    "at_once",
}


def scenarios() -> list[Any]:
    return [
        pytest.param(body, id=f"{path.stem}: {name}")
        for path in sorted(FOLDER.glob("*.yml"))
        for name, body in yaml.load(path.read_text(), yaml.CSafeLoader).items()
    ]


class Play:
    """One scenario in its project."""

    def __init__(self, project: Project, body: dict[str, Any]) -> None:
        self.project = project
        self.body = body
        self.history = project.folder / "history"
        self.history.touch()
        self.env = {"HISTORY": str(self.history)}
        self.going: list[subprocess.Popen[str]] = []

    def play(self) -> None:
        text = self.body.get("file")
        if text is not None:
            self.write("pipelines/p.yml", text if text.startswith("pipeline:") else f"pipeline: p\n{text}")
        for path, content in self.body.get("files", {}).items():
            self.write(path, content)
        alone = {key: value for key, value in self.body.items() if key in EXPECTS}
        for step in self.body.get("steps", [{"run": "p", **alone}]):
            assert not (unknown := step.keys() - DOES - EXPECTS), unknown
            self.step(step)

    def step(self, step: dict[str, Any]) -> None:
        for path, content in step.get("write", {}).items():
            self.write(path, content)
        if "remove" in step:
            (self.project.folder / step["remove"]).unlink()
        if "scheduler" in step:
            self.begin(f"scheduler {step['scheduler'] or ''}")
        if "start" in step:
            self.begin(step["start"])
        if "reached" in step:
            wait_until(lambda: not Counter(map(str, step["reached"])) - Counter(self.lines()))
        if "end" in step:
            self.expect(step, self.end(step["end"]))
        elif "until" in step:
            wait_until(lambda: holds(lambda: self.expect(step, self.call(step["until"]))))
        elif "run" in step:
            self.expect(step, self.call(f"run {step['run']}"))
        elif "call" in step:
            self.expect(step, self.call(step["call"]))
        else:
            self.expect({**step, "exit": None}, Answer(0, "", ""))

    def write(self, path: str, content: str) -> None:
        self.project.write(path, self.filled(content))

    def filled(self, text: str) -> str:
        def date(found: re.Match[str]) -> str:
            return (datetime.now(UTC) + timedelta(days=int(found[1] or 0))).date().isoformat()

        return re.sub(r"<today([+-]\d+)?>", date, text).replace("<folder>", str(self.project.folder))

    def words(self, command: str) -> list[str]:
        words = shlex.split(self.filled(command))
        return (
            [*words, "--json"]
            if words[0] in JSON and not {"--json", "--help", "--format"} & {*words}
            else words
        )

    def call(self, command: str) -> Answer:
        return self.project(*self.words(command), env=self.env)

    def begin(self, command: str) -> None:
        self.going.append(self.project.begin(*self.words(command), env=self.env))

    def end(self, how: Any) -> Answer:
        process = self.going.pop()
        if how is not True:
            process.send_signal(signal.Signals[f"SIG{how}"])
        out, err = process.communicate(timeout=PATIENCE)
        return Answer(process.returncode, out, err)

    def close(self) -> None:
        for process in self.going:
            process.kill()
            process.communicate()

    def lines(self) -> list[str]:
        return self.history.read_text().splitlines()

    def expect(self, step: dict[str, Any], answer: Answer) -> None:
        code = step.get("exit", int("run" in step and step.get("state", "success") != "success"))
        assert code is None or answer.code == code, answer
        if "state" in step:
            assert answer.json["state"] == step["state"], answer
        if {"tasks", "some"} & step.keys():
            self.expect_tasks(step, answer.json["tasks"])
        if "json" in step:
            alike(step["json"], answer.json, "")
        said = answer.out + answer.err
        for text in step.get("says", ()):
            assert self.filled(str(text)) in said, said
        for text in step.get("silent", ()):
            assert str(text) not in said, said
        for task, text in step.get("reasons", {}).items():
            rows = self.project("tasks", answer.json["run_id"], "--json").json["tasks"]
            reasons = {label(row): row["reason"] or "" for row in rows}
            assert str(text) in reasons[task], reasons
        self.expect_history(step)

    def expect_tasks(self, step: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        wanted: dict[str, Any] = step["tasks"] if "tasks" in step else step["some"]
        found = {label(row): row for row in rows}
        assert len(found) == len(rows), rows
        if "tasks" in step:
            assert list(found) == list(wanted), list(found)
        got = {
            task: [found[task]["state"], found[task]["attempts"]]
            if isinstance(want, list)
            else found[task]["state"]
            for task, want in wanted.items()
        }
        assert got == wanted

    def expect_history(self, step: dict[str, Any]) -> None:
        lines = self.lines()
        if "history" in step:
            assert lines == [self.filled(str(line)) for line in step["history"]]
        if "unordered" in step:
            assert sorted(lines) == sorted(self.filled(str(line)) for line in step["unordered"])
        if "at_once" in step:
            now, most = 0, 0
            for line in lines:
                now += {"+": 1, "-": -1}.get(line[:1], 0)
                most = max(most, now)
            assert most == step["at_once"], lines


def holds(what: Any) -> bool:
    try:
        what()
    except (AssertionError, KeyError):
        return False
    return True


def alike(wanted: Any, found: Any, where: str) -> None:
    """Mappings may hold more than is wanted, lists may not."""
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            assert isinstance(found, dict), (where, found)
            assert key in found, (where, found)
            alike(value, found[key], f"{where}.{key}")
    elif isinstance(wanted, list):
        assert isinstance(found, list), (where, found)
        assert len(wanted) == len(found), (where, found)
        for position, (left, right) in enumerate(zip(wanted, found, strict=True)):
            alike(left, right, f"{where}[{position}]")
    else:
        assert wanted == found, (where, found)


@pytest.mark.parametrize("body", scenarios())
def test_it_goes_as_written(project: Project, body: dict[str, Any]) -> None:
    play = Play(project, body)
    try:
        play.play()
    finally:
        play.close()

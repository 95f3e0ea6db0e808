"""What a scheduler costs that has nothing to do."""

from __future__ import annotations

import os
import time
from pathlib import Path

from benchmarks.measure import ROOT
from benchmarks.serving import served

_SETTLE, _WATCH = 8.0, 20.0
"""Seconds before, and while, the CPU time is taken."""
_FILES = 10_000


def idle(folder: Path) -> str:
    many = folder / "scheduled"
    (many / "pipelines").mkdir(parents=True)
    (many / "yamldag.yml").touch()
    for number in range(_FILES):
        _write(many, number, "true")
    examples = folder / "examples"
    examples.mkdir()
    (examples / "pipelines").symlink_to(ROOT / "pipelines")
    lines = [
        "\n## Waiting\n",
        "`yamldag serve` with nothing to do: until it says that it serves, and the CPU time of that; then its memory",
        "(PSS), and its CPU time.\n",
        "| project | start | CPU | memory | of a core |",
        "|---|---|---|---|---|",
        _row("the examples", examples),
        _row("the examples, `yamldag scheduler`", examples, "scheduler"),
        _row(f"{_FILES:,} scheduled pipelines", many),
        _row("the same, started again", many),
        "",
        _edited(many),
    ]
    return "\n".join(lines) + "\n"


def _write(folder: Path, number: int, script: str) -> None:
    head = f"pipeline: p{number:05}\nschedule: '{number % 60} 0 1 1 *'\n"
    text = head + f"tasks:\n  a: {{bash: '{script}'}}\n  b: {{needs: a, bash: 'true'}}\n"
    new = folder / "pipelines" / ".new"
    new.write_text(text)
    new.rename(folder / "pipelines" / f"p{number:05}.yml")


def _row(what: str, folder: Path, *words: str) -> str:
    with served(folder, *words) as one:
        time.sleep(_SETTLE)
        before = one.cpu
        time.sleep(_WATCH)
        part, memory = (one.cpu - before) / _WATCH, one.memory
    return f"| {what} | {one.start:.1f} s | {one.start_cpu:.1f} s | {memory:.0f} MB | {part:.2%} |"


def _edited(folder: Path) -> str:
    """One file among all: what it costs until the new version is in the database."""
    import sqlite3

    path = folder / ".yamldag" / "yamldag.db"
    query = "SELECT count(*) FROM pipeline_version WHERE pipeline = 'p00007'"
    with served(folder) as one:
        time.sleep(_SETTLE)
        before, begun = one.cpu, time.perf_counter()
        with sqlite3.connect(path) as database:
            known = database.execute(query).fetchone()[0]
            _write(folder, 7, f"echo {os.getpid()}")
            while database.execute(query).fetchone()[0] == known:
                time.sleep(0.05)
        took, cost = time.perf_counter() - begun, one.cpu - before
    return f"One of the {_FILES:,} files edited: seen after {took:.1f} s, by {cost:.2f} s of CPU time."

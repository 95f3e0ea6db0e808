"""Tasks a second: beside ninja, make and a bare loop of `posix_spawn`; of Python functions."""

from __future__ import annotations

import os
import shutil
import sqlite3
import statistics
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from benchmarks import inputs
from benchmarks.measure import YAMLDAG, Sample, in_turn, once

SLOTS = 8
_FUNCTION = "def f(x):\n    return x\n"
_BARE = """
import os, sys
for _ in range({count}):
    argv = ["bash", "-euo", "pipefail", "-c", "true"]
    live = globals().get("live", 0) + 1
    os.posix_spawnp("bash", argv, os.environ, setsid=True)
    if live == {slots}:
        os.wait()
        live -= 1
while live:
    os.wait()
    live -= 1
"""


def running(folder: Path) -> str:
    return "\n".join((_beside_others(folder), _python(folder)))


# The same work by others


def _beside_others(folder: Path) -> str:
    shapes = [
        ("1,000 without edges", inputs.independent(1_000)),
        ("1,000 in layers of 50", inputs.layers(1_000, 50)),
        ("a chain of 100", inputs.chain(100)),
    ]
    lines = [
        "\n## Running\n",
        f'`yamldag run` of `bash: "true"` tasks, {SLOTS} at once, each state change committed to SQLite (WAL,',
        "synchronous=FULL) before it counts; beside `ninja -j8` with the same `bash -euo pipefail -c true`,",
        "`make -j8` with bash as its shell, and a loop of `posix_spawn` that minds no edges. None of these",
        "records anything.\n",
        "| tasks | yamldag | ninja | make | spawn loop | tasks a second, yamldag | throughput, ninja = 1 | make = 1 "
        "| CPU, ninja = 1 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for what, graph in shapes:
        work = folder / what.replace(" ", "-").replace(",", "")
        mine, ninja, make, bare = in_turn(5, *_commands(work, graph))
        count = len(graph)
        lines.append(
            f"| {what} | {mine.wall:.2f} s | {ninja.wall:.2f} s | {make.wall:.2f} s | {bare.wall:.2f} s "
            f"| {count / mine.wall:.0f} | {ninja.wall / mine.wall:.2f} | {make.wall / mine.wall:.2f} "
            f"| {mine.cpu / ninja.cpu:.2f} |"
        )
    gaps = _stamped(folder / "stamped")
    return "\n".join([*lines, "", *_of_gaps(gaps)]) + "\n"


def _commands(work: Path, graph: inputs.Graph) -> tuple[Callable[[], Sample], ...]:
    work.mkdir()
    (work / "bench.yml").write_text(inputs.as_pipeline(graph, SLOTS))
    (work / "build.ninja").write_text(inputs.as_ninja(graph))
    (work / "Makefile").write_text(inputs.as_make(graph))
    (work / "bare.py").write_text(_BARE.format(count=len(graph), slots=SLOTS))
    return (
        lambda: once([*YAMLDAG, "run", "bench.yml"], str(work)),
        lambda: _ninja(work),
        lambda: once(["make", f"-j{SLOTS}", "-s"], str(work)),
        lambda: once([sys.executable, "bare.py"], str(work)),
    )


def _ninja(work: Path) -> Sample:
    found = shutil.which("ninja", path=os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"])
    (work / ".ninja_log").unlink(missing_ok=True)
    return once([str(found), f"-j{SLOTS}"], str(work))


# The gap between two tasks


def _stamped(work: Path) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds from the end of a task of a chain to the start of the next, each task telling the time itself
    first and last: yamldag, ninja; and the engine's own part of it, as it recorded ends and starts."""
    graph = inputs.chain(100)
    work.mkdir()
    script = "echo $EPOCHREALTIME >> stamps; echo $EPOCHREALTIME >> stamps"
    (work / "bench.yml").write_text(inputs.as_pipeline(graph, SLOTS, script))
    (work / "build.ninja").write_text(inputs.as_ninja(graph, f"'{script.replace('$', '$$')}'"))
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(5):
        once([*YAMLDAG, "run", "bench.yml"], str(work))
        ours += _read_stamps(work)
        _ninja(work)
        theirs += _read_stamps(work)
    return ours, theirs, _recorded(work)


def _read_stamps(work: Path) -> list[float]:
    path = work / "stamps"
    stamps = [float(line.replace(",", ".")) for line in path.read_text().split()]
    path.unlink()
    return [(after - before) * 1000 for before, after in zip(stamps[1:-1:2], stamps[2::2], strict=True)]


def _recorded(work: Path) -> list[float]:
    with sqlite3.connect(work / ".yamldag" / "yamldag.db") as database:
        rows = database.execute(
            "SELECT a.started, a.ended FROM attempt a JOIN task_instance t ON t.id = a.instance "
            "WHERE t.run = (SELECT id FROM run ORDER BY created DESC LIMIT 1) ORDER BY a.started"
        ).fetchall()
    return [(after[0] - before[1]) * 1000 for before, after in pairwise(rows)]


def _of_gaps(gaps: tuple[list[float], list[float], list[float]]) -> list[str]:
    lines = [
        "From the end of one task of a chain to the start of the next, in milliseconds. The tasks tell the time",
        "themselves, so bash's own start is in it; `engine` is what the database says: from the end of a process",
        "to the making of the next.\n",
        "| | mean | median | 95th percentile |",
        "|---|---|---|---|",
    ]
    for name, found in zip(("yamldag", "ninja", "engine"), gaps, strict=True):
        late = sorted(found)[int(len(found) * 0.95)]
        lines.append(
            f"| {name} | {statistics.mean(found):.2f} | {statistics.median(found):.2f} | {late:.2f} |"
        )
    return lines


# Python functions


def _python(folder: Path) -> str:
    work = folder / "python"
    work.mkdir()
    (work / "own.py").write_text(_FUNCTION)
    (work / "fork.yml").write_text(inputs.mapped("fork", "python: 'own:f'", SLOTS))
    (work / "reuse.yml").write_text(inputs.mapped("reuse", "python: {function: 'own:f', reuse: true}", SLOTS))

    def of(name: str, count: int) -> Sample:
        return once([*YAMLDAG, "run", f"{name}.yml", "--param", f"n={count}"], str(work))

    fork, reuse = in_turn(3, lambda: of("fork", 2_000), lambda: of("reuse", 10_000))
    return "\n".join(
        [
            "\n## Python functions\n",
            f"A function that returns its argument, mapped, {SLOTS} at once, start-up and SQL included: each call a",
            "process of its own (a fork of a warm one), or with `reuse: true`.\n",
            "| calls | seconds | a second | CPU a call |",
            "|---|---|---|---|",
            _calls("2,000, a process each", 2_000, fork),
            _calls("10,000, `reuse: true`", 10_000, reuse),
            "",
        ]
    )


def _calls(what: str, count: int, sample: Sample) -> str:
    return f"| {what} | {sample.wall:.2f} | {count / sample.wall:.0f} | {sample.cpu / count * 1000:.2f} ms |"

"""`python -m benchmarks [validate] [run]`: measure, print, and write docs/benchmarks.md when both were measured."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import statistics
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from benchmarks import inputs
from benchmarks.measure import Sample, in_turn, once

ROOT = Path(__file__).resolve().parent.parent
YAMLDAG = [sys.executable, "-m", "yamldag"]
YARDSTICK = "import sys, yaml\nfor path in sys.argv[1:]: yaml.load(open(path), Loader=yaml.CSafeLoader)\n"
SLOTS = 8


def main() -> None:
    os.environ["PYTHONPATH"] = str(ROOT)
    wanted = sys.argv[1:] or ["validate", "run"]
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        if "validate" in wanted:
            parts.append(validate(Path(folder)))
        if "run" in wanted:
            parts.append(run(Path(folder)))
    text = "\n".join(parts)
    sys.stdout.write(text)
    if len(parts) == 2:
        (ROOT / "docs" / "benchmarks.md").write_text(_heading() + text)


def _heading() -> str:
    return (
        "# Benchmarks\n\n"
        "Written by `make bench`. Whole commands, start-up included, medians of rounds in which the commands took\n"
        "turns; CPU is user and system time. Machines differ and are noisy: read the ratios.\n\n"
        f"Python {platform.python_version()}, {os.cpu_count()} cores, SQLite {sqlite3.sqlite_version}.\n\n"
    )


# Checking


def validate(folder: Path) -> str:
    big, small, ten, many = (folder / name for name in ("big.yml", "small.yml", "ten.yml", "many"))
    big.write_text(inputs.tasks(10_000))
    small.write_text(inputs.tasks(1_000))
    ten.write_text(inputs.tasks(10))
    inputs.many(many, 1_000, 10)
    yard = folder / "yardstick.py"
    yard.write_text(YARDSTICK)

    def check(path: Path) -> Sample:
        return once([*YAMLDAG, "validate", str(path)], str(folder))

    def load(*paths: Path) -> Sample:
        return once([sys.executable, str(yard), *map(str, paths)], str(folder))

    def bare() -> Sample:
        return once([sys.executable, "-c", "pass"], str(folder))

    def help_() -> Sample:
        return once([*YAMLDAG, "--help"], str(folder))

    every = sorted(many.iterdir())
    large, yaml_large, thousand = in_turn(7, lambda: check(big), lambda: load(big), lambda: check(small))
    files, yaml_files = in_turn(7, lambda: check(many), lambda: load(*every))
    tiny, helped, nothing = in_turn(15, lambda: check(ten), help_, bare)
    rows = [
        ("one file, 10,000 tasks", large, "yaml.load, CSafeLoader", yaml_large),
        ("1,000 files of ten tasks", files, "yaml.load, CSafeLoader", yaml_files),
        ("one file, 10,000 tasks", large, "1,000 tasks", thousand),
        ("one file, ten tasks", tiny, "python -c pass", nothing),
        ("`yamldag --help`", helped, "python -c pass", nothing),
    ]
    lines = [
        "## Checking\n",
        "`yamldag validate` with every check of the language.\n",
        "| what | CPU | peak | beside | CPU | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for what, ours, beside, theirs in rows:
        lines.append(
            f"| {what} | {ours.cpu * 1000:.0f} ms | {ours.peak:.0f} MB | {beside} | {theirs.cpu * 1000:.0f} ms "
            f"| {ours.cpu / theirs.cpu:.2f} |"
        )
    return "\n".join(lines) + "\n"


# Running


def run(folder: Path) -> str:
    shapes = [
        ("1,000 without edges", inputs.independent(1_000)),
        ("1,000 in layers of 50", inputs.layers(1_000, 50)),
        ("a chain of 100", inputs.chain(100)),
    ]
    lines = [
        "\n## Running\n",
        f'`yamldag run` of `bash: "true"` tasks, {SLOTS} at once, each state change committed to SQLite (WAL,',
        "synchronous=FULL) before it counts; beside `ninja -j8` with the same `bash -euo pipefail -c true` and",
        "`make -j8` with bash as its shell. Neither of them records anything.\n",
        "| tasks | yamldag | ninja | make | tasks a second, yamldag | throughput, ninja = 1 | make = 1 |",
        "|---|---|---|---|---|---|---|",
    ]
    ninja = shutil.which("ninja", path=os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"])
    gaps: list[float] = []
    for what, graph in shapes:
        work = folder / what.replace(" ", "-").replace(",", "")
        work.mkdir()
        (work / "bench.yml").write_text(inputs.as_pipeline(graph, SLOTS))
        (work / "build.ninja").write_text(inputs.as_ninja(graph))
        (work / "Makefile").write_text(inputs.as_make(graph))

        def ours(work: Path = work) -> Sample:
            return once([*YAMLDAG, "run", "bench.yml"], str(work))

        def theirs(work: Path = work) -> Sample:
            (work / ".ninja_log").unlink(missing_ok=True)
            return once([str(ninja), f"-j{SLOTS}"], str(work))

        def maker(work: Path = work) -> Sample:
            return once(["make", f"-j{SLOTS}", "-s"], str(work))

        mine, other, third = in_turn(5, ours, theirs, maker)
        count = len(graph)
        lines.append(
            f"| {what} | {mine.wall:.2f} s | {other.wall:.2f} s | {third.wall:.2f} s | {count / mine.wall:.0f} "
            f"| {other.wall / mine.wall:.2f} | {third.wall / mine.wall:.2f} |"
        )
        if what.startswith("a chain"):
            gaps = _gaps(work)
    late = sorted(gaps)[int(len(gaps) * 0.95)]
    lines += [
        "",
        "Between the end of one task of the chain and the start of the next, in milliseconds: "
        f"mean {statistics.mean(gaps):.2f}, median {statistics.median(gaps):.2f}, 95th percentile {late:.2f}.",
    ]
    return "\n".join(lines) + "\n"


def _gaps(work: Path) -> list[float]:
    """Milliseconds between an attempt's end and the next one's start, as the newest run recorded them."""
    with sqlite3.connect(work / ".yamldag" / "yamldag.db") as database:
        rows = database.execute(
            "SELECT a.started, a.ended FROM attempt a JOIN task_instance t ON t.id = a.instance "
            "WHERE t.run = (SELECT id FROM run ORDER BY created DESC LIMIT 1) ORDER BY a.started"
        ).fetchall()
    return [(after[0] - before[1]) * 1000 for before, after in pairwise(rows)]


if __name__ == "__main__":
    main()

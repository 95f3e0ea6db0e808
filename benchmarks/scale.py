"""Much of it: a tick of a thousand pipelines, a run of a hundred thousand tasks."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import inputs
from benchmarks.measure import YAMLDAG, once
from benchmarks.serving import served

SLOTS = 8
_PIPELINES = 1_000
_AHEAD = 40
"""Seconds from the writing of the files to their tick: the scheduler must be up by then."""
_LARGEST = 240.0
"""Seconds within which all of a tick must be over."""


def scale(folder: Path) -> str:
    return "\n".join((_tick(folder / "tick"), _large(folder / "large")))


# A tick


def _tick(folder: Path) -> str:
    (folder / "pipelines").mkdir(parents=True)
    (folder / "yamldag.yml").touch()
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=_AHEAD)
    for number in range(_PIPELINES):
        (folder / "pipelines" / f"p{number:04}.yml").write_text(
            f"pipeline: p{number:04}\nschedule: {{every: 1h}}\nstart: '{moment:%Y-%m-%dT%H:%M:%SZ}'\n"
            "tasks:\n  a: {bash: 'true'}\n"
        )
    with served(folder, "serve", "--port", "0", "--slots", str(SLOTS)):
        if datetime.now(UTC) >= moment:
            raise SystemExit("the scheduler was not up when the tick came")
        _wait(folder)
    with sqlite3.connect(folder / ".yamldag" / "yamldag.db") as database:
        first, last, end = database.execute(
            "SELECT min(started), max(started), max(ended) FROM attempt"
        ).fetchone()
    at = moment.timestamp()
    return "\n".join(
        [
            "\n## A tick of many\n",
            f"`yamldag serve`, {SLOTS} slots, {_PIPELINES:,} pipelines of one task that all tick at one moment;",
            "seconds from then.\n",
            "| first task starts | last task starts | last run is over |",
            "|---|---|---|",
            f"| {first - at:.2f} | {last - at:.2f} | {end - at:.2f} |",
            "",
        ]
    )


def _wait(folder: Path) -> None:
    until = time.monotonic() + _LARGEST
    with sqlite3.connect(folder / ".yamldag" / "yamldag.db") as database:
        query = "SELECT count(*) FROM run WHERE state = 'success'"
        while database.execute(query).fetchone()[0] < _PIPELINES:
            if time.monotonic() > until:
                raise SystemExit("the runs are not over")
            time.sleep(0.5)


# One large run


def _large(folder: Path) -> str:
    folder.mkdir()
    (folder / "noop.yml").write_text(inputs.mapped("noop", "noop:", SLOTS))
    (folder / "bash.yml").write_text(inputs.mapped("bash", 'bash: "true"', SLOTS))
    lines = [
        "\n## One large run\n",
        "`foreach` over a list, start-up included. `noop` has no process: it is the bookkeeping alone.\n",
        "| instances | seconds | a second | peak memory of the scheduler |",
        "|---|---|---|---|",
    ]
    for name in ("noop", "bash"):
        for count in (1_000, 10_000, 100_000):
            found = once([*YAMLDAG, "run", f"{name}.yml", "--param", f"n={count}"], str(folder))
            lines.append(
                f"| {count:,} of `{name}` | {found.wall:.2f} | {count / found.wall:.0f} | {found.peak:.0f} MB |"
            )
    return "\n".join(lines) + "\n"

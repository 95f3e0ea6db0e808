"""What the pages show, made of rows and of the scheduler's status: plain values for templates."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from yamldag.engine.schedule.known import Known
from yamldag.engine.status import Status
from yamldag.plan.pipeline import Json
from yamldag.store import overview
from yamldag.syntax.report.text import draw
from yamldag.web import tail, words

BARS = 10
"""Runs that a pipeline's row shows."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in a list."""

    id: str
    pipeline: str
    state: str
    date: str
    """Its logical date in the pipeline's zone."""
    took: str
    ago: str
    type: str
    done: int = 0
    total: int = 0
    stray: bool = False
    """It is marked as running, and nobody moves it."""


@dataclass(frozen=True, slots=True)
class PipelineLine:
    """A pipeline in a list. `state` is that of its last run that is over, `broken` or `refused` before that."""

    name: str
    known: Known
    runs: Sequence[RunLine]
    """The oldest first."""
    last: RunLine | None
    """The last one that is over."""
    state: str
    schedule: str
    next: str
    next_in: str
    due: float
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that needs a person, worst first."""

    state: str
    what: str
    when: str
    line: str
    more: str
    link: str | None = None
    drawn: str = ""


def zone_of(known: Known | None) -> ZoneInfo:
    return ZoneInfo(known.plan.timezone if known else "UTC")


def run_line(row: sa.RowMapping, known: Known | None, now: float, done: tuple[int, int] = (0, 0)) -> RunLine:
    until = row["ended"] or now
    return RunLine(
        row["id"],
        row["pipeline"],
        row["state"],
        words.moment(datetime.fromisoformat(row["logical_date"]), zone_of(known), now),
        words.span(until - row["started"]) if row["started"] else "",
        words.about((row["ended"] or row["started"] or row["created"]) - now),
        row["type"],
        *done,
        stray=row["state"] == "running" and row.get("owner_ended") is not None,
    )


def schedule_words(value: Json) -> str:
    """A schedule on one line, as it is written."""
    if value is None:
        return "by hand"
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return (
        ", ".join(f"{name} {_word(each)}" for name, each in value.items()) if isinstance(value, dict) else ""
    )


def _word(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def pipeline_line(known: Known, rows: Sequence[sa.RowMapping], status: Status, now: float) -> PipelineLine:
    name, zone = known.plan.pipeline, zone_of(known)
    runs = [run_line(row, known, now) for row in rows]
    last = next((run for run in runs if run.state not in ("running", "queued")), None)
    due = status.next.get(name)
    return PipelineLine(
        name,
        known,
        runs[::-1],
        last,
        "broken" if known.stale else "refused" if known.refused else last.state if last else "none",
        schedule_words(known.plan.schedule),
        "" if due is None else words.moment(due, zone, now),
        "" if due is None else words.about(due - now),
        due or 0.0,
        name in status.paused,
    )


def pipeline_lines(db: sa.Connection, status: Status, now: float) -> list[PipelineLine]:
    found = overview.newest_runs(db, BARS)
    return [
        pipeline_line(known, found.get(name, []), status, now)
        for name, known in sorted(status.pipelines.items())
    ]


def open_lines(db: sa.Connection, status: Status, now: float) -> list[RunLine]:
    """The runs that run or wait."""
    rows = overview.open_runs(db)
    done = overview.progress(db, [row["id"] for row in rows])
    return [
        run_line(row, status.pipelines.get(row["pipeline"]), now, done.get(row["id"], (0, 0))) for row in rows
    ]


def troubles(db: sa.Connection, lines: Sequence[PipelineLine], status: Status, logs: Path) -> list[Trouble]:
    """Failed pipelines, files that do not compile, pipelines that this version does not run."""
    failed = [line for line in lines if line.last and line.last.state == "failed"]
    causes = overview.first_failures(db, [line.last.id for line in failed if line.last])
    found = [_failure(line, causes, logs) for line in failed]
    found += [_broken(broken.path, broken.found, lines) for broken in status.broken]
    found += [_refused(line) for line in lines if line.known.refused]
    return found


def _failure(line: PipelineLine, causes: dict[str, sa.RowMapping], logs: Path) -> Trouble:
    assert line.last is not None
    cause = causes.get(line.last.id)
    more = ", ".join(filter(None, (_often(line), f"next tick {line.next_in}" if line.next_in else "")))
    if cause is None:
        return Trouble("failed", line.name, f"failed {line.last.ago}", "", more, f"/runs/{line.last.id}")
    task = cause["task"] if cause["map_index"] < 0 else f"{cause['task']}[{cause['map_index']}]"
    said = tail.last_line(tail.tail(cause["log"], logs, 4096)) or cause["reason"] or ""
    why = cause["reason"] if said != cause["reason"] else ""
    more = "; ".join(filter(None, (why, more)))
    what, when = f"{line.name} › {task}", f"failed {line.last.ago}"
    return Trouble("failed", what, when, said, more, f"/runs/{line.last.id}")


def _often(line: PipelineLine) -> str:
    """How many of its runs failed in a row, up to the last one."""
    over = [run.state for run in reversed(line.runs) if run.state in ("success", "failed")]
    row = next((at for at, state in enumerate(over) if state != "failed"), len(over))
    return "" if row < 2 else f"{'at least ' * (row == BARS)}{row} runs in a row"


def _broken(path: str, found: Sequence[Any], lines: Sequence[PipelineLine]) -> Trouble:
    kept = [line.name for line in lines if line.known.stale and line.known.path == os.path.abspath(path)]
    goes_on = f"The last good version of {', '.join(kept)} goes on running." if kept else ""
    return Trouble("broken", path, "does not compile", "", goes_on, drawn=draw(found, colour=False))


def _refused(line: PipelineLine) -> Trouble:
    return Trouble(
        "late",
        line.name,
        "is shown, and gets no ticks",
        "; ".join(dict.fromkeys(each.message for each in line.known.refused)),
        "",
        f"/pipelines/{line.name}",
    )


def utc(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC"

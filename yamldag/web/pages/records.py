"""What the pages show, made of rows and of the scheduler's status: plain values for templates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from yamldag.engine.schedule.known import Known
from yamldag.engine.status import Status
from yamldag.plan.pipeline import Json
from yamldag.store.overview import Shown
from yamldag.web import words

BARS = 30
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
    seconds: float = 0.0
    """That it took, or takes so far."""


@dataclass(frozen=True, slots=True)
class PipelineLine:
    """A pipeline in a list. `state` is that of its last run that is over, `broken` before that."""

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


def zone_of(known: Known | None) -> ZoneInfo:
    return ZoneInfo(known.plan.timezone if known else "UTC")


def instant(date: str) -> float:
    """Unix seconds of a stored date."""
    return datetime.fromisoformat(date).timestamp()


def run_line(row: Shown, known: Known | None, now: float, done: tuple[int, int] = (0, 0)) -> RunLine:
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
        seconds=max(0.0, until - row["started"]) if row["started"] else 0.0,
    )


class Length(NamedTuple):
    """What a bar says of a run."""

    state: str
    seconds: float


def lengths(ends: Sequence[tuple[str, float | None, float | None]], now: float) -> tuple[Length, ...]:
    """Of state, start and end of each, the newest first: the oldest first."""
    return tuple(
        Length(state, max(0.0, (ended or now) - started) if started else 0.0)
        for state, started, ended in reversed(ends)
    )


def usual(rows: Sequence[Shown]) -> float | None:
    """Seconds that a run takes: the median of those that were a success. None: there is none."""
    took = [row["ended"] - row["started"] for row in rows if row["state"] == "success" and row["started"]]
    return median(took) if took else None


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


def pipeline_line(known: Known, rows: Sequence[Shown], status: Status, now: float) -> PipelineLine:
    name, zone = known.plan.pipeline, zone_of(known)
    runs = [run_line(row, known, now) for row in rows]
    last = next((run for run in runs if run.state not in ("running", "queued")), None)
    due = status.next.get(name)
    return PipelineLine(
        name,
        known,
        runs[::-1],
        last,
        "broken" if known.stale else last.state if last else "none",
        schedule_words(known.plan.schedule),
        "" if due is None else words.moment(due, zone, now),
        "" if due is None else words.about(due - now),
        due or 0.0,
        name in status.paused,
    )

"""One run: its tasks, and what one of them wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from yamldag.engine.status import Status
from yamldag.store import overview, views
from yamldag.web import tail, words
from yamldag.web.pages import records

_OF_INTEREST = ("failed", "running", "up_for_retry", "upstream_failed")
MOST = 2000
"""Instances that the page lists."""


@dataclass(frozen=True, slots=True)
class TaskLine:
    task: str
    index: int
    label: str
    item: str
    state: str
    attempts: int
    took: str
    reason: str
    link: str
    chosen: bool


def run_page(
    db: sa.Connection, name: str, query: Mapping[str, str], status: Status, logs: Path, now: float
) -> dict[str, Any] | None:
    """The values of its template; None if there is no such run. `query` may choose a task, its index and a try."""
    row = views.one_run(db, name)
    if row is None:
        return None
    known = status.pipelines.get(row["pipeline"])
    rows = overview.task_states(db, name, MOST)
    chosen = _chosen(rows, query)
    attempts = overview.attempts_of(db, name, chosen.task, chosen.map_index) if chosen else []
    shown = _attempt(attempts, query.get("try"))
    zone = records.zone_of(known)
    dates = {key: datetime.fromisoformat(row[key]) for key in ("data_interval_start", "data_interval_end")}
    return {
        "run": records.run_line(row, known, now),
        "row": row,
        "pipeline": known,
        "open": row["state"] in ("running", "queued"),
        "interval": [words.moment(each, zone, now) for each in dates.values()],
        "started": words.moment(row["started"], zone, now) if row["started"] else "",
        "params": json.loads(row["params"]),
        "tasks": [_line(each, each is chosen, name, now) for each in rows],
        "capped": len(rows) == MOST,
        "task": _line(chosen, True, name, now) if chosen else None,
        "attempts": [{"number": each["number"], "state": each["state"], "shown": each is shown,
                      "link": _link(name, chosen.task, chosen.map_index, each["number"]) if chosen else ""}
                     for each in attempts],
        "attempt": shown,
        "log": tail.tail(shown["log"], logs) if shown else None,
    }  # fmt: skip


def _chosen(rows: Sequence[Any], query: Mapping[str, str]) -> Any:
    """The task that was asked for, else the one that a reader comes for."""
    asked = (query.get("task"), query.get("index", "-1"))
    for row in rows:
        if (row.task, str(row.map_index)) == asked:
            return row
    for state in _OF_INTEREST:
        for row in rows:
            if row.state == state and row.attempts:
                return row
    began = [row for row in rows if row.attempts]
    return began[-1] if began else None


def _attempt(attempts: Sequence[sa.RowMapping], asked: str | None) -> sa.RowMapping | None:
    for each in attempts:
        if str(each["number"]) == asked:
            return each
    return attempts[-1] if attempts else None


def _line(row: Any, chosen: bool, run: str, now: float) -> TaskLine:
    running = row.state == "running"
    took = words.span((now if running else row.ended or row.started) - row.started) if row.started else ""
    reason = row.reason or ""
    if row.state == "up_for_retry" and row.retry_at:
        reason = f"{reason}; again {words.about(row.retry_at - now)}"
    label = row.task if row.map_index < 0 else f"{row.task}[{row.map_index}]"
    return TaskLine(
        row.task,
        row.map_index,
        label,
        _item(row.item),
        row.state,
        row.attempts,
        took,
        reason,
        _link(run, row.task, row.map_index),
        chosen,
    )


def _item(text: str | None) -> str:
    """What an instance is for, on one short line."""
    if text is None:
        return ""
    item = json.loads(text)
    if isinstance(item, dict) and isinstance(item.get("name"), str):
        item = item["name"]
    shown = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
    return shown if len(shown) <= 60 else f"{shown[:59]}…"


def _link(run: str, task: str, index: int, number: int | None = None) -> str:
    query: dict[str, str | int] = {"task": task} | ({"index": index} if index >= 0 else {})
    if number is not None:
        query["try"] = number
    return f"/runs/{run}?{urlencode(query)}#log"

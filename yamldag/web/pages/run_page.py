"""One run: its tasks by what they need, and what one of them wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from yamldag.engine.approving import Question, questions
from yamldag.engine.asking.circumstances import Awaiting, awaiting
from yamldag.engine.asking.naming import label
from yamldag.engine.asking.wanted import next_version
from yamldag.engine.memory.reading import read_params
from yamldag.engine.schedule.known import Known
from yamldag.engine.status import Status
from yamldag.plan.hidden import MASK, shown
from yamldag.plan.pipeline import Json, UnreadableError, params_of
from yamldag.plan.state import FINAL
from yamldag.store import history, overview, views
from yamldag.web import words
from yamldag.web.log.view import View, view
from yamldag.web.pages import records

_OF_INTEREST = ("failed", "running", "up_for_retry", "upstream_failed")
MOST = 2000
"""Instances that are looked at."""
_ASKED = 5
"""Questions that the page shows."""
_LISTED = 100
"""Lines of a group that the page shows."""
_ALONE = 3
"""Instances of one mapped task with one state that are shown each for itself, if they failed."""
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Needs you", ("failed",)),
    ("Stopped by it", ("upstream_failed",)),
    ("Under way", ("running", "queued", "up_for_retry", "deferred", "up_for_reschedule")),
    ("Not yet", ("scheduled", "none")),
    ("Done", ("success", "skipped", "removed")),
)
_ORDER = [state for _, states in GROUPS for state in states]


@dataclass(frozen=True, slots=True)
class TaskLine:
    """An instance, or a mapped task as a whole: then `of` says how many instances it has."""

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
    of: str = ""
    waits: Awaiting | None = None
    """What it is deferred for."""


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    lines: Sequence[TaskLine]
    more: int


@dataclass(frozen=True, slots=True)
class Share:
    """Of the bar of states: where it begins and how wide it is, of a thousand."""

    state: str
    number: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long such a run usually takes; of one that is under way when it ends by that."""

    usual: str
    end: float | None
    late: str


def run_page(
    db: sa.Connection, name: str, query: Mapping[str, str], status: Status, logs: Path, now: float
) -> dict[str, Any] | None:
    """The values of its template; None if there is no such run. `query` may choose a task, its index and a try, a
    line of its log, or words to find in it, and `all` lists every task."""
    row = views.planned_run(db, name) or views.one_run(db, name)
    if row is None:
        return None
    known = status.pipelines.get(row["pipeline"])
    rows = overview.task_states(db, name, MOST)
    counts = history.state_counts(db, name)
    chosen = _chosen(rows, query)
    attempts = overview.attempts_of(db, name, chosen.task, chosen.map_index) if chosen else []
    shown = attempt_of(attempts, query.get("try"))
    waits = awaiting(db, name) if any(states.get("deferred") for states in counts.values()) else {}
    lines = _lines(rows, counts, chosen, name, now, waits)
    return {
        "run": records.run_line(row, known, now),
        "row": row,
        "pipeline": known,
        "open": row["state"] in ("running", "queued"),
        "interval": [
            datetime.fromisoformat(row[key]) for key in ("data_interval_start", "data_interval_end")
        ],
        "date": datetime.fromisoformat(row["logical_date"]),
        "params": _params(row, known),
        "next_version": next_version(db, row),
        "caller": _caller(db, row),
        "forecast": _forecast(row, history.usual_run(db, row["pipeline"]), now),
        "groups": _groups(lines, None if query.get("all") else _LISTED),
        "shares": _shares(counts),
        "capped": len(rows) == MOST,
        "asks": _asks(db, name, counts),
        "task": _line(chosen, True, name, now, waits) if chosen else None,
        **log_values(name, chosen, attempts, shown, query, logs),
    }


def _params(row: sa.RowMapping, known: Known | None) -> dict[str, Json]:
    """Those that its own version hides, or the one in force, are masked."""
    found = read_params(row["params"])
    try:
        declared = params_of(row["plan"])
    except (LookupError, UnreadableError):
        return dict.fromkeys(found, MASK)  # nobody knows which of them may be seen
    return shown((*declared, *(known.plan.params if known else ())), found)


@dataclass(frozen=True, slots=True)
class Caller:
    """The task that made a run."""

    pipeline: str
    label: str
    link: str


def _caller(db: sa.Connection, row: sa.RowMapping) -> Caller | None:
    found = views.calling(db, row["caller"]) if row["caller"] is not None else None
    if found is None:
        return None
    task, index = found["task"], found["map_index"]
    return Caller(found["pipeline"], label(task, index, found["item"]), link_to(found["run"], task, index))


def log_values(
    run: str, chosen: Any, attempts: Sequence[sa.RowMapping], shown: Any, query: Mapping[str, str], logs: Path,
    path: str = "",
) -> dict[str, Any]:  # fmt: skip
    """What `log_panel.html` speaks of: one attempt of an instance, and its log."""
    if chosen is None or shown is None:
        return {"attempts": [], "attempt": None, "log": None, "base": "?", "where": "", "find": ""}
    find = query.get("find", "")[:200]
    line = query.get("line", "")
    here = _query(chosen.task, chosen.map_index, shown["number"])
    path = path or f"/runs/{run}"
    return {
        "attempts": [
            {"number": each["number"], "state": each["state"], "shown": each is shown,
             "link": f"{path}?{_query(chosen.task, chosen.map_index, each['number'])}#log"}
            for each in attempts
        ],
        "attempt": shown,
        "log": _log(shown, logs, int(line) if line.isascii() and line.isdigit() and len(line) < 12 else 0, find),
        "base": f"{path}?{here}&",
        "where": here,
        "find": find,
    }  # fmt: skip


def _asks(db: sa.Connection, run: str, counts: Mapping[str, Mapping[str, int]]) -> list[tuple[Question, str]]:
    """What tasks of it ask of people, each with the page that answers."""
    if not any(states.get("deferred") for states in counts.values()):
        return []
    return [(each, approve_link(each)) for each in questions(db, run)[:_ASKED]]


def approve_link(question: Question) -> str:
    """The page that asks it."""
    return f"/runs/{question.row.run}/approve?{urlencode({'task': question.label})}"


def _log(attempt: sa.RowMapping, logs: Path, line: int, find: str) -> View | None:
    return view(attempt["log"], logs, failed=attempt["state"] == "failed", line=line, find=find)


def _forecast(row: sa.RowMapping, usual: float | None, now: float) -> Forecast | None:
    if usual is None or row["state"] == "queued":
        return None
    if row["state"] != "running":
        return Forecast(words.span(usual), None, "")
    end = row["started"] + usual
    late = f"{words.span(now - end)} longer than usual" if now > end else ""
    return Forecast(words.span(usual), None if late else end, late)


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


def attempt_of(attempts: Sequence[sa.RowMapping], asked: str | None) -> sa.RowMapping | None:
    for each in attempts:
        if str(each["number"]) == asked:
            return each
    return attempts[-1] if attempts else None


# The list


def _lines(
    rows: Sequence[Any],
    counts: Mapping[str, Mapping[str, int]],
    chosen: Any,
    run: str,
    now: float,
    waits: Mapping[int, Awaiting],
) -> list[TaskLine]:
    """Of a mapped task one line for each state that its instances have; what few of them failed is shown by itself."""
    found: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        found.setdefault((row.task, row.state), []).append(row)
    lines = []
    for (task, state), those in found.items():
        total = sum(counts.get(task, {}).values())
        number = counts.get(task, {}).get(state, len(those))
        if total == 1 or (state == "failed" and number <= _ALONE):
            lines += [_line(each, each is chosen, run, now, waits) for each in those]
        else:
            first = chosen if any(each is chosen for each in those) else those[0]
            line = _line(first, first is chosen, run, now, {})
            words_ = f"{number} of {total}"
            lines.append(
                TaskLine(task, first.map_index, task, "", state, 0, "", "", line.link, line.chosen, words_)
            )
    return lines


def _groups(lines: Sequence[TaskLine], most: int | None) -> list[Group]:
    made = []
    for title, states in GROUPS:
        those = sorted(
            (each for each in lines if each.state in states), key=lambda each: states.index(each.state)
        )
        if those:
            shown = those if most is None else those[:most]
            shown = [*shown, *(each for each in those[len(shown) :] if each.chosen)]
            made.append(Group(title, shown, len(those) - len(shown)))
    return made


def _shares(counts: Mapping[str, Mapping[str, int]]) -> list[Share]:
    """The bar: how many instances are in each state, what needs somebody first."""
    numbers: dict[str, int] = {}
    for states in counts.values():
        for state, number in states.items():
            numbers[state] = numbers.get(state, 0) + number
    total, at, shares = sum(numbers.values()), 0.0, []
    for state in sorted(numbers, key=lambda each: _ORDER.index(each) if each in _ORDER else len(_ORDER)):
        width = 1000 * numbers[state] / total
        shares.append(Share(state, numbers[state], round(at, 2), round(max(width - 2, 1), 2)))
        at += width
    return shares


def _line(row: Any, chosen: bool, run: str, now: float, waits: Mapping[int, Awaiting]) -> TaskLine:
    goes_on = row.state in ("running", "deferred")
    took = words.span((now if goes_on else row.ended or row.started) - row.started) if row.started else ""
    reason = row.reason or ""
    if row.state == "up_for_retry" and row.retry_at:
        reason = f"{reason}; again {words.about(row.retry_at - now)}"
    return TaskLine(
        row.task,
        row.map_index,
        label_of(row.task, row.map_index),
        item_words(row.item),
        row.state,
        row.attempts,
        took,
        reason,
        link_to(run, row.task, row.map_index, began=bool(row.attempts)),
        chosen,
        waits=waits.get(row.id),
    )


def label_of(task: str, index: int) -> str:
    return task if index < 0 else f"{task}[{index}]"


def item_words(text: str | None) -> str:
    """What an instance is for, on one short line."""
    if text is None:
        return ""
    item = json.loads(text)
    if isinstance(item, dict) and isinstance(item.get("name"), str):
        item = item["name"]
    shown = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
    return shown if len(shown) <= 60 else f"{shown[:59]}…"


def _query(task: str, index: int, number: int | None = None) -> str:
    query: dict[str, str | int] = {"task": task} | ({"index": index} if index >= 0 else {})
    if number is not None:
        query["try"] = number
    return urlencode(query)


def link_to(run: str, task: str, index: int, *, began: bool = False) -> str:
    """What has begun is shown with its log beside the other tasks; what has not, by why."""
    return f"/runs/{run}?{_query(task, index)}#log" if began else f"/runs/{run}/task?{_query(task, index)}"


def is_over(state: str) -> bool:
    return state in FINAL

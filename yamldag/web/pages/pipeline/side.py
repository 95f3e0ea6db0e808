"""One task in one run, as the panel beside the grid and the graph tells it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import sqlalchemy as sa

from yamldag.engine.schedule.known import Known
from yamldag.plan import graph
from yamldag.plan.pipeline import Plan
from yamldag.store import histories
from yamldag.store.overview import Shown
from yamldag.web import tail, words
from yamldag.web.ask import Ask
from yamldag.web.pages import records
from yamldag.web.pages.links import run_link, tab_link

_LINES = 4
_SIDE = 8
"""Names of tasks that it lists."""
_BAD = ("failed", "upstream_failed", "up_for_retry")


@dataclass(frozen=True, slots=True)
class Side:
    run: records.RunLine
    task: str
    state: str
    count: str
    """Of a mapped task: `9 of 12 success`."""
    started: float | None
    ended: float | None
    took: str
    usual: str
    tries: str
    failures: str
    """How often it failed in the newest runs."""
    operator: str
    rule: str
    needs: Sequence[str]
    stops: Sequence[str]
    """What is below it: what does not run when it fails."""
    stops_more: int
    defined: str
    """Its place in the file."""
    code: str
    reason: str
    lines: Sequence[str]
    """What it wrote last, if it failed or runs."""
    log: str | None
    description: str


def of_task(
    db: sa.Connection, ask: Ask, known: Known, run: Shown, asked: str, plan: Plan | None = None
) -> Side | None:
    """Of the task that is asked for; if none is, of one that has failed. Three queries."""
    plan = plan or known.plan
    task = asked or _failed(db, run)
    if not task:
        return None
    rows = histories.one_task(db, run["id"], task, 5000)
    if not rows and all(each.id != task for each in plan.tasks):
        return None
    ids = [each["id"] for each in histories.runs_before(db, known.plan.pipeline, records.BARS)]
    past = histories.durations(db, ids, [task])
    return _side(ask, known, run, task, rows, past, plan)


def _failed(db: sa.Connection, run: Shown) -> str:
    rows = histories.cells(db, [run["id"]])
    return next((task for _, task, state, _ in rows if state == "failed"), "")


def _side(
    ask: Ask, known: Known, run: Shown, task: str, rows: Sequence[Shown],
    past: Sequence[histories.Took], plan: Plan,
) -> Side:  # fmt: skip
    at = next((each for each in plan.tasks if each.id == task), None)
    first = rows[0] if rows else None
    state = first["state"] if first is not None else "none"
    started = min((row["started"] for row in rows if row["started"]), default=None)
    over = [row["ended"] for row in rows if row["ended"]]
    ended = max(over) if over and len(over) == len(rows) else None
    good = [each.ended - each.started for each in past if not each.failed]
    failed = sum(1 for each in past if each.failed)
    parents = {each.id: each.needs for each in plan.tasks}
    below = sorted(graph.descendants(parents, [task])) if task in parents else []
    shown = tail.tail(first["log"], ask.site.logs, 4096) if first is not None else None
    lines = [line for line in (shown.text if shown else "").splitlines() if line.strip()][-_LINES:]
    done = sum(row["state"] == "success" for row in rows)
    return Side(
        run=records.run_line(run, known, ask.now),
        task=task,
        state=state,
        count=f"{done} of {len(rows)} are a success" if len(rows) > 1 else "",
        started=started,
        ended=ended,
        took=words.span((ended or ask.now) - started) if started else "",
        usual=words.span(median(good)) if good else "",
        tries=str(first["attempts"]) if first is not None and first["attempts"] else "",
        failures=f"{failed} of {len(past)}" if past else "",
        operator=at.operator if at else "",
        rule=at.trigger_rule if at and at.trigger_rule != "all_success" else "",
        needs=at.needs[:_SIDE] if at else (),
        stops=below[:_SIDE],
        stops_more=max(0, len(below) - _SIDE),
        defined=f"{os.path.basename(at.file)}:{at.line}" if at else "",
        code=tab_link(known.plan.pipeline, "code", task=task),
        reason=(first["reason"] or "") if first is not None else "It is not part of this run.",
        lines=[line[:400] for line in lines] if state in (*_BAD, "running") else (),
        log=run_link(run["id"], task, first["map_index"])
        if first is not None and first["attempts"]
        else None,
        description=(at.description or "") if at else "",
    )

"""Where the time of a run goes: when each task began and ended, what is to come, and what holds the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import sqlalchemy as sa

from yamldag.plan import graph
from yamldag.plan.pipeline import Plan
from yamldag.store import histories
from yamldag.web.pages.pipeline import cells

_ENDED = ("success", "failed")


@dataclass(frozen=True, slots=True)
class Bar:
    """An attempt, or a wait between two, from when to when in Unix seconds."""

    state: str
    start: float
    end: float
    lane: int = 0
    is_wait: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    """A task: all attempts of all its instances."""

    task: str
    state: str
    bars: tuple[Bar, ...]
    lanes: int
    start: float | None
    end: float | None
    """None: it goes on, or has not begun."""
    forecast: tuple[float, float] | None
    """When it should begin and end, of what is still to come or goes on."""
    usual: float | None
    tries: int
    done: int
    of: int
    """Instances that are a success, and all."""
    reason: str
    marked: float | None
    """When it was marked as skipped or the like, if it never began."""


def usual_of(past: Sequence[histories.Took]) -> dict[str, float]:
    """Of each task the median seconds of the runs in which it did not fail."""
    took: dict[str, list[float]] = {}
    for each in past:
        if not each.failed:
            took.setdefault(each.task, []).append(each.ended - each.started)
    return {task: median(those) for task, those in took.items()}


def lanes(
    plan: Plan, rows: Sequence[sa.RowMapping], tries: Sequence[sa.RowMapping], usual: Mapping[str, float],
    now: float, *, is_open: bool,
) -> list[Lane]:  # fmt: skip
    """By when they began, then by when they should."""
    instances: dict[str, list[sa.RowMapping]] = {}
    for row in rows:
        instances.setdefault(row["task"], []).append(row)
    begun: dict[str, list[sa.RowMapping]] = {}
    for row in tries:
        begun.setdefault(row["task"], []).append(row)
    spans = {task: _span(those, begun.get(task, ())) for task, those in instances.items()}
    ahead = forecast(plan, instances, spans, usual, now) if is_open else {}
    found = [
        _lane(task, those, begun.get(task, ()), spans[task], ahead.get(task), usual.get(task), now)
        for task, those in instances.items()
    ]
    last = max((lane.end or lane.start or 0.0 for lane in found), default=0.0)
    return sorted(found, key=lambda lane: lane.start or _begins(lane) or lane.marked or last)


def _begins(lane: Lane) -> float | None:
    return lane.forecast[0] if lane.forecast else None


def _marked(rows: Sequence[sa.RowMapping]) -> float | None:
    return min((row["ended"] for row in rows if row["ended"]), default=None)


def _span(rows: Sequence[sa.RowMapping], tries: Sequence[sa.RowMapping]) -> tuple[float | None, float | None]:
    """When a task began; when it ended, if nothing of it is still to come."""
    start = min((row["started"] for row in tries), default=None)
    over = all(row["state"] in _ENDED or row["ended"] for row in rows)
    ends = [row["ended"] for row in (*tries, *rows) if row["ended"]]
    return start, max(ends) if over and ends and start is not None else None


def forecast(
    plan: Plan, rows: Mapping[str, Sequence[sa.RowMapping]],
    spans: Mapping[str, tuple[float | None, float | None]], usual: Mapping[str, float], now: float,
) -> dict[str, tuple[float, float]]:  # fmt: skip
    """When what has not ended should begin and end: by what it takes else, once all that it needs has ended."""
    parents = {task.id: task.needs for task in plan.tasks}
    ends: dict[str, float] = {}
    found: dict[str, tuple[float, float]] = {}
    for task in graph.order(parents):
        start, end = spans.get(task, (None, None))
        states = [row["state"] for row in rows.get(task, ())]
        if end is not None or (
            states and all(state in ("skipped", "upstream_failed", "removed") for state in states)
        ):
            ends[task] = end or 0.0
            continue
        begins = (
            start if start is not None else max([now, *(ends.get(parent, 0.0) for parent in parents[task])])
        )
        over = max(now, begins + usual.get(task, 0.0))
        retries = [
            row["retry_at"]
            for row in rows.get(task, ())
            if row["state"] == "up_for_retry" and row["retry_at"]
        ]
        if retries:
            begins = max(retries)
            over = begins + usual.get(task, 0.0)
        ends[task] = over
        found[task] = (begins, over)
    return found


def _lane(
    task: str, rows: Sequence[sa.RowMapping], tries: Sequence[sa.RowMapping],
    span: tuple[float | None, float | None], ahead: tuple[float, float] | None, usual: float | None, now: float,
) -> Lane:  # fmt: skip
    bars, number = _bars(rows, tries, now)
    state = cells.worst([row["state"] for row in rows])
    return Lane(
        task, state, tuple(bars), number, *span, ahead, usual,
        tries=max((row["attempts"] for row in rows), default=0),
        done=sum(row["state"] == "success" for row in rows), of=len(rows),
        reason=next((row["reason"] for row in rows if row["state"] == state and row["reason"]), ""),
        marked=_marked(rows),
    )  # fmt: skip


def _bars(rows: Sequence[sa.RowMapping], tries: Sequence[sa.RowMapping], now: float) -> tuple[list[Bar], int]:
    """An instance keeps to its lane; a lane takes the next one when it is free."""
    by_index: dict[int, list[sa.RowMapping]] = {}
    for row in tries:
        by_index.setdefault(row["map_index"], []).append(row)
    state = {row["map_index"]: row for row in rows}
    free: list[float] = []
    bars: list[Bar] = []
    for index, those in sorted(by_index.items(), key=lambda pair: pair[1][0]["started"]):
        start, end = those[0]["started"], max(row["ended"] or now for row in those)
        lane = next((at for at, until in enumerate(free) if until <= start), len(free))
        free[lane : lane + 1] = [end]
        before: float | None = None
        for row in those:
            if before is not None and row["started"] > before:
                bars.append(Bar("up_for_retry", before, row["started"], lane, is_wait=True))
            waits = row["state"] == "deferred"
            over = row["ended"] or now
            bars.append(Bar(row["state"], row["started"], over, lane, is_wait=waits))
            before = over
        last = state.get(index)
        if last is not None and before is not None and last["state"] in ("up_for_retry", "up_for_reschedule"):
            bars.append(Bar(last["state"], before, last["retry_at"] or now, lane, is_wait=True))
    return bars, max(1, len(free))


def critical(plan: Plan, lanes: Sequence[Lane]) -> list[str]:
    """The tasks that hold the end, the first one first: each is what the next one waited for last; where all that it
    waited for never began, for what failed above, that leads on."""
    ends = {lane.task: end for lane in lanes if (end := end_of(lane)) is not None and lane.state != "skipped"}
    kept = {lane.task: lane.marked for lane in lanes if lane.state == "upstream_failed" and lane.marked}
    parents = {task.id: task.needs for task in plan.tasks}
    if not ends:
        return []
    path = [max(ends, key=lambda task: ends[task])]
    while True:
        above = [parent for parent in parents.get(path[-1], ()) if parent not in path]
        if began := [parent for parent in above if parent in ends]:
            path.append(max(began, key=lambda task: ends[task]))
        elif never := [parent for parent in above if parent in kept]:
            path.append(max(never, key=lambda task: kept[task]))
        else:
            break
    return path[::-1]


def end_of(lane: Lane) -> float | None:
    return lane.end if lane.end is not None else lane.forecast[1] if lane.forecast else None

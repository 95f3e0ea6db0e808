"""Gantt: where the time of a run went, and what held its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import pairwise

from starlette.responses import Response

from yamldag.store import histories
from yamldag.store.overview import Shown
from yamldag.web import words
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.frame import look_of
from yamldag.web.pages import records
from yamldag.web.pages.links import run_link, tab_link
from yamldag.web.pages.pipeline import timeline
from yamldag.web.pages.pipeline.frame import known_of, missing, newest, tab_page
from yamldag.web.pages.pipeline.graph import plan_of, run_of
from yamldag.web.route import Kind, Route

WIDTH, LEFT, RIGHT = 1380, 262, 210
_ROW, _TOP = 22, 34
_MOST = 300
"""Tasks that are drawn."""
_ROWS = 20_000
_STEPS = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400,
    7 * 86_400,
)  # fmt: skip
"""Seconds between two lines."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A lane with its places in pixels."""

    lane: timeline.Lane
    y: int
    link: str
    bars: tuple[tuple[str, float, float, float, float], ...]
    """(state, x, y, width, height)."""
    waits: tuple[tuple[str, float, float, float], ...]
    """(state, from x, to x, y)."""
    ghost: tuple[float, float] | None
    """x and width of what is to come."""
    frame: tuple[float, float] | None
    """x and width of the heavy outline: it is on the critical path."""
    said: str
    said_x: float


@dataclass(frozen=True, slots=True)
class Chart:
    height: int
    lines: tuple[tuple[float, str], ...]
    """(x, time) of the lines behind."""
    rows: tuple[Drawn, ...]
    links: tuple[str, ...]
    """The `d` of the ways along the critical path."""
    now: float | None
    more: int
    """Tasks that are not drawn."""
    zone: str
    """Of the times of its lines."""


def gantt(ask: Ask) -> Response:
    known = known_of(ask)
    if known is None:
        return missing(ask)
    name = known.plan.pipeline
    with ask.site.reading() as db:
        runs = newest(db, known)
        run = run_of(db, known, runs, ask.query("run"))
        if run is None or run["started"] is None:
            return tab_page(ask, known, "gantt", runs, chart=None, run=run)
        plan = plan_of(db, known, run)
        rows = histories.instances(db, run["id"], _ROWS)
        tries = histories.tries(db, run["id"], _ROWS)
        past = histories.durations(db, [row["id"] for row in runs if row["id"] != run["id"]])
        older, newer = histories.neighbours(db, run)
    is_open, zone = run["state"] == "running", look_of(ask.request).tz
    lanes = timeline.lanes(plan, rows, tries, timeline.usual_of(past), ask.now, is_open=is_open)
    path = timeline.critical(plan, lanes)
    by_task = {lane.task: lane for lane in lanes}
    return tab_page(
        ask, known, "gantt", runs,
        run=records.run_line(run, known, ask.now),
        date=datetime.fromisoformat(run["logical_date"]),
        chart=_chart(run, lanes, path, ask.now, zone, is_open),
        path=[(task, _took(by_task[task], ask.now), run_link(run["id"], task)) for task in path],
        path_took=words.span(_length(run, path, by_task)),
        said=_said(run, runs, lanes, path, zone, ask.now, is_open),
        older=tab_link(name, "gantt", run=older) if older else None,
        newer=tab_link(name, "gantt", run=newer) if newer else None,
    )  # fmt: skip


def _took(lane: timeline.Lane, now: float) -> str:
    start = lane.start if lane.start is not None else lane.forecast[0] if lane.forecast else None
    end = timeline.end_of(lane)
    return "" if start is None else words.span((end or now) - start)


def _length(run: Shown, path: Sequence[str], by_task: dict[str, timeline.Lane]) -> float:
    began: float = run["started"]
    end = timeline.end_of(by_task[path[-1]]) if path else None
    return 0.0 if end is None else end - began


def _said(
    run: Shown, runs: Sequence[Shown], lanes: Sequence[timeline.Lane], path: Sequence[str],
    zone: tzinfo, now: float, is_open: bool,
) -> list[str]:  # fmt: skip
    """When it ends, and what takes longer than usual, in sentences."""
    usual = records.usual([row for row in runs if row["id"] != run["id"]])
    ends = max((end for lane in lanes if (end := timeline.end_of(lane)) is not None), default=None)
    said = []
    if is_open and ends is not None:
        about = words.moment(-(-max(ends, now) // 60) * 60, zone, now)
        said.append(f"Ends about {about}{_against(ends - run['started'], usual)}.")
    elif usual is not None and run["ended"] is not None:
        took = run["ended"] - run["started"]
        said.append(f"Took {words.span(took)}{_against(took, usual)}.")
    slow = [
        (over, lane, took)
        for lane in lanes
        if lane.task in path and lane.usual and lane.start is not None
        for took in [(lane.end or now) - lane.start]
        if (over := took - lane.usual) > max(1.0, 0.2 * lane.usual)
    ]
    if slow:
        over, lane, took = max(slow, key=lambda each: each[0])
        assert lane.usual is not None
        said.append(f"{lane.task} {'takes' if lane.end is None else 'took'} {words.span(took)} "
                    f"instead of {words.span(lane.usual)}.")  # fmt: skip
    return said


def _against(took: float, usual: float | None) -> str:
    if usual is None or abs(took - usual) < max(1.0, 0.02 * usual):
        return ", as usual" if usual is not None else ""
    return f", {words.span(abs(took - usual))} {'later' if took > usual else 'sooner'} than usual"


def _chart(
    run: Shown, lanes: Sequence[timeline.Lane], path: Sequence[str], now: float, zone: tzinfo,
    is_open: bool,
) -> Chart:  # fmt: skip
    begin: float = min([run["started"], *(lane.start for lane in lanes if lane.start is not None)])
    ends = [end for lane in lanes if (end := timeline.end_of(lane)) is not None]
    until: float = max([begin + 1.0, run["ended"] or begin, *ends, *([now] if is_open else [])])
    scale = (WIDTH - LEFT - RIGHT) / (until - begin)

    def x(at: float) -> float:
        return round(LEFT + (min(max(at, begin), until) - begin) * scale, 1)

    drawn = [
        _drawn(run, lane, _TOP + _ROW * at, lane.task in path, now, x)
        for at, lane in enumerate(lanes[:_MOST])
    ]
    return Chart(
        _TOP + _ROW * len(drawn) + 8,
        _lines(begin, until, zone, x),
        tuple(drawn),
        tuple(_links(drawn, path)),
        x(now) if is_open and begin < now <= until else None,
        max(0, len(lanes) - _MOST),
        datetime.fromtimestamp(begin, UTC).astimezone(zone).tzname() or "",
    )


def _drawn(
    run: Shown,
    lane: timeline.Lane,
    y: int,
    is_critical: bool,
    now: float,
    x: Callable[[float], float],
) -> Drawn:
    thick = 13.0 if lane.lanes == 1 else 13.0 / min(lane.lanes, 6)
    bars, waits = [], []
    for bar in lane.bars:
        top = y + 4.5 + (bar.lane % 6) * thick if lane.lanes > 1 else y + 4.5
        left, right = x(bar.start), x(bar.end)
        if bar.is_wait:
            waits.append((bar.state, left, right, round(top + thick / 2, 1)))
        else:
            gap = 1.0 if lane.lanes > 1 else 0.0
            bars.append(
                (bar.state, left, round(top, 1), max(2.0, round(right - left, 1)), round(thick - gap, 1))
            )
    ghost = None
    if lane.forecast is not None:
        since = max(lane.forecast[0], now) if lane.start is not None else lane.forecast[0]
        ghost = (x(since), round(max(2.0, x(lane.forecast[1]) - x(since)), 1))
    begin = lane.start if lane.start is not None else lane.forecast[0] if lane.forecast else None
    end = timeline.end_of(lane)
    frame = None
    if is_critical and begin is not None and end is not None:
        frame = (x(begin), round(max(3.0, x(end) - x(begin)), 1))
    edges = [bar.end for bar in lane.bars] + ([end] if end is not None else [])
    return Drawn(
        lane, y, run_link(run["id"], lane.task), tuple(bars), tuple(waits), ghost, frame,
        _words(lane, now), x(max(edges or [lane.marked or run["started"]])) + 7,
    )  # fmt: skip


def _words(lane: timeline.Lane, now: float) -> str:
    """What stands behind its bars."""
    parts = []
    if lane.start is not None:
        parts.append(words.span((lane.end or now) - lane.start))
    elif lane.forecast is not None:
        parts.append(f"usual {words.span(lane.usual)}" if lane.usual else "no usual time yet")
    else:
        parts.append(lane.reason or lane.state.replace("_", " "))
    if lane.start is not None and lane.end is None and lane.usual:
        parts.append(f"usual {words.span(lane.usual)}")
    parts += [f"{lane.done}/{lane.of}"] if lane.of > 1 else []
    parts += [f"{lane.tries} tries"] if lane.tries > 1 else []
    said = ", ".join(parts)
    return said if len(said) <= 60 else f"{said[:59]}…"


def _links(rows: Sequence[Drawn], path: Sequence[str]) -> list[str]:
    """From the end of each task of the critical path down to the beginning of the next."""
    at = {row.lane.task: row for row in rows}
    framed = [(row.y + 11, row.frame) for task in path if (row := at.get(task)) and row.frame]
    return [
        f"M{round(left + width, 1)} {y}V{below}H{corner}"
        for (y, (left, width)), (below, (corner, _)) in pairwise(framed)
    ]


def _lines(
    begin: float, end: float, zone: tzinfo, x: Callable[[float], float]
) -> tuple[tuple[float, str], ...]:

    step = next((each for each in _STEPS if (end - begin) / each <= 9), _STEPS[-1])
    shift = datetime.fromtimestamp(begin, UTC).astimezone(zone).utcoffset()
    offset = shift.total_seconds() if shift else 0.0
    first = -(-(begin + offset) // step) * step - offset
    found = []
    at = first
    while at <= end:
        local = datetime.fromtimestamp(at, UTC).astimezone(zone)
        text = (
            f"{local:%H:%M:%S}"
            if step < 60
            else f"{local.day} {local:%b}"
            if step >= 86_400
            else f"{local:%H:%M}"
        )
        found.append((x(at), text))
        at += step
    return tuple(found)


ROUTES = (Route("pipeline_gantt", "GET", "/pipelines/{pipeline}/gantt", gantt, Role.VIEWER, Kind.PAGE),)

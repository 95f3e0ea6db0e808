"""Schedule: the coming ticks with their intervals, in the pipeline's zone and in the viewer's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice

from starlette.responses import Response

from yamldag.engine.schedule.known import Known
from yamldag.plan.schedule import Tick
from yamldag.web import words
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.frame import look_of
from yamldag.web.pages.links import tab_link
from yamldag.web.pages.pipeline.frame import known_of, missing, newest, tab_page
from yamldag.web.route import Kind, Route

COUNTS = (20, 50, 200)


@dataclass(frozen=True, slots=True)
class Coming:
    at: float
    local: str
    """In the pipeline's zone."""
    mine: str
    """In the viewer's."""
    interval: str
    """From when to when, in the pipeline's zone."""
    length: str
    clock: str
    """What the clock does on that day, if it does something: `goes forward by 1 h at 02:00`."""


def ticks(ask: Ask) -> Response:
    known = known_of(ask)
    if known is None:
        return missing(ask)
    with ask.site.reading() as db:
        runs = newest(db, known)
    asked = ask.number("n", COUNTS[0])
    count = asked if asked in COUNTS else COUNTS[0]
    mine = look_of(ask.request).tz
    after = datetime.fromtimestamp(ask.now, UTC)
    found = list(islice(known.schedule.intervals(after), count)) if known.schedule.has_clock else []
    name = known.plan.pipeline
    return tab_page(
        ask, known, "schedule", runs,
        coming=[_coming(tick, known, mine, ask.now) for tick in found],
        changes=_changes(known.schedule.zone, after, after + timedelta(days=366)) if found else [],
        same=str(mine) == known.plan.timezone, mine=look_of(ask.request).zone,
        counts=COUNTS, count=count, more=lambda number: tab_link(name, "schedule", n=number),
        start=known.plan.start, end=known.plan.end,
        continuous=known.schedule.continuous, once=known.schedule.once,
    )  # fmt: skip


def _coming(tick: Tick, known: Known, mine: tzinfo, now: float) -> Coming:
    zone = known.schedule.zone
    at = tick.logical_date.timestamp()
    start, end = tick.data_interval_start, tick.data_interval_end
    length = end.timestamp() - start.timestamp()
    return Coming(
        at,
        words.moment(tick.logical_date, zone, now),
        words.moment(tick.logical_date, mine, now),
        f"{words.moment(start, zone, now)} to {words.moment(end, zone, now)}" if length else "",
        words.span(length) if length else "",
        clock_change(tick.logical_date, zone),
    )


def clock_change(at: datetime, zone: tzinfo) -> str:
    """What the clock of a zone does on the day of that moment; empty: it goes on."""
    local = at.astimezone(zone)
    begin = datetime(local.year, local.month, local.day, tzinfo=zone)
    following = begin.date() + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=zone)
    before, after = begin.utcoffset(), end.utcoffset()
    if before is None or after is None or before == after:
        return ""
    by = (after - before).total_seconds()
    return f"the clock goes {'forward' if by > 0 else 'back'} by {words.span(abs(by))}"


def _changes(zone: tzinfo, since: datetime, until: datetime) -> list[str]:
    """The days of the coming year on which the clock changes, in words."""
    found = []
    at = since
    while at < until:
        said = clock_change(at, zone)
        if said:
            local = at.astimezone(zone)
            found.append(f"on {local:%a} {local.day} {local:%b %Y} {said}")
        at += timedelta(days=1)
    return found


ROUTES = (Route("pipeline_schedule", "GET", "/pipelines/{pipeline}/schedule", ticks, Role.VIEWER, Kind.PAGE),)

"""Calendar: a year of days, each as its worst run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from starlette.responses import Response

from yamldag.engine import times
from yamldag.engine.schedule.known import Known
from yamldag.store import histories
from yamldag.web import looks
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages import records
from yamldag.web.pages.links import tab_link
from yamldag.web.pages.pipeline.frame import known_of, missing, newest, tab_page
from yamldag.web.route import Kind, Route

STEP, LEFT, TOP = 24, 40, 24
"""Pixels of a day, and what stands beside and above them."""
_WORST = ("failed", "running", "queued", "cancelled", "success")
_FIRST, _AHEAD = 1970, 10
"""The first year that is shown, and how many are shown of those to come."""
_MOST = 200
"""Runs of a day that are listed."""


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    x: int
    y: int
    state: str
    """Of its worst run; `due`: a tick is to come; empty: nothing."""
    told: str
    link: str
    chosen: bool


def calendar(ask: Ask) -> Response:
    known = known_of(ask)
    if known is None:
        return missing(ask)
    name, zone = known.plan.pipeline, records.zone_of(known)
    today = datetime.fromtimestamp(ask.now, UTC).astimezone(zone).date()
    chosen = _date(ask.query("day"))
    year = ask.number("year", chosen.year if chosen else today.year)
    if not _FIRST <= year <= today.year + _AHEAD:  # nothing is there to see, and no schedule has to be asked
        year = today.year
    with ask.site.reading() as db:
        runs = newest(db, known)
        first = histories.first_date(db, name)
        found = _by_day(db, name, zone, year)
        rows = histories.runs_between(db, name, *_bounds(chosen, chosen, zone), _MOST) if chosen else []
    due = _due(known, zone, year, today)
    days = [_day(at, name, found.get(at, {}), at in due, chosen) for at in _days(year)]
    total: dict[str, int] = {}
    for counts in found.values():
        for state, number in counts.items():
            total[state] = total.get(state, 0) + number
    return tab_page(
        ask, known, "calendar", runs,
        year=year, days=days, months=_months(year), zone=known.plan.timezone, today=today,
        total=[(state, total[state]) for state in _WORST if state in total],
        width=LEFT + 54 * STEP, height=TOP + 7 * STEP + 6,
        chosen=chosen, capped=len(rows) == _MOST,
        lines=[records.run_line(row, known, ask.now) for row in rows],
        older=tab_link(name, "calendar", year=year - 1) if first and int(first[:4]) < year else None,
        newer=tab_link(name, "calendar", year=year + 1) if year < today.year + _AHEAD else None,
    )  # fmt: skip


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
    return found if found and _FIRST <= found.year < 3000 else None


def _days(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=at) for at in range((date(year + 1, 1, 1) - first).days)]


def _bounds(first: date, last: date, zone: ZoneInfo) -> tuple[str, str]:
    """From the beginning of one day up to, not including, the end of another, as stored dates."""
    begin = datetime(first.year, first.month, first.day, tzinfo=zone)
    after = last + timedelta(days=1)
    return times.stored(begin), times.stored(datetime(after.year, after.month, after.day, tzinfo=zone))


def _by_day(db: sa.Connection, name: str, zone: ZoneInfo, year: int) -> dict[date, dict[str, int]]:
    """Of each day of the pipeline's zone, how many runs of each state there are."""
    begin, end = _bounds(date(year, 1, 1), date(year, 12, 31), zone)
    found: dict[date, dict[str, int]] = {}
    for slot in histories.slots(db, name, begin, end, minutes=_is_odd(zone, year)):
        text = slot.at if len(slot.at) == 16 else f"{slot.at}:00"
        day = datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(zone).date()
        counts = found.setdefault(day, {})
        counts[slot.state] = counts.get(slot.state, 0) + slot.number
    return found


def _is_odd(zone: ZoneInfo, year: int) -> bool:
    """Whether a day begins within an hour of UTC, as in India."""
    offsets = {datetime(year, month, 1, tzinfo=zone).utcoffset() for month in range(1, 13)}
    return any(offset is not None and offset.total_seconds() % 3600 for offset in offsets)


def _due(known: Known, zone: ZoneInfo, year: int, today: date) -> set[date]:
    """The days to come that have a tick."""
    if not known.schedule.has_clock:
        return set()
    found = set()
    at = max(today, date(year, 1, 1))
    for _ in range(366):
        if at.year != year:
            break
        # The first moment of the day counts as well.
        begin = datetime(at.year, at.month, at.day, tzinfo=zone).astimezone(UTC)
        tick = next(known.schedule.ticks(begin, inclusive=True), None)
        if tick is None:
            break
        at = tick.astimezone(zone).date()
        if at.year == year and at > today:
            found.add(at)
        at += timedelta(days=1)
    return found


def _day(at: date, name: str, counts: Mapping[str, int], is_due: bool, chosen: date | None) -> Day:
    week = (at - timedelta(days=at.weekday()) - _monday(at.year)).days // 7
    state = next((each for each in _WORST if each in counts), "due" if is_due else "")
    told = ", ".join(f"{number} {looks.word(each)}" for each, number in sorted(counts.items()))
    return Day(
        at,
        LEFT + week * STEP,
        TOP + at.weekday() * STEP,
        state,
        told or ("a tick is to come" if is_due else "no run"),
        tab_link(name, "calendar", year=at.year, day=at.isoformat()),
        at == chosen,
    )


def _monday(year: int) -> date:
    first = date(year, 1, 1)
    return first - timedelta(days=first.weekday())


def _months(year: int) -> list[tuple[int, str]]:
    """(x, name) of each month, above its first whole week."""
    found = []
    for month in range(1, 13):
        first = date(year, month, 1)
        week = (first - timedelta(days=first.weekday()) - _monday(year)).days // 7
        found.append((LEFT + week * STEP + (STEP if first.weekday() else 0), f"{first:%b}"))
    return found


ROUTES = (
    Route("pipeline_calendar", "GET", "/pipelines/{pipeline}/calendar", calendar, Role.VIEWER, Kind.PAGE),
)

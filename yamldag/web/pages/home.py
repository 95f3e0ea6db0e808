"""Home: what is wrong, what runs, what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from starlette.responses import Response

from yamldag.engine import times
from yamldag.engine.status import Status
from yamldag.store import overview
from yamldag.store.overview import Going, Shown
from yamldag.web import words
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages import bars, records, troubles
from yamldag.web.pages.links import run_link
from yamldag.web.route import Kind, Route

_FAILED = 12
"""Failed pipelines that are told in full."""
_UPCOMING = 8
_METER = 120
"""Pixels; two thirds of them are the usual time."""


@dataclass(frozen=True, slots=True)
class RunningLine:
    """A run under way, against what it usually takes."""

    run: records.RunLine
    link: str
    going: Going
    usual: str
    slow: bool
    """It takes longer than usual."""
    share: int
    """Of the usual time, in percent."""
    filled: int
    """Pixels of the meter."""
    date: str
    """Its logical date, as stored."""


def home(ask: Ask) -> Response:
    now, status = ask.now, ask.site.board.status
    with ask.site.reading() as db:
        facts = _facts(db, status)
        going = overview.going(db, [row["id"] for row in facts.open])
        hours = overview.by_hour(db, times.stored_at(now - 86_400))
    failed = troubles.failed_runs(facts, status)
    late = troubles.late(facts, status, now)
    broken = troubles.broken(status)
    listed = troubles.failed(facts, status, ask.site.logs, now, _FAILED) + late + broken
    wrong = {*failed, *(each.what for each in late)}
    wrong |= {name for name, known in status.pipelines.items() if known.stale}
    return ask.page(
        "home.html",
        troubles=listed,
        failed=len(failed),
        untold=max(0, len(failed) - _FAILED),
        late=len(late),
        broken=len(broken),
        fine=len(status.pipelines) - len(wrong & set(status.pipelines)),
        all=len(status.pipelines),
        asks=sum(row["asks"] for row in facts.open),
        running=[_running(row, facts, going, status, now) for row in facts.open],
        upcoming=_upcoming(status, now),
        day=_day(hours, now),
        has=_has(ask),
    )


def _has(ask: Ask) -> Mapping[str, bool]:
    """Which actions on runs there are, and are allowed."""
    may = ask.who.may(Role.OPERATOR)
    return {
        act: may and bool(ask.site.table.methods(f"/runs/x/{act}")) for act in ("cancel", "retry", "clear")
    }


def _facts(db: sa.Connection, status: Status) -> troubles.Facts:
    over, opened = overview.last_over(db), overview.open_runs(db)
    failed = {name: row["id"] for name, row in over.items() if row["state"] == "failed"}
    of_interest = {*failed, *(row["pipeline"] for row in opened)} & set(status.pipelines)
    return troubles.Facts(
        over,
        overview.newest_runs(db, records.BARS, of_interest),
        opened,
        overview.harms(db, [*failed.values(), *(row["id"] for row in opened if row["state"] == "running")]),
        overview.past_deadline(db, [row["id"] for row in opened]),
    )


def _running(
    row: Shown, facts: troubles.Facts, going: Mapping[str, Going], status: Status, now: float
) -> RunningLine:
    run = records.run_line(row, status.pipelines.get(row["pipeline"]), now)
    usual = records.usual(facts.newest.get(run.pipeline, ()))
    share = run.seconds / usual if usual else 0.0
    return RunningLine(
        run,
        run_link(run.id),
        going.get(run.id, Going(0, 0, None, 0, 0)),
        "" if usual is None else words.span(usual),
        share > 1.0,
        round(100 * share),
        min(_METER, round(_METER * 2 / 3 * share)),
        row["logical_date"],
    )


def _upcoming(status: Status, now: float) -> list[tuple[str, float, str]]:
    """(pipeline, due, what is to be said of it), the next one first."""
    found = sorted((due, name) for name, due in status.next.items() if name in status.pipelines)
    stale = "of its last good version"
    return [
        (name, due, "late" if due < now else stale if status.pipelines[name].stale else "")
        for due, name in found[:_UPCOMING]
    ]


def _day(
    hours: Mapping[str, Mapping[str, int]], now: float
) -> tuple[bars.Bars, Sequence[datetime], int, int]:
    """The last 24 hours: drawn, when each begins, how many runs there were and how many of them failed."""
    this = datetime.fromtimestamp(now, UTC).replace(minute=0, second=0, microsecond=0)
    starts = [this - timedelta(hours=back) for back in range(23, -1, -1)]
    counts = [hours.get(f"{at:%Y-%m-%dT%H}", {}) for at in starts]
    all_ = sum(sum(each.values()) for each in counts)
    return bars.stack(counts), starts, all_, sum(each.get("failed", 0) for each in counts)


ROUTES = (Route("home", "GET", "/", home, Role.VIEWER, Kind.PAGE, place="Home", keys="g h"),)

"""A pipeline: its graph, its newest runs."""

from __future__ import annotations

from functools import lru_cache

import sqlalchemy as sa
from markupsafe import Markup
from starlette.responses import Response

from yamldag.engine.schedule.known import Known
from yamldag.plan.pipeline import Plan
from yamldag.render.svg import picture
from yamldag.store import overview, views
from yamldag.syntax.report.text import draw
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages import records
from yamldag.web.route import Kind, Route

_RUNS = 30
"""Runs that the page lists."""


def pipeline(ask: Ask) -> Response:
    name = ask.path["pipeline"]
    status, now = ask.site.board.status, ask.now
    known = status.pipelines.get(name)
    if known is None:
        return ask.missing()
    with ask.site.reading() as db:
        rows = views.runs(db, name, limit=_RUNS)
        states = _states(db, rows[0]["id"]) if rows else {}
    return ask.page(
        "pipeline.html",
        pipeline=known,
        line=records.pipeline_line(known, rows[: records.BARS], status, now),
        runs=[records.run_line(row, known, now) for row in rows],
        graph=_graph(known, tuple(sorted(states.items()))),
        refused=draw(known.refused, colour=False) if known.refused else "",
    )


def _states(db: sa.Connection, run: str) -> dict[str, str]:
    """One state for each task of a run: of a mapped one that of its worst instance, as far as it is."""
    order = ("failed", "upstream_failed", "running", "queued", "scheduled", "up_for_retry", "none", "success")
    found: dict[str, str] = {}
    for row in overview.task_states(db, run):
        both = [row.state, found.get(row.task, row.state)]
        found[row.task] = min(both, key=lambda state: order.index(state) if state in order else len(order))
    return found


def _graph(known: Known, states: tuple[tuple[str, str], ...]) -> Markup:
    return _drawn(known.version, _Hidden(known.plan), states)


class _Hidden:
    """A plan that plays no part in a cache's key: its version stands for it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hidden)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=64)
def _drawn(_: str, hidden: _Hidden, states: tuple[tuple[str, str], ...]) -> Markup:
    return Markup(picture(hidden.plan, dict(states) if states else None)[0])  # noqa: S704  (it escapes all that it is given)


ROUTES = (Route("pipeline", "GET", "/pipelines/{pipeline}", pipeline, Role.VIEWER, Kind.PAGE),)

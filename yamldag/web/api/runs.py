"""Runs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from starlette.responses import JSONResponse, Response

from yamldag.engine import times
from yamldag.plan.state import RunState
from yamldag.store import overview, views
from yamldag.store.names import RUN_TYPES
from yamldag.web import acts
from yamldag.web.api.checked import parameter
from yamldag.web.api.paging import BadCursor, cursor, place
from yamldag.web.api.shapes import CURSOR, LIMIT, ref
from yamldag.web.ask import Ask, problem
from yamldag.web.auth.roles import Role
from yamldag.web.route import PATTERNS, Doc, Kind, Route, Schema


def shown(row: sa.RowMapping) -> dict[str, Any]:
    """A run as JSON."""
    dates = ("logical_date", "data_interval_start", "data_interval_end")
    return {
        "run_id": row["id"],
        "pipeline": row["pipeline"],
        "type": row["type"],
        "state": row["state"],
        **{name: times.read(row[name]).isoformat() for name in dates},
        "created_at": times.shown(row["created"]),
        "started_at": times.shown(row["started"]),
        "ended_at": times.shown(row["ended"]),
        "reason": row["reason"],
    }


def many(ask: Ask) -> Response:
    limit = parameter(ask, "limit")
    try:
        after = place(text, float, str) if (text := parameter(ask, "cursor")) is not None else None
    except BadCursor:
        return problem(400, "No such cursor", "`cursor` is `next` of a page that was given before.")
    chosen = {name: parameter(ask, name) for name in ("pipeline", "state", "type")}
    with ask.site.reading() as db:
        rows = overview.runs_after(db, after, limit + 1, **chosen)
    shown_rows = [shown(row) for row in rows[:limit]]
    more = cursor(rows[limit - 1]["created"], rows[limit - 1]["id"]) if len(rows) > limit else None
    return JSONResponse({"items": shown_rows, "next": more})


def one(ask: Ask) -> Response:
    with ask.site.reading() as db:
        row = views.one_run(db, ask.path["run"])
    return ask.missing() if row is None else JSONResponse(shown(row))


def cancel(ask: Ask) -> Response:
    run = ask.path["run"]
    with ask.site.reading() as db:
        row = views.one_run(db, run)
    if row is None:
        return ask.missing()
    outcome = acts.cancel(ask, run, kill=(ask.json() or {}).get("kill", False))
    if outcome == "over":
        return problem(409, "It is over already", f"The run is {row['state']}.")
    return JSONResponse({"outcome": outcome})


_NARROWED: dict[str, Schema] = {
    "pipeline": {"type": "string", "pattern": f"^{PATTERNS['pipeline']}$"},
    "state": {"enum": [state.value for state in RunState]},
    "type": {"enum": list(RUN_TYPES)},
    "limit": LIMIT,
    "cursor": CURSOR,
}
_CANCEL = {
    "type": "object",
    "properties": {"kill": {"type": "boolean", "default": False}},
    "additionalProperties": False,
}

ROUTES = (
    Route(
        "api_runs", "GET", "/api/v1/runs", many, Role.VIEWER, Kind.API,
        doc=Doc("Runs, the newest first", ref("RunPage"), query=_NARROWED),
    ),
    Route(
        "api_run", "GET", "/api/v1/runs/{run}", one, Role.VIEWER, Kind.API, doc=Doc("A run", ref("Run"))
    ),
    Route(
        "api_cancel", "POST", "/api/v1/runs/{run}/cancel", cancel, Role.OPERATOR, Kind.API,
        doc=Doc("Cancel a run: `cancelled`, or `asked` of the scheduler that moves it", ref("Done"), body=_CANCEL),
    ),
)  # fmt: skip

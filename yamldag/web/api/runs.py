"""Runs: which there are, and what is done to one."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from starlette.responses import JSONResponse, Response

from yamldag.engine.asking.rows import run_rows
from yamldag.engine.asking.wanted import next_version
from yamldag.engine.clearance import told as clearance_told
from yamldag.engine.memory.reasons import MARKS
from yamldag.engine.refused import Refused, unknown
from yamldag.plan.schedule import moment
from yamldag.plan.state import RunState
from yamldag.store import overview, requests, views
from yamldag.store.names import RUN_TYPES
from yamldag.web import acts, ordering
from yamldag.web.api.checked import parameter
from yamldag.web.api.paging import page, place
from yamldag.web.api.shapes import CURSOR, LIMIT, ref
from yamldag.web.ask import Ask, problem
from yamldag.web.auth.roles import Role
from yamldag.web.route import PATTERNS, Doc, Kind, Route, Schema


def the_run(ask: Ask, db: sa.Connection) -> sa.RowMapping:
    """The run that the path names. Raises Refused."""
    row = views.one_run(db, ask.path["run"])
    if row is None:
        raise unknown(f"there is no run `{ask.path['run']}`")
    return row


def many(ask: Ask) -> Response:
    text, limit = parameter(ask, "cursor"), parameter(ask, "limit")
    after = place(text, float, str) if text is not None else None
    since = _since(parameter(ask, "since"))
    chosen = {name: parameter(ask, name) for name in ("pipeline", "state", "type")}
    with ask.site.reading() as db:
        found = overview.runs_after(db, after, limit + 1, since=since, **chosen)
        told = run_rows(db, found)
    keys = {row["id"]: (row["created"], row["id"]) for row in found}
    return JSONResponse(page(told, limit, lambda row: row, lambda row: keys[row["run_id"]]))


def _since(text: str | None) -> float | None:
    from datetime import UTC

    if text is None:
        return None
    found = moment(text, UTC)
    if found is None:
        raise Refused(f"`since` wants a date or a time like `2026-01-31T06:00`, found `{text}`")
    return found.timestamp()


def one(ask: Ask) -> Response:
    with ask.site.reading() as db:
        row = the_run(ask, db)
        (told,) = run_rows(db, [row])
        told["next_version"] = next_version(db, row)
    with ask.site.writing() as database:
        return JSONResponse(told | {"asked": requests.is_open(database, told["run_id"])})


def cancel(ask: Ask) -> Response:
    with ask.site.reading() as db:
        row = the_run(ask, db)
    outcome = acts.cancel(ask, row["id"], kill=(ask.json() or {}).get("kill", False))
    if outcome == "over":
        return problem(409, "It is over already", f"The run is {row['state']}.", state=row["state"])
    return JSONResponse({"outcome": outcome})


def clear(ask: Ask) -> Response:
    return _again(ask, ask.json() or {})


def retry(ask: Ask) -> Response:
    return _again(ask, {**(ask.json() or {}), "failed": True})


def _again(ask: Ask, body: dict[str, Any]) -> Response:
    with ask.site.reading() as db:
        run = the_run(ask, db)["id"]
    clearance, wish = ordering.planned(ask, ordering.look(ask, run), body)
    told = {"run_id": run, "state": clearance.run.state, **clearance_told(clearance)}
    if body.get("dry_run") or clearance.is_empty:
        return JSONResponse(told | {"outcome": "nothing" if clearance.is_empty else "previewed"})
    outcome = ordering.clear(ask, clearance, wish, body.get("tasks", ()))
    state = "queued" if outcome == "queued" else clearance.run.state
    return JSONResponse(told | {"state": state, "outcome": outcome})


_NARROWED: dict[str, Schema] = {
    "pipeline": {"type": "string", "pattern": f"^{PATTERNS['pipeline']}$"},
    "state": {"enum": [state.value for state in RunState]},
    "type": {"enum": list(RUN_TYPES)},
    "since": {"type": "string", "maxLength": 40, "description": "recorded since; in UTC if it says no zone"},
    "limit": LIMIT,
    "cursor": CURSOR,
}
_FLAG = {"type": "boolean", "default": False}
_CANCEL = {"type": "object", "properties": {"kill": _FLAG}, "additionalProperties": False}
_COMMON = {"latest": _FLAG, "dry_run": _FLAG}
_CLEAR = {
    "type": "object",
    "properties": {
        "tasks": {"type": "array", "items": {"type": "string", "maxLength": 600}, "maxItems": 1000},
        "upstream": _FLAG,
        "only": _FLAG,
        "failed": _FLAG,
        "mark": {
            "enum": list(MARKS),
            "description": "give the tasks this state instead of running them again",
        },
        **_COMMON,
    },
    "additionalProperties": False,
}
_RETRY = {"type": "object", "properties": _COMMON, "additionalProperties": False}
_ONE = "/api/v1/runs/{run}"

ROUTES = (
    Route(
        "api_runs", "GET", "/api/v1/runs", many, Role.VIEWER, Kind.API,
        doc=Doc("Runs, the newest first", ref("RunPage"), query=_NARROWED),
    ),
    Route("api_run", "GET", _ONE, one, Role.VIEWER, Kind.API, doc=Doc("A run", ref("RunNow"))),
    Route(
        "api_cancel", "POST", f"{_ONE}/cancel", cancel, Role.OPERATOR, Kind.API,
        doc=Doc("Cancel a run: `cancelled`, or `asked` of the scheduler that moves it", ref("Done"), body=_CANCEL),
    ),
    Route(
        "api_clear", "POST", f"{_ONE}/clear", clear, Role.OPERATOR, Kind.API,
        doc=Doc("Run tasks of it again, and all below them; with `dry_run` say which", ref("Cleared"), body=_CLEAR),
    ),
    Route(
        "api_retry", "POST", f"{_ONE}/retry", retry, Role.OPERATOR, Kind.API,
        doc=Doc("Run again what failed or was cut short, and all below it", ref("Cleared"), body=_RETRY),
    ),
)  # fmt: skip

"""Backfills: what one would run, making one, ending one."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from starlette.responses import JSONResponse, Response

from yamldag.engine import orders, times
from yamldag.engine.refused import unknown
from yamldag.engine.schedule.backfill import REPROCESS
from yamldag.store import listing
from yamldag.store.database import Database
from yamldag.web import acts, ordering
from yamldag.web.api.checked import parameter
from yamldag.web.api.paging import page, place
from yamldag.web.api.pipelines import PARAMS, known_of
from yamldag.web.api.shapes import CURSOR, LIMIT, ref
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.route import PATTERNS, Doc, Kind, Route


def shown(row: sa.RowMapping) -> dict[str, Any]:
    return {
        "backfill_id": row["id"],
        "pipeline": row["pipeline"],
        "first": times.read(row["first"]).isoformat(),
        "last": times.read(row["last"]).isoformat(),
        "reprocess": row["reprocess"],
        "max_active": row["max_active"],
        "created_at": times.shown(row["created"]),
        "cancelled_at": times.shown(row["cancelled"]),
    }


def many(ask: Ask) -> Response:
    limit, text = parameter(ask, "limit"), parameter(ask, "cursor")
    after = place(text, float, str) if text is not None else None
    with ask.site.reading() as db:
        rows = listing.backfills(db, after, limit + 1, parameter(ask, "pipeline"))
    return JSONResponse(page(rows, limit, shown, lambda row: (row["created"], row["id"])))


def one(ask: Ask) -> Response:
    name = ask.path["name"]
    with ask.site.reading() as db:
        row = listing.one_backfill(db, name)
        if row is None:
            raise unknown(f"there is no backfill `{name}`")
        states = listing.backfill_states(db, name)
    return JSONResponse(shown(row) | {"states": states})


def create(ask: Ask) -> Response:
    known = known_of(ask)
    return JSONResponse(ordering.backfill(ask, known, ask.json()), 201)


def cancel(ask: Ask) -> Response:
    name = ask.path["name"]
    runs: list[dict[str, Any]] = []

    def work(database: Database) -> str:
        ended = orders.end_backfill(database, name, ask.now)
        runs.extend(ordering.states(database, ended))
        return "cancelled"

    acts.done(ask, ask.deed("backfill.cancel", name), work)
    return JSONResponse({"backfill_id": name, "runs": runs})


_TIME = {"type": "string", "maxLength": 40}
_CREATE = {
    "type": "object",
    "required": ["from", "to"],
    "properties": {
        "from": _TIME,
        "to": _TIME,
        "reprocess": {"enum": list(REPROCESS), "default": "none"},
        "max_active": {"type": "integer", "minimum": 1, "maximum": 10_000},
        "dry_run": {"type": "boolean", "default": False},
        **PARAMS,
    },
    "additionalProperties": False,
}
_NOTHING = {"type": "object", "maxProperties": 0}
_NAMED = {"type": "string", "pattern": f"^{PATTERNS['pipeline']}$"}

ROUTES = (
    Route(
        "api_backfills", "GET", "/api/v1/backfills", many, Role.VIEWER, Kind.API,
        doc=Doc("Backfills, the newest first", ref("BackfillPage"),
                query={"pipeline": _NAMED, "limit": LIMIT, "cursor": CURSOR}),
    ),
    Route(
        "api_backfill", "GET", "/api/v1/backfills/{name}", one, Role.VIEWER, Kind.API,
        doc=Doc("A backfill, and how many of its runs are in which state", ref("Backfill")),
    ),
    Route(
        "api_backfill_create", "POST", "/api/v1/pipelines/{pipeline}/backfills", create, Role.OPERATOR, Kind.API,
        doc=Doc("Run the ticks of a range, both ends included; with `dry_run` say which", ref("Backfilled"),
                body=_CREATE, status=201),
    ),
    Route(
        "api_backfill_cancel", "POST", "/api/v1/backfills/{name}/cancel", cancel, Role.OPERATOR, Kind.API,
        doc=Doc("Cancel a backfill and all its runs", ref("BackfillEnded"), body=_NOTHING),
    ),
)  # fmt: skip

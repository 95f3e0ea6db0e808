"""Pools and assets."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from yamldag.engine import orders, times
from yamldag.engine.asking.rows import pool_rows
from yamldag.plan.schedule import names
from yamldag.store import listing
from yamldag.store.database import Database
from yamldag.web import acts
from yamldag.web.api.checked import parameter
from yamldag.web.api.paging import portion
from yamldag.web.api.shapes import PAGED, ref
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.route import Doc, Kind, Route


def many(ask: Ask) -> Response:
    with ask.site.writing() as database:
        rows = pool_rows(database, ask.site.board.status.pools)
    return JSONResponse(portion(rows, parameter(ask, "limit"), parameter(ask, "cursor")))


def put(ask: Ask) -> Response:
    name, slots = ask.path["name"], ask.json()["slots"]
    made: list[dict[str, Any]] = []

    def work(database: Database) -> str:
        made.append(orders.set_pool(database, name, slots))
        return "set"

    acts.done(ask, ask.deed("pool.set", name, slots=slots), work)
    return JSONResponse(made[0])


def delete(ask: Ask) -> Response:
    name = ask.path["name"]
    made: list[dict[str, Any]] = []

    def work(database: Database) -> str:
        made.append(orders.delete_pool(database, name, ask.site.board.status.pools))
        return "deleted"

    acts.done(ask, ask.deed("pool.delete", name), work)
    return JSONResponse(made[0])


def assets(ask: Ask) -> Response:
    """Who produces each, who waits for it, and its newest update."""
    producers: dict[str, list[dict[str, str]]] = {}
    consumers: dict[str, list[str]] = {}
    for name, known in ask.site.board.status.pipelines.items():
        for task in known.plan.tasks:
            for asset in task.produces:
                producers.setdefault(asset, []).append({"pipeline": name, "task": task.id})
        if known.schedule.assets is not None:
            for asset in dict.fromkeys(names(known.schedule.assets)):
                consumers.setdefault(asset, []).append(name)
    with ask.site.reading() as db:
        newest = listing.newest_updates(db)
    rows = [
        {
            "asset": asset,
            "produced_by": producers.get(asset, []),
            "awaited_by": consumers.get(asset, []),
            "updated_at": times.shown(newest[asset]["at"]) if asset in newest else None,
            "updated_by": {key: newest[asset][key] for key in ("run", "task")} if asset in newest else None,
        }
        for asset in sorted({*producers, *consumers, *newest})
    ]
    return JSONResponse(portion(rows, parameter(ask, "limit"), parameter(ask, "cursor")))


_SLOTS = {
    "type": "object",
    "required": ["slots"],
    "properties": {"slots": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}},
    "additionalProperties": False,
}

ROUTES = (
    Route(
        "api_pools", "GET", "/api/v1/pools", many, Role.VIEWER, Kind.API,
        doc=Doc("Pools, with the slots in use and how many tasks wait", ref("PoolPage"), query=PAGED),
    ),
    Route(
        "api_pool_put", "PUT", "/api/v1/pools/{name}", put, Role.OPERATOR, Kind.API,
        doc=Doc("Declare a pool, or change its slots, at once", ref("Pool"), body=_SLOTS),
    ),
    Route(
        "api_pool_delete", "DELETE", "/api/v1/pools/{name}", delete, Role.OPERATOR, Kind.API,
        doc=Doc("Take away what was set; a pool of the project file has its slots of there again", ref("Pool")),
    ),
    Route(
        "api_assets", "GET", "/api/v1/assets", assets, Role.VIEWER, Kind.API,
        doc=Doc("Assets: who produces them, who waits for them", ref("AssetPage"), query=PAGED),
    ),
)  # fmt: skip

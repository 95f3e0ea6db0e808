"""Pools: bounds that pipelines share, what holds their slots, and what waits for them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlalchemy as sa
from starlette.responses import Response

from yamldag.engine import orders
from yamldag.engine.asking.naming import label
from yamldag.engine.asking.rows import Row, pool_rows
from yamldag.engine.refused import Refused
from yamldag.store.circumstances import all_claims
from yamldag.store.database import Database
from yamldag.web import acts
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages.question import Question, answered
from yamldag.web.pages.question import asked as question_page
from yamldag.web.pages.run_page import link_to
from yamldag.web.route import PATTERNS, Kind, Route

_MOST = 1_000_000
"""Slots of one pool."""


_CLAIMS, _TOLD = 2000, 4
"""Claims that are looked at, and tasks that are named of each pool as holding slots, and as waiting."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A task that holds slots of a pool, or waits for some."""

    label: str
    link: str


def pools(ask: Ask) -> Response:
    rows = _rows(ask)
    with ask.site.reading() as db:
        claims = all_claims(db, _CLAIMS)
    told: dict[str, tuple[list[Claim], list[Claim]]] = {row["name"]: ([], []) for row in rows}
    for each in claims:
        if each["pool"] in told:
            told[each["pool"]][not each["granted"]].append(_claim(each))
    return ask.page("pools.html", pools=rows, claims=told, most=_TOLD)


def _claim(row: sa.RowMapping) -> Claim:
    named = label(row["task"], row["map_index"], row["item"])
    return Claim(f"{row['pipeline']} › {named}", link_to(row["run"], row["task"], row["map_index"]))


def _rows(ask: Ask) -> list[Row]:
    with ask.site.writing() as database:
        return pool_rows(database, ask.site.board.status.pools)


def ask_set(ask: Ask) -> Response:
    """Slots of one that is there, or of a new one."""
    name = ask.query("name")
    row = next((each for each in _rows(ask) if each["name"] == name), None)
    title = f"Change the slots of {name}" if row else "Make a pool"
    says = ["Tasks that hold slots keep them; those that wait get them as they are freed."]
    command = ("yamldag", "pools", "set", name or "NAME", str(row["slots"]) if row else "SLOTS")
    question = Question(title, says, "Keep", command, "/pools", (), "pool.html")
    return question_page(ask, question, pool=row, name=name)


def set_pool(ask: Ask) -> Response:
    given = ask.form()
    name, slots = given.get("name", "").strip(), given.get("slots", "").strip()
    if not re.fullmatch(PATTERNS["name"], name):
        return ask.failed(422, "That is no name", "A pool is named by letters, digits, `_`, `.` and `-`.")
    if not re.fullmatch("[0-9]{1,9}", slots) or int(slots) > _MOST:
        return ask.failed(422, "That is no number of slots", f"A number from 0 to {_MOST:,} is wanted.")

    def work(database: Database) -> str:
        orders.set_pool(database, name, int(slots))
        return "set"

    acts.done(ask, ask.deed("pool.set", name, slots=int(slots)), work)
    return answered(ask, "/pools", "done")


def ask_delete(ask: Ask) -> Response:
    name = ask.path["name"]
    if name not in {row["name"] for row in _rows(ask)}:
        return ask.missing()
    says = ["One that the project's file declares has its slots of there again."]
    command = ("yamldag", "pools", "delete", name)
    return question_page(
        ask, Question(f"Delete the pool {name}", says, "Delete", command, "/pools", bad=True)
    )


def delete(ask: Ask) -> Response:
    name = ask.path["name"]

    def work(database: Database) -> str:
        orders.delete_pool(database, name, ask.site.board.status.pools)
        return "deleted"

    try:
        acts.done(ask, ask.deed("pool.delete", name), work)
    except Refused as refused:
        return ask.failed(409, "It can't be deleted", f"{refused}.")
    return answered(ask, "/pools", "done")


_DELETE = "/pools/{name}/delete"

ROUTES = (
    Route("pools", "GET", "/pools", pools, Role.VIEWER, Kind.PAGE),
    Route("ask_set_pool", "GET", "/pools/set", ask_set, Role.OPERATOR, Kind.PAGE),
    Route("set_pool", "POST", "/pools/set", set_pool, Role.OPERATOR, Kind.ACTION),
    Route("ask_delete_pool", "GET", _DELETE, ask_delete, Role.OPERATOR, Kind.PAGE),
    Route("delete_pool", "POST", _DELETE, delete, Role.OPERATOR, Kind.ACTION),
)

"""Runs and deeds by what somebody looks for, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from yamldag.store.tables import audit, run

Rows = list[sa.RowMapping]


class Order(NamedTuple):
    """How runs are sorted: by what, and whether the greatest come first; of equals by id."""

    key: sa.ColumnElement[Any]
    falls: bool = True


_TOOK = sa.func.coalesce(run.c.ended - run.c.started, -1.0)
ORDERS = {
    "newest": Order(run.c.created),
    "oldest": Order(run.c.created, falls=False),
    "date": Order(run.c.logical_date),
    "longest": Order(_TOOK),
}
"""`longest`: what has not ended comes last."""
Place = tuple[float | str, str]
"""Of a run in an order: its key, and its id."""


def runs(
    db: sa.Connection,
    limit: int,
    *,
    order: str = "newest",
    after: Place | None = None,
    since: str | None = None,
    until: str | None = None,
    **equal: str | None,
) -> Rows:
    """In one of ORDERS, those after that place; with `place`, the key of each. `since`, `until`: logical dates,
    included. `equal`: pipeline, state, type, backfill; None counts as not given."""
    key, falls = ORDERS[order]
    query = sa.select(run, key.label("place")).limit(limit)
    query = query.order_by(key.desc(), run.c.id.desc()) if falls else query.order_by(key, run.c.id)
    if after is not None:
        at, name = after
        beyond = (key < at, run.c.id < name) if falls else (key > at, run.c.id > name)
        query = query.where(sa.or_(beyond[0], sa.and_(key == at, beyond[1])))
    for column, value in equal.items():
        if value:
            query = query.where(run.c[column] == value)
    if since:
        query = query.where(run.c.logical_date >= since)
    if until:
        query = query.where(run.c.logical_date <= until)
    return list(db.execute(query).mappings())


def runs_named(db: sa.Connection, names: Iterable[str]) -> Rows:
    """Those of these ids that are there, by id."""
    query = sa.select(run).where(run.c.id.in_(list(names))).order_by(run.c.id)
    return list(db.execute(query).mappings())


def deeds(db: sa.Connection, limit: int, before: int | None, wanted: Mapping[str, str]) -> Rows:
    """The newest first, older than the row `before`. `wanted`: who, action (or its beginning, like `run.`), object."""
    query = sa.select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.id < before)
    if wanted.get("who"):
        query = query.where(audit.c.who == wanted["who"])
    if wanted.get("object"):
        query = query.where(audit.c.object == wanted["object"])
    if wanted.get("action"):
        query = query.where(audit.c.action.startswith(wanted["action"], autoescape=True))
    return list(db.execute(query).mappings())


def actions(db: sa.Connection) -> list[str]:
    """Every kind of deed that was ever done."""
    query: sa.Select[Any] = sa.select(audit.c.action).distinct().order_by(audit.c.action)
    return [str(name) for (name,) in db.execute(query)]

"""Runs and deeds by what somebody looks for, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from yamldag.store.tables import audit, run

Rows = list[sa.RowMapping]


def runs(
    db: sa.Connection,
    limit: int,
    *,
    after: tuple[float, str] | None = None,
    since: str | None = None,
    until: str | None = None,
    **equal: str | None,
) -> Rows:
    """The newest first, those after the run of that moment and id. `since`, `until`: logical dates, included.
    `equal`: pipeline, state, type, backfill; None counts as not given."""
    query = sa.select(run).order_by(run.c.created.desc(), run.c.id.desc()).limit(limit)
    if after is not None:
        created, name = after
        query = query.where(
            sa.or_(run.c.created < created, sa.and_(run.c.created == created, run.c.id < name))
        )
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

"""Reads for the pages: what several runs are about, each in one query."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from yamldag.plan.state import FINAL
from yamldag.store.tables import attempt, pipeline, run, runner, task_instance

Rows = list[sa.RowMapping]


def newest_runs(db: sa.Connection, per: int = 10) -> dict[str, Rows]:
    """Of each pipeline its newest runs by logical date, the newest first."""
    inner = run.alias()
    border = (
        sa.select(inner.c.logical_date)
        .where(inner.c.pipeline == pipeline.c.id)
        .order_by(inner.c.logical_date.desc())
        .limit(1)
        .offset(per - 1)
        .correlate(pipeline)
        .scalar_subquery()
    )
    newest = sa.and_(run.c.pipeline == pipeline.c.id, run.c.logical_date >= sa.func.coalesce(border, ""))
    query = (
        sa.select(run)
        .select_from(pipeline.join(run, newest))
        .order_by(run.c.logical_date.desc(), run.c.created.desc())
    )
    found: dict[str, Rows] = {}
    for row in db.execute(query).mappings():
        rows = found.setdefault(row["pipeline"], [])
        if len(rows) < per:
            rows.append(row)
    return found


def open_runs(db: sa.Connection, limit: int = 50) -> Rows:
    """Those that run or wait, the oldest first, and with them who moves them."""
    query = (
        sa.select(run, runner.c.kind, runner.c.ended.label("owner_ended"))
        .outerjoin(runner, runner.c.id == run.c.owner)
        .where(run.c.state.in_(("running", "queued")))
        .order_by(run.c.state.desc(), run.c.logical_date, run.c.id)
        .limit(limit)
    )
    return list(db.execute(query).mappings())


def runs_after(
    db: sa.Connection,
    place: tuple[float, str] | None,
    limit: int,
    *,
    pipeline: str | None = None,
    state: str | None = None,
    type: str | None = None,  # noqa: A002
    since: float | None = None,
) -> Rows:
    """The newest first, those after the run of that moment and id."""
    query = sa.select(run).order_by(run.c.created.desc(), run.c.id.desc()).limit(limit)
    if place is not None:
        created, name = place
        query = query.where(
            sa.or_(run.c.created < created, sa.and_(run.c.created == created, run.c.id < name))
        )
    for column, value in ((run.c.pipeline, pipeline), (run.c.state, state), (run.c.type, type)):
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(run.c.created >= since)
    return list(db.execute(query).mappings())


def progress(db: sa.Connection, runs: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Of each run, how many of its instances have ended, and how many there are."""
    done = sa.func.sum(sa.case((task_instance.c.state.in_(sorted(FINAL)), 1), else_=0))
    query = (
        sa.select(task_instance.c.run, done, sa.func.count())
        .where(task_instance.c.run.in_(list(runs)))
        .group_by(task_instance.c.run)
    )
    return {name: (int(ended), int(total)) for name, ended, total in db.execute(query)}


def first_failures(db: sa.Connection, runs: Iterable[str]) -> dict[str, sa.RowMapping]:
    """Of each run the instance that failed first, with the log of its newest attempt."""
    query = (
        sa.select(task_instance, attempt.c.log)
        .outerjoin(attempt, attempt.c.id == task_instance.c.attempt)
        .where(task_instance.c.run.in_(list(runs)), task_instance.c.state == "failed")
        .order_by(task_instance.c.ended.desc(), task_instance.c.id.desc())
    )
    return {row["run"]: row for row in db.execute(query).mappings()}


def attempts_of(db: sa.Connection, run_id: str, task: str, index: int) -> Rows:
    """The attempts of one instance, the first one first."""
    query = (
        sa.select(attempt)
        .join(task_instance, task_instance.c.id == attempt.c.instance)
        .where(
            task_instance.c.run == run_id, task_instance.c.task == task, task_instance.c.map_index == index
        )
        .order_by(attempt.c.number)
    )
    return list(db.execute(query).mappings())


def task_states(db: sa.Connection, run_id: str, limit: int = 2000) -> list[sa.Row[Any]]:
    """(task, map index, item, state, attempts, started, ended, reason) of each instance, by id."""
    columns = [task_instance.c[name] for name in ("task", "map_index", "item", "state", "attempts")]
    columns += [task_instance.c[name] for name in ("started", "ended", "reason", "retry_at")]
    query = sa.select(*columns).where(task_instance.c.run == run_id).order_by(task_instance.c.id).limit(limit)
    return list(db.execute(query))

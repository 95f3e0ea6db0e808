"""Reads for the pages of one pipeline: many runs of it side by side, each table in one query."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from yamldag.store.overview import Rows, Shown, plain
from yamldag.store.tables import attempt, deferral, run, task_instance


def runs_before(db: sa.Connection, name: str, limit: int, before: str | None = None) -> Rows:
    """The newest runs of a pipeline by logical date, or the newest of those up to one, the oldest first."""
    query = (
        sa.select(run)
        .where(run.c.pipeline == name)
        .order_by(run.c.logical_date.desc(), run.c.created.desc(), run.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(run.c.logical_date <= before)
    return list(db.execute(query).mappings())[::-1]


def run_after(db: sa.Connection, name: str, date: str, offset: int = 0) -> str | None:
    """The logical date of the run that is so many runs after that one; None if there are not so many."""
    query = (
        sa.select(run.c.logical_date)
        .where(run.c.pipeline == name, run.c.logical_date > date)
        .order_by(run.c.logical_date)
        .limit(1)
        .offset(offset)
    )
    return db.execute(query).scalar_one_or_none()


def neighbours(db: sa.Connection, row: Shown) -> tuple[str | None, str | None]:
    """The ids of the pipeline's runs before and after a run, by logical date."""
    of = sa.select(run.c.id).where(run.c.pipeline == row["pipeline"]).limit(1)
    older = of.where(run.c.logical_date < row["logical_date"]).order_by(run.c.logical_date.desc())
    newer = of.where(run.c.logical_date > row["logical_date"]).order_by(run.c.logical_date)
    both = sa.select(older.scalar_subquery(), newer.scalar_subquery())
    found = db.execute(both).one()
    return found[0], found[1]


Cell = tuple[str, str, str, int]
"""(run, task, state, number): the instances of one task in one run that are in one state."""


def cells(db: sa.Connection, runs: Collection[str]) -> Sequence[Cell]:
    """All that the tasks of these runs are. They may be very many: as the driver gives them."""
    at = task_instance.c
    query = (
        sa.select(at.run, at.task, at.state, sa.func.count())
        .where(at.run.in_(list(runs)))
        .group_by(at.run, at.task, at.state)
    )
    return [(name, task, state, number) for name, task, state, number in plain(db, query)]


class Took(NamedTuple):
    """One task in one run: its state that needs a person first by name, and from when to when, Unix seconds."""

    run: str
    task: str
    failed: int
    """Instances of it that failed."""
    started: float
    ended: float


def durations(db: sa.Connection, runs: Collection[str], tasks: Collection[str] | None = None) -> list[Took]:
    """Of each task of these runs, or of these tasks, that has ended: of a mapped one from its first start to its
    last end."""
    at = task_instance.c
    query = (
        sa.select(
            at.run,
            at.task,
            sa.func.sum(sa.case((at.state == "failed", 1), else_=0)),
            sa.func.min(at.started),
            sa.func.max(at.ended),
        )
        .where(
            at.run.in_(list(runs)),
            at.state.in_(("success", "failed")),
            at.started.is_not(None),
            at.ended.is_not(None),
        )
        .group_by(at.run, at.task)
    )
    if tasks is not None:
        query = query.where(at.task.in_(list(tasks)))
    return [
        Took(name, task, int(failed), float(began), float(over))
        for name, task, failed, began, over in db.execute(query)
    ]


def instances(db: sa.Connection, name: str, limit: int) -> Rows:
    """Of a run, without items and outputs."""
    columns = [
        task_instance.c[each]
        for each in (
            "id", "task", "map_index", "state", "attempts", "ready", "retry_at", "started", "ended", "reason",
        )
    ]  # fmt: skip
    query = (
        sa.select(*columns, deferral.c.since)
        .outerjoin(deferral, deferral.c.instance == task_instance.c.id)
        .where(task_instance.c.run == name)
        .order_by(task_instance.c.id)
        .limit(limit)
    )
    return list(db.execute(query).mappings())


def tries(db: sa.Connection, name: str, limit: int) -> Rows:
    """The attempts of a run that have begun, with task and index, in the order in which they began."""
    query = (
        sa.select(
            task_instance.c.task,
            task_instance.c.map_index,
            attempt.c.number,
            attempt.c.state,
            attempt.c.started,
            attempt.c.ended,
        )
        .join(task_instance, task_instance.c.id == attempt.c.instance)
        .where(task_instance.c.run == name, attempt.c.started.is_not(None))
        .order_by(attempt.c.started, attempt.c.id)
        .limit(limit)
    )
    return list(db.execute(query).mappings())


def one_task(db: sa.Connection, name: str, task: str, limit: int = 1) -> Rows:
    """The instances of a task in a run, with the log of the newest attempt: what needs a person first."""
    order = sa.case((task_instance.c.state == "failed", 0), (task_instance.c.state == "running", 1), else_=2)
    query = (
        sa.select(task_instance, attempt.c.log)
        .outerjoin(attempt, attempt.c.id == task_instance.c.attempt)
        .where(task_instance.c.run == name, task_instance.c.task == task)
        .order_by(order, task_instance.c.map_index)
        .limit(limit)
    )
    return list(db.execute(query).mappings())


class Slot(NamedTuple):
    """The runs of one state whose logical date begins with a text: an hour or a minute, in UTC."""

    at: str
    state: str
    number: int
    took: float | None
    """The mean seconds of those that are over."""


def slots(db: sa.Connection, name: str, since: str, until: str, *, minutes: bool) -> list[Slot]:
    """A pipeline's runs from one logical date up to, not including, another; by the hour, or by the minute."""
    # Written out: a server does not see that two parameters are the same number.
    length: sa.ColumnClause[int] = sa.literal_column("16" if minutes else "13")
    at = sa.func.substr(run.c.logical_date, sa.literal_column("1"), length).label("at")
    query = (
        sa.select(at, run.c.state, sa.func.count(), sa.func.avg(run.c.ended - run.c.started))
        .where(run.c.pipeline == name, run.c.logical_date >= since, run.c.logical_date < until)
        .group_by(at, run.c.state)
    )
    return [Slot(when, state, int(number), took) for when, state, number, took in db.execute(query)]


def runs_between(db: sa.Connection, name: str, since: str, until: str, limit: int) -> Rows:
    """A pipeline's runs from one logical date up to, not including, another, the oldest first."""
    query = (
        sa.select(run)
        .where(run.c.pipeline == name, run.c.logical_date >= since, run.c.logical_date < until)
        .order_by(run.c.logical_date, run.c.created)
        .limit(limit)
    )
    return list(db.execute(query).mappings())


def first_date(db: sa.Connection, name: str) -> str | None:
    """The logical date of a pipeline's first run."""
    query = sa.select(sa.func.min(run.c.logical_date)).where(run.c.pipeline == name)
    return db.execute(query).scalar_one_or_none()

"""What holds a task up, as rows tell it: reads for `why`."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from yamldag.store.lives import SCHEDULERS
from yamldag.store.tables import (
    backfill,
    pipeline,
    pool,
    pool_claim,
    request,
    run,
    runner,
    task_instance,
)

Rows = list[sa.RowMapping]
_runs = run


def the_pipeline(db: sa.Connection, name: str) -> sa.RowMapping | None:
    return db.execute(sa.select(pipeline).where(pipeline.c.id == name)).mappings().one_or_none()


def life(db: sa.Connection, owner: int) -> sa.RowMapping | None:
    return db.execute(sa.select(runner).where(runner.c.id == owner)).mappings().one_or_none()


def schedulers(db: sa.Connection) -> Rows:
    """Those that have not ended as far as is recorded."""
    query = sa.select(runner).where(runner.c.kind.in_(SCHEDULERS), runner.c.ended.is_(None))
    return list(db.execute(query.order_by(runner.c.seen.desc())).mappings())


def running(db: sa.Connection, owner: int) -> int:
    """Attempts of the runs that a life moves."""
    query = (
        sa.select(sa.func.count())
        .select_from(task_instance.join(run, run.c.id == task_instance.c.run))
        .where(run.c.owner == owner, run.c.state == "running", task_instance.c.state == "running")
    )
    return int(db.execute(query).scalar_one())


def active_runs(db: sa.Connection, row: sa.RowMapping) -> list[str]:
    """The running runs that a run shares a bound with: of its backfill, or of its pipeline without backfills."""
    return [
        found.id for found in db.execute(_beside(row).where(run.c.state == "running").order_by(run.c.started))
    ]


def ahead(db: sa.Connection, row: sa.RowMapping) -> int:
    """Runs that wait for the same room and go first."""
    older = sa.or_(
        run.c.logical_date < row["logical_date"],
        sa.and_(run.c.logical_date == row["logical_date"], run.c.id < row["id"]),
    )
    return len(db.execute(_beside(row).where(run.c.state == "queued", older)).all())


def _beside(row: sa.RowMapping) -> sa.Select[tuple[str]]:
    query = sa.select(run.c.id).where(run.c.id != row["id"])
    if row["backfill"] is not None:
        return query.where(run.c.backfill == row["backfill"])
    return query.where(run.c.pipeline == row["pipeline"], run.c.backfill.is_(None))


def the_backfill(db: sa.Connection, name: str) -> sa.RowMapping | None:
    return db.execute(sa.select(backfill).where(backfill.c.id == name)).mappings().one_or_none()


def pool_slots(db: sa.Connection, name: str) -> int | None:
    return db.execute(sa.select(pool.c.slots).where(pool.c.name == name)).scalar_one_or_none()


def claims(db: sa.Connection, name: str) -> Rows:
    """Those that hold slots of a pool, then those that wait, the first first."""
    query = (
        sa.select(pool_claim, task_instance.c.task, task_instance.c.map_index)
        .join(task_instance, task_instance.c.id == pool_claim.c.instance)
        .where(pool_claim.c.pool == name)
        .order_by(
            pool_claim.c.granted.desc(),
            pool_claim.c.precedence,
            pool_claim.c.ready,
            pool_claim.c.instance,
        )
    )
    return list(db.execute(query).mappings())


def run_before(db: sa.Connection, row: sa.RowMapping, types: Iterable[str]) -> sa.RowMapping | None:
    """The run of these types with the next lower logical date."""
    query = (
        sa.select(run)
        .where(
            run.c.pipeline == row["pipeline"],
            run.c.logical_date < row["logical_date"],
            run.c.type.in_(list(types)),
        )
        .order_by(run.c.logical_date.desc(), run.c.created.desc())
        .limit(1)
    )
    return db.execute(query).mappings().one_or_none()


def begins_backfill(db: sa.Connection, row: sa.RowMapping) -> bool:
    """Whether a run is the first one of its backfill."""
    earlier = sa.select(run.c.id).where(
        run.c.backfill == row["backfill"], run.c.logical_date < row["logical_date"]
    )
    return row["backfill"] is not None and db.execute(earlier.limit(1)).first() is None


def asked(db: sa.Connection, *, run: str | None = None, pipeline: str | None = None) -> Rows:
    """What is asked of a run, or of runs of a pipeline, and not answered yet, the oldest first: run, kind, detail."""
    query = sa.select(request.c.run, request.c.kind, request.c.detail).where(request.c.done.is_(None))
    if run is not None:
        query = query.where(request.c.run == run)
    if pipeline is not None:
        query = query.join(_runs, _runs.c.id == request.c.run).where(_runs.c.pipeline == pipeline)
    return list(db.execute(query.order_by(request.c.id)).mappings())


def instances_of(db: sa.Connection, name: str, task: str) -> Rows:
    query = sa.select(task_instance).where(task_instance.c.run == name, task_instance.c.task == task)
    return list(db.execute(query.order_by(task_instance.c.map_index)).mappings())

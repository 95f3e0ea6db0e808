"""What holds a task up, as rows tell it: reads for `why`."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from yamldag.store.lives import SCHEDULERS
from yamldag.store.tables import (
    backfill,
    pipeline,
    pipeline_version,
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
    """With `running`, as `schedulers` has it."""
    return db.execute(sa.select(runner, _RUNNING).where(runner.c.id == owner)).mappings().one_or_none()


def schedulers(db: sa.Connection) -> Rows:
    """Those that have not ended as far as is recorded, each with `running`: how many attempts it runs."""
    query = sa.select(runner, _RUNNING).where(runner.c.kind.in_(SCHEDULERS), runner.c.ended.is_(None))
    return list(db.execute(query.order_by(runner.c.seen.desc())).mappings())


_RUNNING = (
    sa.select(sa.func.count())
    .select_from(task_instance.join(run, run.c.id == task_instance.c.run))
    .where(run.c.owner == runner.c.id, run.c.state == "running", task_instance.c.state == "running")
    .correlate(runner)
    .scalar_subquery()
    .label("running")
)


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


def claims(db: sa.Connection, name: str) -> tuple[int | None, Rows]:
    """The slots of a pool (None: there is none of that name), and who claims them: those that hold some, then those
    that wait, the first first."""
    query = (
        sa.select(pool.c.slots.label("all"), pool_claim, task_instance.c.task, task_instance.c.map_index)
        .select_from(
            pool.outerjoin(pool_claim, pool_claim.c.pool == pool.c.name).outerjoin(
                task_instance, task_instance.c.id == pool_claim.c.instance
            )
        )
        .where(pool.c.name == name)
        .order_by(
            pool_claim.c.granted.desc(),
            pool_claim.c.precedence,
            pool_claim.c.ready,
            pool_claim.c.instance,
        )
    )
    rows = list(db.execute(query).mappings())
    return (rows[0]["all"] if rows else None), [row for row in rows if row["instance"] is not None]


def all_claims(db: sa.Connection, most: int) -> Rows:
    """Of all pools who claims their slots: those that hold some, then those that wait, the first first."""
    columns = (pool_claim.c.pool, pool_claim.c.granted, pool_claim.c.run, run.c.pipeline)
    order = (pool_claim.c.granted.desc(), pool_claim.c.precedence, pool_claim.c.ready, pool_claim.c.instance)
    query = (
        sa.select(*columns, task_instance.c.task, task_instance.c.map_index, task_instance.c.item)
        .join(task_instance, task_instance.c.id == pool_claim.c.instance)
        .join(run, run.c.id == pool_claim.c.run)
        .order_by(*order)
        .limit(most)
    )
    return list(db.execute(query).mappings())


def past(db: sa.Connection, row: sa.RowMapping, types: Iterable[str], task: str) -> Rows:
    """The run of these types with the next lower logical date, with its instances of a task: a row for each (`state`
    and `reason` are None if it has none), or none."""
    before = (
        sa.select(run.c.id, run.c.state)
        .where(
            run.c.pipeline == row["pipeline"],
            run.c.logical_date < row["logical_date"],
            run.c.type.in_(list(types)),
        )
        .order_by(run.c.logical_date.desc(), run.c.created.desc())
        .limit(1)
        .subquery()
    )
    of = sa.and_(task_instance.c.run == before.c.id, task_instance.c.task == task)
    query = sa.select(
        before.c.id, before.c.state.label("run_state"), task_instance.c.state, task_instance.c.reason
    ).select_from(before.outerjoin(task_instance, of))
    return list(db.execute(query).mappings())


def has_tasks(db: sa.Connection, name: str) -> bool:
    """Whether a run has begun, so that each task of it has a row."""
    return (
        db.execute(sa.select(task_instance.c.id).where(task_instance.c.run == name).limit(1)).first()
        is not None
    )


def begins_backfill(db: sa.Connection, row: sa.RowMapping) -> bool:
    """Whether a run is the first one of its backfill."""
    earlier = sa.select(run.c.id).where(
        run.c.backfill == row["backfill"], run.c.logical_date < row["logical_date"]
    )
    return row["backfill"] is not None and db.execute(earlier.limit(1)).first() is None


def asked(db: sa.Connection, *, run: str | None = None, pipeline: str | None = None) -> Rows:
    """What is asked of a run, or of runs of a pipeline, and not answered yet, the oldest first: run, kind, detail, and
    the hash and number of the `version` that the run is to go on by, if it is not its own."""
    version, other = pipeline_version, pipeline_version.alias()
    not_later = sa.or_(
        other.c.created < version.c.created,
        sa.and_(other.c.created == version.c.created, other.c.hash <= version.c.hash),
    )
    number = (
        sa.select(sa.func.count())
        .where(other.c.pipeline == version.c.pipeline, not_later)
        .correlate(version)
        .scalar_subquery()
    )
    named = sa.and_(version.c.pipeline == _runs.c.pipeline, request.c.detail.contains(version.c.hash))
    query = (
        sa.select(
            request.c.run,
            request.c.kind,
            request.c.detail,
            version.c.hash.label("version"),
            sa.case((version.c.hash.is_not(None), number)).label("number"),
        )
        .select_from(request.join(_runs, _runs.c.id == request.c.run).outerjoin(version, named))
        .where(request.c.done.is_(None))
        .order_by(request.c.id)
    )
    if run is not None:
        query = query.where(request.c.run == run)
    if pipeline is not None:
        query = query.where(_runs.c.pipeline == pipeline)
    return list(db.execute(query).mappings())

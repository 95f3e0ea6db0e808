"""All reads, each on a connection of SQLAlchemy's: `with reading(url) as db`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from yamldag.store import address
from yamldag.store.tables import (
    attempt,
    deferral,
    event,
    notification,
    output,
    pipeline,
    pipeline_version,
    run,
    runner,
    task_instance,
)


@contextmanager
def reading(url: str) -> Iterator[sa.Connection]:
    """A connection to read by, all from one snapshot."""
    with address.reading(url).connect() as connection:
        yield connection


def pipelines(db: sa.Connection) -> list[sa.RowMapping]:
    """Those that a run was ever made of, or that a scheduler has seen, with their newest run."""
    newest = (
        sa.select(run.c.id)
        .where(run.c.pipeline == pipeline.c.id)
        .order_by(run.c.created.desc(), run.c.id.desc())
        .limit(1)
        .correlate(pipeline)
        .scalar_subquery()
    )
    query = (
        sa.select(
            pipeline.c.id,
            pipeline.c.file,
            pipeline.c.paused,
            pipeline.c.removed,
            run.c.id.label("run"),
            run.c.state,
            run.c.created,
            run.c.logical_date,
        )
        .outerjoin(run, run.c.id == newest)
        .order_by(pipeline.c.id)
    )
    return list(db.execute(query).mappings())


def runs(
    db: sa.Connection,
    of: str | None = None,
    state: str | None = None,
    limit: int = 50,
    *,
    kind: str | None = None,
    since: float | None = None,
) -> list[sa.RowMapping]:
    """Those of a pipeline, in a state, of a type, recorded since a moment; the newest first."""
    query = sa.select(run).order_by(run.c.created.desc(), run.c.id.desc()).limit(limit)
    for column, value in ((run.c.pipeline, of), (run.c.state, state), (run.c.type, kind)):
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(run.c.created >= since)
    return list(db.execute(query).mappings())


def held(db: sa.Connection) -> dict[str, str]:
    """The pipelines whose own runs wait, and why."""
    query = sa.select(pipeline.c.id, pipeline.c.paused, pipeline.c.removed).where(
        sa.or_(pipeline.c.paused == 1, pipeline.c.removed.is_not(None))
    )
    gone, paused = "the file of its pipeline is gone", "its pipeline is paused"
    return {name: paused if is_paused else gone for name, is_paused, _ in db.execute(query)}


def removed(db: sa.Connection, name: str | None = None) -> list[tuple[str, str, float]]:
    """The pipelines whose files are gone, or that one if its file is: each with its file and since when."""
    query = sa.select(pipeline.c.id, pipeline.c.file, pipeline.c.removed).where(
        pipeline.c.removed.is_not(None)
    )
    if name is not None:
        query = query.where(pipeline.c.id == name)
    return [(row.id, row.file, row.removed) for row in db.execute(query.order_by(pipeline.c.id))]


def runs_beginning(db: sa.Connection, text: str, most: int) -> list[sa.RowMapping]:
    """The runs whose ids begin so, the newest first."""
    query = sa.select(run).where(run.c.id.startswith(text, autoescape=True))
    return list(db.execute(query.order_by(run.c.created.desc(), run.c.id.desc()).limit(most)).mappings())


def one_run(db: sa.Connection, run_id: str) -> sa.RowMapping | None:
    return db.execute(sa.select(run).where(run.c.id == run_id)).mappings().one_or_none()


def called(db: sa.Connection, instance: int, since: float) -> list[sa.RowMapping]:
    """The runs that this task instance has made since then, the newest first."""
    query = sa.select(run).where(run.c.created >= since, run.c.caller == instance)
    return list(db.execute(query.order_by(run.c.created.desc(), run.c.id.desc())).mappings())


def calling(db: sa.Connection, instance: int) -> sa.RowMapping | None:
    """Where that task instance is: its run, its task, its index, its pipeline."""
    where = task_instance.c
    columns = (where.run, where.task, where.map_index, where.item, run.c.pipeline)
    query = (
        sa.select(*columns).join(run, run.c.id == task_instance.c.run).where(task_instance.c.id == instance)
    )
    return db.execute(query).mappings().one_or_none()


def planned_run(db: sa.Connection, run_id: str) -> sa.RowMapping | None:
    """One run with the JSON of its `plan`; of one that waits, and so has no version yet, the pipeline's newest."""
    version = sa.func.coalesce(run.c.version, pipeline.c.version)
    query = (
        sa.select(run, pipeline_version.c.plan)
        .join(pipeline, pipeline.c.id == run.c.pipeline)
        .join(pipeline_version, pipeline_version.c.hash == version)
        .where(run.c.id == run_id)
    )
    return db.execute(query).mappings().one_or_none()


def under_way(db: sa.Connection) -> list[sa.RowMapping]:
    """The running runs, the oldest first, each with its owner's `executor`."""
    query = (
        sa.select(run, runner.c.executor)
        .join(runner, runner.c.id == run.c.owner)
        .where(run.c.state == "running")
        .order_by(run.c.started, run.c.id)
    )
    return list(db.execute(query).mappings())


def running_attempts(db: sa.Connection) -> dict[int, str]:
    """Every attempt that is running as far as is recorded, with the executor that it was given to."""
    query = (
        sa.select(attempt.c.id, runner.c.executor)
        .join(runner, runner.c.id == attempt.c.runner)
        .where(attempt.c.state == "running")
    )
    return {row.id: row.executor for row in db.execute(query)}


def newest_run(db: sa.Connection, of: str) -> str | None:
    """The id of a pipeline's newest run."""
    query = (
        sa.select(run.c.id)
        .where(run.c.pipeline == of)
        .order_by(run.c.created.desc(), run.c.id.desc())
        .limit(1)
    )
    return db.execute(query).scalar_one_or_none()


def plan(db: sa.Connection, version: str) -> str | None:
    """The JSON of a stored plan."""
    query = sa.select(pipeline_version.c.plan).where(pipeline_version.c.hash == version)
    return db.execute(query).scalar_one_or_none()


def instances(db: sa.Connection, run_id: str) -> list[sa.Row[Any]]:
    """Every instance of a run with its output's JSON, in the order of `engine.rebuild.StoredInstance`."""
    columns = [column for column in task_instance.c if column.name != "run"]
    query = (
        sa.select(*columns, output.c.value.label("output"))
        .outerjoin(output, output.c.instance == task_instance.c.id)
        .where(task_instance.c.run == run_id)
        .order_by(task_instance.c.id)
    )
    return list(db.execute(query))


def deferrals(db: sa.Connection, run_id: str) -> list[tuple[int, str, float, float | None]]:
    """(instance, spec, since, until) of what the run's deferred instances wait for."""
    query = (
        sa.select(deferral.c.instance, deferral.c.spec, deferral.c.since, deferral.c.until)
        .join(task_instance, task_instance.c.id == deferral.c.instance)
        .where(task_instance.c.run == run_id)
    )
    return [(row.instance, row.spec, row.since, row.until) for row in db.execute(query)]


def attempts(db: sa.Connection, run_id: str, task: str, map_index: int | None = None) -> list[sa.RowMapping]:
    """A task's attempts with the instance's `map_index`, by instance, the first attempt first."""
    query = (
        sa.select(attempt, task_instance.c.map_index)
        .join(task_instance, task_instance.c.id == attempt.c.instance)
        .where(task_instance.c.run == run_id, task_instance.c.task == task)
        .order_by(task_instance.c.map_index, attempt.c.number)
    )
    if map_index is not None:
        query = query.where(task_instance.c.map_index == map_index)
    return list(db.execute(query).mappings())


def events(db: sa.Connection, run_id: str) -> list[sa.RowMapping]:
    """The run's event log, the oldest first."""
    query = sa.select(event).where(event.c.run == run_id).order_by(event.c.id)
    return list(db.execute(query).mappings())


def is_late(db: sa.Connection, run_id: str) -> bool:
    """Whether it is recorded that a run's deadline has passed."""
    query = sa.select(event.c.id).where(event.c.run == run_id, event.c.event == "deadline").limit(1)
    return db.execute(query).first() is not None


def notifications(db: sa.Connection, run_id: str) -> list[sa.RowMapping]:
    """What somebody was to be told of a run, in the order in which it happened, with the task that it is of."""
    query = (
        sa.select(notification, task_instance.c.task, task_instance.c.map_index, attempt.c.number)
        .outerjoin(task_instance, task_instance.c.id == notification.c.instance)
        .outerjoin(attempt, attempt.c.id == notification.c.attempt)
        .where(notification.c.run == run_id)
        .order_by(notification.c.created, notification.c.id)
    )
    return list(db.execute(query).mappings())


Found = dict[str, list[tuple[int, str | None]]]


def newest_outputs(
    db: sa.Connection, of: str, tasks: Iterable[str]
) -> dict[str, list[tuple[int, str | None]]]:
    """Of each task, the outputs of its newest success: (map index, JSON or None for no output), by map index."""
    return {task: found for task in tasks if (found := _newest_output(db, of, task))}


def _newest_output(db: sa.Connection, of: str, task: str) -> list[tuple[int, str | None]]:
    other = task_instance.alias()
    bad = sa.exists().where(other.c.run == run.c.id, other.c.task == task, other.c.state != "success")
    query = (
        sa.select(run.c.id)
        .join(task_instance, task_instance.c.run == run.c.id)
        .where(run.c.pipeline == of, task_instance.c.task == task, task_instance.c.state == "success", ~bad)
        .order_by(task_instance.c.ended.desc())
        .limit(1)
    )
    found = db.execute(query).scalar_one_or_none()
    if found is None:
        return []
    values = (
        sa.select(task_instance.c.map_index, output.c.value)
        .outerjoin(output, output.c.instance == task_instance.c.id)
        .where(task_instance.c.run == found, task_instance.c.task == task)
        .order_by(task_instance.c.map_index)
    )
    return [(row.map_index, row.value) for row in db.execute(values)]

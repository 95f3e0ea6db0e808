"""The event log as it grows: what those who watch are told."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from yamldag.store.tables import event, run, task_instance


class Change(NamedTuple):
    """Something that has happened to a run or to an instance of one of its tasks."""

    id: int
    """It grows, but on a server a row may come to be seen after one with a higher id."""
    run: str
    pipeline: str
    task: str | None
    """None: it is the run's own."""
    map_index: int | None
    """-1: not mapped."""
    event: str
    state: str
    at: float


def newest(db: sa.Connection) -> int:
    """The id of the newest event, 0 if there is none."""
    return db.execute(sa.select(sa.func.max(event.c.id))).scalar() or 0


def after(
    db: sa.Connection, position: int, limit: int, of_run: str | None = None, of_pipeline: str | None = None
) -> list[Change]:
    """What has happened since, the oldest first."""
    query = (
        sa.select(
            event.c.id,
            event.c.run,
            run.c.pipeline,
            task_instance.c.task,
            task_instance.c.map_index,
            event.c.event,
            event.c.state,
            event.c.at,
        )
        .join(run, run.c.id == event.c.run)
        .outerjoin(task_instance, task_instance.c.id == event.c.instance)
        .where(event.c.id > position)
        .order_by(event.c.id)
        .limit(limit)
    )
    if of_run is not None:
        query = query.where(event.c.run == of_run)
    if of_pipeline is not None:
        query = query.where(run.c.pipeline == of_pipeline)
    return [Change(*row) for row in db.execute(query)]

"""Numbers for /metrics: each one query, whatever has run."""

from __future__ import annotations

import sqlalchemy as sa

from yamldag.plan.state import FINAL
from yamldag.store.tables import pipeline, run, task_instance


def runs_by_state(db: sa.Connection) -> list[tuple[str, str, int]]:
    """(pipeline, state, how many) of all runs that are recorded."""
    query = sa.select(run.c.pipeline, run.c.state, sa.func.count()).group_by(run.c.pipeline, run.c.state)
    return [(name, state, int(count)) for name, state, count in db.execute(query)]


def open_tasks_by_state(db: sa.Connection) -> dict[str, int]:
    """How many instances of runs that go on are in each state that is not final."""
    query = (
        sa.select(task_instance.c.state, sa.func.count())
        .join(run, run.c.id == task_instance.c.run)
        .where(run.c.state.in_(("running", "queued")), task_instance.c.state.not_in(sorted(FINAL)))
        .group_by(task_instance.c.state)
    )
    return {state: int(count) for state, count in db.execute(query)}


def oldest_ready(db: sa.Connection) -> float | None:
    """Since when the instance waits that has been ready for longest; None: none does."""
    query = (
        sa.select(sa.func.min(task_instance.c.ready))
        .join(run, run.c.id == task_instance.c.run)
        .where(run.c.state == "running", task_instance.c.state == "queued")
    )
    return db.execute(query).scalar_one_or_none()


def paused_pipelines(db: sa.Connection) -> int:
    query = sa.select(sa.func.count()).select_from(pipeline).where(pipeline.c.paused == 1)
    return int(db.execute(query).scalar_one())

"""How long things usually take: reads for forecasts."""

from __future__ import annotations

from statistics import median

import sqlalchemy as sa

from yamldag.store.tables import attempt, event, run, task_instance

_RUNS = 20
"""Runs that a forecast looks back on."""


def usual_run(db: sa.Connection, pipeline: str) -> float | None:
    """Seconds that its newest successful runs took, half of them less. None: there is none."""
    query = (
        sa.select(run.c.started, run.c.ended)
        .where(run.c.pipeline == pipeline, run.c.state == "success", run.c.started.is_not(None))
        .order_by(run.c.logical_date.desc())
        .limit(_RUNS)
    )
    took = [row.ended - row.started for row in db.execute(query)]
    return median(took) if took else None


def usual_task(db: sa.Connection, pipeline: str, task: str) -> float | None:
    """The same of a task, of a mapped one by instance."""
    query = (
        sa.select(task_instance.c.started, task_instance.c.ended)
        .join(run, run.c.id == task_instance.c.run)
        .where(
            run.c.pipeline == pipeline,
            task_instance.c.task == task,
            task_instance.c.state == "success",
            task_instance.c.started.is_not(None),
        )
        .order_by(run.c.logical_date.desc())
        .limit(_RUNS)
    )
    took = [row.ended - row.started for row in db.execute(query)]
    return median(took) if took else None


def state_counts(db: sa.Connection, name: str) -> dict[str, dict[str, int]]:
    """Of each task of a run, how many of its instances are in which state."""
    query = (
        sa.select(task_instance.c.task, task_instance.c.state, sa.func.count())
        .where(task_instance.c.run == name)
        .group_by(task_instance.c.task, task_instance.c.state)
    )
    found: dict[str, dict[str, int]] = {}
    for task, state, number in db.execute(query):
        found.setdefault(task, {})[state] = int(number)
    return found


def events_of(db: sa.Connection, name: str, instance: int, limit: int) -> list[sa.RowMapping]:
    """What has happened to an instance, the newest first."""
    query = (
        sa.select(event, attempt.c.number)
        .outerjoin(attempt, attempt.c.id == event.c.attempt)
        .where(event.c.run == name, event.c.instance == instance)
        .order_by(event.c.id.desc())
        .limit(limit)
    )
    return list(db.execute(query).mappings())

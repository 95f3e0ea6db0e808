"""Reads for the API: lists that go on behind a place, one query each."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from yamldag.store.tables import asset_update, attempt, backfill, event, output, run, task_instance

Rows = list[sa.RowMapping]


def events(db: sa.Connection, run_id: str, after: int, limit: int) -> Rows:
    """A run's event log behind that id, the oldest first, with the tasks that it is of."""
    query = (
        sa.select(event, task_instance.c.task, task_instance.c.map_index, attempt.c.number)
        .outerjoin(task_instance, task_instance.c.id == event.c.instance)
        .outerjoin(attempt, attempt.c.id == event.c.attempt)
        .where(event.c.run == run_id, event.c.id > after)
        .order_by(event.c.id)
        .limit(limit)
    )
    return list(db.execute(query).mappings())


def outputs(
    db: sa.Connection, run_id: str, after: int, limit: int, task: str | None = None, index: int | None = None
) -> Rows:
    """(instance, task, map_index, value) of a run's outputs behind that instance; those of a task, of one instance."""
    query = (
        sa.select(output.c.instance, task_instance.c.task, task_instance.c.map_index, output.c.value)
        .join(task_instance, task_instance.c.id == output.c.instance)
        .where(task_instance.c.run == run_id, output.c.instance > after)
        .order_by(output.c.instance)
        .limit(limit)
    )
    if task is not None:
        query = query.where(task_instance.c.task == task)
    if index is not None:
        query = query.where(task_instance.c.map_index == index)
    return list(db.execute(query).mappings())


def backfills(
    db: sa.Connection, place: tuple[float, str] | None, limit: int, pipeline: str | None = None
) -> Rows:
    """The newest first, behind the one of that moment and id."""
    made = backfill.c.created
    query = sa.select(backfill).order_by(made.desc(), backfill.c.id.desc()).limit(limit)
    if place is not None:
        query = query.where(sa.or_(made < place[0], sa.and_(made == place[0], backfill.c.id < place[1])))
    if pipeline is not None:
        query = query.where(backfill.c.pipeline == pipeline)
    return list(db.execute(query).mappings())


def one_backfill(db: sa.Connection, name: str) -> sa.RowMapping | None:
    return db.execute(sa.select(backfill).where(backfill.c.id == name)).mappings().one_or_none()


def backfill_states(db: sa.Connection, name: str) -> dict[str, int]:
    """How many of its runs are in each state."""
    query = sa.select(run.c.state, sa.func.count()).where(run.c.backfill == name).group_by(run.c.state)
    return {state: int(count) for state, count in db.execute(query)}


def states_of_backfills(db: sa.Connection, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Of each, how many of its runs are in each state."""
    query = sa.select(run.c.backfill, run.c.state, sa.func.count()).where(run.c.backfill.in_(names))
    found: dict[str, dict[str, int]] = {}
    for name, state, count in db.execute(query.group_by(run.c.backfill, run.c.state)):
        found.setdefault(name, {})[state] = int(count)
    return found


def newest_updates(db: sa.Connection) -> dict[str, sa.RowMapping]:
    """Of each asset its newest update."""
    newest = sa.select(sa.func.max(asset_update.c.id)).group_by(asset_update.c.asset)
    query = sa.select(asset_update).where(asset_update.c.id.in_(newest))
    return {row["asset"]: row for row in db.execute(query).mappings()}

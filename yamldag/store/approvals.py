"""What waits for a person's answer: reads for those who list it, and the write by which it is answered once."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from yamldag.store.database import Database
from yamldag.store.tables import attempt, deferral, run, task_instance

_BEGINS = '{"what": "approval",%'
"""How the specs of those begin that wait for a person: `engine.memory.deferral` writes what is waited for first."""


class Waiting(NamedTuple):
    """An attempt that waits for a person. `spec`, `since` and `until` are its row of `deferral`."""

    run: str
    pipeline: str
    task: str
    map_index: int
    item: str | None
    number: int
    instance: int
    attempt: int
    spec: str
    since: float
    until: float | None


def waiting(db: sa.Connection, name: str | None = None) -> list[Waiting]:
    """All that wait for a person, or those of one run, the first asked first. Some may be answered already."""
    where = task_instance.c
    query = (
        sa.select(
            *(run.c.id, run.c.pipeline, where.task, where.map_index, where.item, attempt.c.number),
            *(deferral.c.instance, deferral.c.attempt, deferral.c.spec, deferral.c.since, deferral.c.until),
        )
        .select_from(deferral)
        .join(task_instance, where.id == deferral.c.instance)
        .join(attempt, attempt.c.id == deferral.c.attempt)
        .join(run, run.c.id == where.run)
        .where(deferral.c.spec.like(_BEGINS), run.c.state == "running")
        .order_by(deferral.c.since, deferral.c.instance)
    )
    if name is not None:
        query = query.where(run.c.id == name)
    return [Waiting._make(row) for row in db.execute(query)]


def asked() -> sa.ScalarSelect[int]:
    """As a column beside a run: how many of its tasks wait for a person."""
    return (
        sa.select(sa.func.count())
        .select_from(task_instance.join(deferral, deferral.c.instance == task_instance.c.id))
        .where(task_instance.c.run == run.c.id, deferral.c.spec.like(_BEGINS))
        .correlate(run)
        .scalar_subquery()
    )


def spec(database: Database, instance: int, attempt: int) -> str | None:
    """What an attempt waits for, as it is stored; None: it waits no longer."""
    row = database.execute(
        "SELECT spec FROM deferral WHERE instance = ? AND attempt = ?", (instance, attempt)
    ).fetchone()
    return None if row is None else str(row[0])


def settle(database: Database, instance: int, attempt: int, before: str, after: str) -> bool:
    """Answer what an attempt waits for, if it is still as it was `before`. The caller owns the transaction."""
    cursor = database.execute(
        "UPDATE deferral SET spec = ? WHERE instance = ? AND attempt = ? AND spec = ?",
        (after, instance, attempt, before),
    )
    return cursor.rowcount == 1


def given(database: Database, request: int) -> tuple[str, float] | None:
    """An answer as it was asked for, and when."""
    row = database.execute("SELECT detail, created FROM request WHERE id = ?", (request,)).fetchone()
    return None if row is None else (str(row[0]), float(row[1]))

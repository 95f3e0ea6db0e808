"""What a scheduler reads when it starts, and writes when a tick comes. The caller owns the transactions."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from yamldag.plan.state import Event, RunState
from yamldag.store.database import Database
from yamldag.store.moves import create_run
from yamldag.store.rows import NewRun
from yamldag.store.statements import EVENT


class StoredPosition(NamedTuple):
    decided_until: str
    rule: str


class QueuedRun(NamedTuple):
    """A run that waits for room. Dates are stored texts, `params` is JSON."""

    id: str
    pipeline: str
    type: str
    logical_date: str
    data_interval_start: str
    data_interval_end: str
    params: str
    created: float
    version: str | None = None
    """Its plan, if it was begun before and is to be begun again."""
    backfill: str | None = None


def positions(database: Database) -> dict[str, StoredPosition]:
    rows = database.execute("SELECT pipeline, decided_until, schedule FROM schedule_position")
    return {pipeline: StoredPosition(*rest) for pipeline, *rest in rows}


def set_position(database: Database, pipeline: str, position: StoredPosition, now: float) -> None:
    row = {
        "pipeline": pipeline,
        "decided_until": position.decided_until,
        "schedule": position.rule,
        "changed": now,
    }
    database.put("schedule_position", row, key=("pipeline",))


def queue_run(database: Database, row: QueuedRun) -> bool:
    """Record a run that waits for room. False if it is a tick's, and the tick has one."""
    tick = row.logical_date if row.type == "scheduled" else None
    new = NewRun(
        row.id, row.pipeline, None, row.type, "queued", *row[3:6],
        tick=tick, params=row.params, only_tasks=None, created=row.created, started=None, owner=None,
    )  # fmt: skip
    return create_run(database, new)


def queued_runs(database: Database) -> list[QueuedRun]:
    """The oldest logical date first; of a backfill no more than may be active at once."""
    columns = ", ".join(QueuedRun._fields)
    select = f"SELECT {columns} FROM run WHERE state = 'queued' AND"  # noqa: S608  (our own names)
    rows = list(database.execute(f"{select} backfill IS NULL ORDER BY logical_date, id"))
    for name, bound in bounds(database).items():
        rows += database.execute(f"{select} backfill = ? ORDER BY logical_date, id LIMIT ?", (name, bound))
    return [QueuedRun(*row) for row in rows]


def bounds(database: Database) -> dict[str, int]:
    """The backfills that have queued runs, and how many of each may be active at once."""
    rows = database.execute(
        "SELECT id, max_active FROM backfill WHERE EXISTS "
        "(SELECT 1 FROM run WHERE run.backfill = backfill.id AND run.state = 'queued')"
    )
    return dict(rows)


def under_way(database: Database) -> dict[str, str]:
    """The running runs, each with its pipeline."""
    return dict(database.execute("SELECT id, pipeline FROM run WHERE state = 'running'"))


def parts(database: Database) -> dict[str, str]:
    """The running runs that are part of a backfill, and of which."""
    rows = database.execute("SELECT id, backfill FROM run WHERE state = 'running' AND backfill IS NOT NULL")
    return dict(rows)


def paused(database: Database) -> frozenset[str]:
    """The pipelines that are."""
    return frozenset(name for (name,) in database.execute("SELECT id FROM pipeline WHERE paused = 1"))


def pause(database: Database, pipeline: str) -> bool:
    """False if it is paused already."""
    cursor = database.execute("UPDATE pipeline SET paused = 1 WHERE id = ? AND paused = 0", (pipeline,))
    return cursor.rowcount == 1


def unpause(database: Database, pipeline: str, skip_to: str | None, now: float) -> bool:
    """Let it go on, with the ticks up to `skip_to` left out. False if it is not paused."""
    cursor = database.execute("UPDATE pipeline SET paused = 0 WHERE id = ? AND paused = 1", (pipeline,))
    if cursor.rowcount != 1:
        return False
    if skip_to is not None:
        skip(database, pipeline, skip_to, now)
    return True


def skip(database: Database, pipeline: str, until: str, now: float) -> None:
    """Leave out its ticks up to that moment."""
    database.execute(
        "UPDATE schedule_position SET decided_until = ?, changed = ? WHERE pipeline = ? AND decided_until < ?",
        (until, now, pipeline, until),
    )


def refuse_run(database: Database, run: str, reason: str, now: float) -> bool:
    """A queued run that can't begin has failed. False if it is no longer queued."""
    cursor = database.execute(
        "UPDATE run SET state = 'failed', ended = ?, reason = ? WHERE id = ? AND state = 'queued'",
        (now, reason, run),
    )
    if cursor.rowcount != 1:
        return False
    database.execute(EVENT, (run, None, None, Event.FAIL.value, RunState.FAILED.value, now, reason))
    return True


def mark_removed(database: Database, there: Collection[str], gone: Collection[str], now: float) -> None:
    """Of these pipelines the files are there, or there no more."""
    for name in gone:
        database.execute("UPDATE pipeline SET removed = ? WHERE id = ? AND removed IS NULL", (now, name))
    for (name,) in list(database.execute("SELECT id FROM pipeline WHERE removed IS NOT NULL")):
        if name in there:
            database.execute("UPDATE pipeline SET removed = NULL WHERE id = ?", (name,))


def removed(database: Database) -> set[str]:
    """The pipelines whose files had gone when they were looked at last."""
    return {str(name) for (name,) in database.execute("SELECT id FROM pipeline WHERE removed IS NOT NULL")}


def files(database: Database) -> dict[str, str]:
    """The file of each pipeline that is not removed, as it is stored."""
    return dict(database.execute("SELECT id, file FROM pipeline WHERE removed IS NULL"))


def fix_params(database: Database, run: str, params: str) -> None:
    """The params that a run starts with."""
    database.execute("UPDATE run SET params = ? WHERE id = ?", (params, run))


def last_ends(database: Database) -> dict[str, float]:
    """When each pipeline's last scheduled run ended."""
    rows = database.execute(
        "SELECT pipeline, max(ended) FROM run "
        "WHERE type = 'scheduled' AND ended IS NOT NULL GROUP BY pipeline"
    )
    return dict(rows)


def known_plans(database: Database) -> list[tuple[str, str, str, str]]:
    """(pipeline, file, version, plan as JSON): the newest good one of each, of removed ones too."""
    rows = database.execute(
        "SELECT pipeline.id, file, version, plan FROM pipeline "
        "JOIN pipeline_version ON pipeline_version.hash = pipeline.version ORDER BY pipeline.id"
    )
    return list(rows)

"""What a scheduler reads when it starts, and writes when a tick comes. The caller owns the transactions."""

from __future__ import annotations

from typing import NamedTuple

from yamldag.store.database import Database
from yamldag.store.moves import create_run
from yamldag.store.rows import NewRun


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
    """The oldest logical date first."""
    columns = ", ".join(QueuedRun._fields)
    rows = database.execute(f"SELECT {columns} FROM run WHERE state = 'queued' ORDER BY logical_date, id")  # noqa: S608  (our own names)
    return [QueuedRun(*row) for row in rows]


def fix_params(database: Database, run: str, params: str) -> None:
    """The params that a run starts with."""
    database.execute("UPDATE run SET params = ? WHERE id = ?", (params, run))


def last_ends(database: Database) -> dict[str, float]:
    """When each pipeline's last scheduled run ended."""
    rows = database.execute(
        "SELECT pipeline, max(ended) FROM run "
        "WHERE type = 'scheduled' AND ended IS NOT NULL GROUP BY pipeline"
    )
    return dict(rows.fetchall())


def known_plans(database: Database) -> list[tuple[str, str, str, str]]:
    """(pipeline, file, version, plan as JSON): the newest good one of each."""
    rows = database.execute(
        "SELECT pipeline.id, file, version, plan FROM pipeline "
        "JOIN pipeline_version ON pipeline_version.hash = pipeline.version ORDER BY pipeline.id"
    )
    return list(rows)

"""The tables: what may exist. Checks and unique keys here are the last word, whatever the code above does.

Instants are Unix seconds. Logical dates and the like are UTC texts such as `2026-11-20T00:00:00.000000Z`:
they sort as they are and compare exactly. JSON is kept as text.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from yamldag.plan.state import AttemptState, Event, RunState, TaskState
from yamldag.store.names import RUN_TYPES

# A rowid alias on SQLite; 64 bits elsewhere.
_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_Name = sa.String(200)
_RunId = sa.String(120)
_TaskId = sa.String(500)
_Date = sa.String(27)
_Word = sa.String(20)
_Instant: sa.Double[float] = sa.Double()

metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "uq": "%(table_name)s_%(column_0_N_name)s_unique",
        "fk": "%(table_name)s_%(column_0_name)s_known",
        "ck": "%(table_name)s_%(constraint_name)s",
        "ix": "%(table_name)s_%(column_0_N_name)s",
    }
)


def _one_of(column: str, words: Iterable[str]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


pipeline = sa.Table(
    "pipeline",
    metadata,
    sa.Column("id", _Name, primary_key=True),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("version", sa.String(64), nullable=False, comment="the newest good one"),
    sa.Column("paused", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("first_seen", _Instant, nullable=False),
    sa.Column("changed", _Instant, nullable=False),
    sa.CheckConstraint("paused IN (0, 1)", name="paused_known"),
)

pipeline_version = sa.Table(
    "pipeline_version",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("pipeline", _Name, sa.ForeignKey("pipeline.id"), nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("created", _Instant, nullable=False),
)

schedule_position = sa.Table(
    "schedule_position",
    metadata,
    sa.Column("pipeline", _Name, sa.ForeignKey("pipeline.id"), primary_key=True),
    sa.Column("decided_until", _Date, nullable=False, comment="every tick up to here is run or dropped"),
    sa.Column("schedule", sa.Text, nullable=False, comment="the JSON of what it was decided by"),
    sa.Column("changed", _Instant, nullable=False),
)

runner = sa.Table(
    "runner",
    metadata,
    sa.Column("id", _Id, primary_key=True, comment="of one life of an engine; begins the ids that it gives"),
    sa.Column("kind", _Word, nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column(
        "executor", sa.String(64), nullable=False, comment="the id by which its executor is found again"
    ),
    sa.Column("started", _Instant, nullable=False),
    sa.Column("seen", _Instant, nullable=False),
    sa.Column("ended", _Instant),
)

run = sa.Table(
    "run",
    metadata,
    sa.Column("id", _RunId, primary_key=True),
    sa.Column("pipeline", _Name, sa.ForeignKey("pipeline.id"), nullable=False),
    sa.Column(
        "version", sa.String(64), sa.ForeignKey("pipeline_version.hash"), comment="fixed when it starts"
    ),
    sa.Column("type", _Word, nullable=False),
    sa.Column("state", _Word, nullable=False),
    sa.Column("logical_date", _Date, nullable=False),
    sa.Column("data_interval_start", _Date, nullable=False),
    sa.Column("data_interval_end", _Date, nullable=False),
    # The logical date again, of scheduled runs alone: nulls never collide, so no partial index is needed.
    sa.Column("tick", _Date),
    sa.Column("params", sa.Text, nullable=False),
    sa.Column("only", sa.Text, comment="JSON list of the tasks it was narrowed to"),
    sa.Column("created", _Instant, nullable=False),
    sa.Column("started", _Instant),
    sa.Column("ended", _Instant),
    sa.Column("reason", sa.Text),
    sa.Column("stop", _Word, comment="what it was asked to end by"),
    sa.Column("owner", _Id, sa.ForeignKey("runner.id"), comment="the engine that moves it"),
    sa.Column("lease_until", _Instant),
    sa.UniqueConstraint("pipeline", "tick"),
    sa.Index(None, "state", "logical_date"),
    sa.Index(None, "pipeline", "logical_date"),
    _one_of("type", RUN_TYPES),
    _one_of("state", RunState),
    sa.CheckConstraint("(tick IS NOT NULL) = (type = 'scheduled')", name="tick_of_scheduled"),
    sa.CheckConstraint("state = 'queued' OR version IS NOT NULL OR started IS NULL", name="plan_is_fixed"),
)

task_instance = sa.Table(
    "task_instance",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=False),
    sa.Column("run", _RunId, sa.ForeignKey("run.id"), nullable=False),
    sa.Column("task", _TaskId, nullable=False),
    sa.Column("map_index", sa.Integer, nullable=False, comment="-1: not mapped, or not expanded"),
    sa.Column("item", sa.Text, comment="JSON of the item it is for"),
    sa.Column("state", _Word, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, comment="begun, ever"),
    sa.Column(
        "tries", sa.Integer, nullable=False, comment="that count against the retries, since the last clear"
    ),
    sa.Column("attempt", _Id, comment="the newest"),
    sa.Column("ready", _Instant),
    sa.Column("retry_at", _Instant),
    sa.Column("started", _Instant),
    sa.Column("ended", _Instant),
    sa.Column("reason", sa.Text),
    sa.UniqueConstraint("run", "task", "map_index"),
    _one_of("state", TaskState),
    sa.CheckConstraint("map_index >= -1", name="map_index_sane"),
    sa.CheckConstraint(
        "state NOT IN ('queued', 'running') OR attempt IS NOT NULL", name="active_has_attempt"
    ),
    sa.CheckConstraint("state <> 'up_for_retry' OR retry_at IS NOT NULL", name="retry_has_time"),
)

attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=False),
    sa.Column("instance", _Id, sa.ForeignKey("task_instance.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("state", _Word, nullable=False),
    sa.Column("runner", _Id, sa.ForeignKey("runner.id"), nullable=False),
    sa.Column("started", _Instant),
    sa.Column("ended", _Instant),
    sa.Column("exit", sa.Integer),
    sa.Column("reason", _Word),
    sa.Column("message", sa.Text),
    sa.Column("log", sa.Text),
    sa.UniqueConstraint("instance", "number"),
    _one_of("state", AttemptState),
    sa.CheckConstraint("number >= 1", name="number_sane"),
    sa.CheckConstraint(
        "(ended IS NOT NULL) = (state IN ('success', 'failed', 'skipped'))", name="ended_has_time"
    ),
)

output = sa.Table(
    "output",
    metadata,
    sa.Column("instance", _Id, sa.ForeignKey("task_instance.id"), primary_key=True, autoincrement=False),
    sa.Column("value", sa.Text, nullable=False),
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("run", _RunId, sa.ForeignKey("run.id"), nullable=False),
    sa.Column("instance", _Id),
    sa.Column("attempt", _Id),
    sa.Column("event", _Word, nullable=False),
    sa.Column("state", _Word, nullable=False, comment="that it led to"),
    sa.Column("at", _Instant, nullable=False),
    sa.Column("detail", sa.Text),
    sa.Index(None, "run"),
    _one_of("event", Event),
)

"""The tables: what may exist. Checks and unique keys here are the last word, whatever the code above does.

Instants are Unix seconds. Logical dates and the like are UTC texts such as `2026-11-20T00:00:00.000000Z`:
they sort as they are and compare exactly. JSON is kept as text.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from yamldag.plan.state import AttemptState, Event, RunState, TaskState
from yamldag.store.columns import one_of
from yamldag.store.names import ROLES, RUN_TYPES, STORED

# A rowid alias on SQLite; 64 bits elsewhere.
_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _string(length: int) -> sa.String:
    """Compared and sorted sign by sign, whatever language the server speaks."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


_Name = _string(200)
_RunId = _string(120)
_TaskId = _string(500)
_Date = _string(27)
_Word = _string(20)
_Instant: sa.Double[float] = sa.Double()
# MySQL's own TEXT ends at 64 KiB.
_Text = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")

metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "uq": "%(table_name)s_%(column_0_N_name)s_unique",
        "fk": "%(table_name)s_%(column_0_name)s_known",
        "ck": "%(table_name)s_%(constraint_name)s",
        "ix": "%(table_name)s_%(column_0_N_name)s",
    }
)


def _table(name: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    """Names differ by every sign, upper and lower case too: elsewhere than on MySQL that is so anyway."""
    table = sa.Table(name, metadata, *parts)
    options = {"engine": "InnoDB", "charset": "utf8mb4", "collate": "utf8mb4_bin"}
    for dialect in ("mysql", "mariadb"):
        table.dialect_kwargs.update({f"{dialect}_{key}": value for key, value in options.items()})
    return table


def _one_of(column: str, words: Iterable[str]) -> sa.CheckConstraint:
    return sa.CheckConstraint(one_of(column, words), name=f"{column}_known")


pipeline = _table(
    "pipeline",
    sa.Column("id", _Name, primary_key=True),
    sa.Column("file", _Text, nullable=False),
    sa.Column("version", sa.String(64), nullable=False, comment="the newest good one"),
    sa.Column("paused", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("first_seen", _Instant, nullable=False),
    sa.Column("changed", _Instant, nullable=False),
    sa.Column("removed", _Instant, comment="when its file was seen to be gone"),
    sa.CheckConstraint("paused IN (0, 1)", name="paused_known"),
)

pipeline_version = _table(
    "pipeline_version",
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("pipeline", _Name, sa.ForeignKey("pipeline.id"), nullable=False),
    sa.Column("plan", _Text, nullable=False),
    sa.Column("created", _Instant, nullable=False),
)

schedule_position = _table(
    "schedule_position",
    sa.Column("pipeline", _Name, sa.ForeignKey("pipeline.id"), primary_key=True),
    sa.Column("decided_until", _Date, nullable=False, comment="every tick up to here is run or dropped"),
    sa.Column("schedule", _Text, nullable=False, comment="the JSON of what it was decided by"),
    sa.Column("changed", _Instant, nullable=False),
)

runner = _table(
    "runner",
    sa.Column("id", _Id, primary_key=True, comment="of one life of an engine; begins the ids that it gives"),
    sa.Column("kind", _Word, nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column(
        "boot", sa.String(100), comment="of the machine and its process ids: equal ones see each other"
    ),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column(
        "executor", sa.String(64), nullable=False, comment="the id by which its executor is found again"
    ),
    sa.Column("started", _Instant, nullable=False),
    sa.Column("seen", _Instant, nullable=False, comment="by the database's clock"),
    sa.Column(
        "step",
        sa.BigInteger,
        nullable=False,
        server_default="0",
        comment="transactions that it has committed",
    ),
    sa.Column("ended", _Instant, comment="from then on nothing is taken from it any more"),
    sa.Column("slots", sa.Integer, comment="attempts that it runs at once; 0: it takes no more runs"),
    sa.Index(None, "ended"),
)

leadership = _table(
    "leadership",
    sa.Column("name", _Word, primary_key=True),
    sa.Column("runner", _Id, sa.ForeignKey("runner.id"), nullable=False, comment="leads until it has ended"),
)

backfill = _table(
    "backfill",
    sa.Column("id", _RunId, primary_key=True),
    sa.Column("pipeline", _Name, sa.ForeignKey("pipeline.id"), nullable=False),
    sa.Column("first", _Date, nullable=False),
    sa.Column("last", _Date, nullable=False),
    sa.Column("reprocess", _Word, nullable=False),
    sa.Column("max_active", sa.Integer, nullable=False),
    sa.Column("params", _Text, nullable=False),
    sa.Column("created", _Instant, nullable=False),
    sa.Column("cancelled", _Instant),
    sa.CheckConstraint("max_active >= 1", name="max_active_sane"),
    sa.CheckConstraint("reprocess IN ('none', 'failed', 'completed')", name="reprocess_known"),
)

run = _table(
    "run",
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
    sa.Column("params", _Text, nullable=False),
    sa.Column("only_tasks", _Text, comment="JSON list of the tasks it was narrowed to"),
    sa.Column("created", _Instant, nullable=False),
    sa.Column("started", _Instant),
    sa.Column("ended", _Instant),
    sa.Column("reason", sa.Text),
    sa.Column("stop", _Word, comment="what it was asked to end by"),
    sa.Column("owner", _Id, sa.ForeignKey("runner.id"), comment="the engine that moves it"),
    sa.Column("backfill", _RunId, sa.ForeignKey("backfill.id")),
    sa.Column("caller", _Id, comment="the task instance that called it"),
    sa.Column("assets", _Text, comment="JSON list of the updates that started it"),
    sa.UniqueConstraint("pipeline", "tick"),
    sa.Index(None, "owner", "state"),
    sa.Index(None, "backfill"),
    sa.Index(None, "state", "logical_date"),
    sa.Index(None, "pipeline", "logical_date"),
    # For lists: the newest first, of all and of one pipeline.
    sa.Index(None, "created", "id"),
    sa.Index(None, "pipeline", "created"),
    _one_of("type", RUN_TYPES),
    _one_of("state", RunState),
    sa.CheckConstraint("(tick IS NOT NULL) = (type = 'scheduled')", name="tick_of_scheduled"),
    sa.CheckConstraint("state = 'queued' OR version IS NOT NULL OR started IS NULL", name="plan_is_fixed"),
)

task_instance = _table(
    "task_instance",
    sa.Column("id", _Id, primary_key=True, autoincrement=False),
    sa.Column("run", _RunId, sa.ForeignKey("run.id"), nullable=False),
    sa.Column("task", _TaskId, nullable=False),
    sa.Column("map_index", sa.Integer, nullable=False, comment="-1: not mapped, or not expanded"),
    sa.Column("item", _Text, comment="JSON of the item it is for"),
    sa.Column("state", _Word, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, comment="begun, ever"),
    sa.Column(
        "tries",
        sa.Integer,
        nullable=False,
        comment="that count against the retries, since the last clear",
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

attempt = _table(
    "attempt",
    sa.Column("id", _Id, primary_key=True, autoincrement=False),
    sa.Column("instance", _Id, sa.ForeignKey("task_instance.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("state", _Word, nullable=False),
    sa.Column("runner", _Id, sa.ForeignKey("runner.id"), nullable=False),
    sa.Column("started", _Instant),
    sa.Column("ended", _Instant),
    sa.Column("exit_code", sa.Integer),
    sa.Column("reason", _Word),
    sa.Column("message", sa.Text),
    sa.Column("log", sa.Text),
    sa.UniqueConstraint("instance", "number"),
    _one_of("state", AttemptState),
    sa.CheckConstraint("number >= 1", name="number_sane"),
    sa.CheckConstraint(
        "(ended IS NOT NULL) = (state = 'success' OR state = 'failed' OR state = 'skipped')",
        name="ended_has_time",
    ),
)

output = _table(
    "output",
    sa.Column("instance", _Id, sa.ForeignKey("task_instance.id"), primary_key=True, autoincrement=False),
    sa.Column("value", _Text, nullable=False),
)

event = _table(
    "event",
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

deferral = _table(
    "deferral",
    sa.Column("instance", _Id, sa.ForeignKey("task_instance.id"), primary_key=True, autoincrement=False),
    sa.Column("attempt", _Id, nullable=False),
    sa.Column("spec", _Text, nullable=False, comment="JSON of what it waits for, rendered"),
    sa.Column("since", _Instant, nullable=False),
    sa.Column("until", _Instant, comment="when its time is over"),
)

pool = _table(
    "pool",
    sa.Column("name", _Name, primary_key=True),
    sa.Column("slots", sa.Integer, nullable=False),
    sa.Column("source", _Word, nullable=False, comment="who declared it: the project's file, or a command"),
    sa.Column("description", _Text),
    sa.CheckConstraint("slots >= 0", name="slots_sane"),
    sa.CheckConstraint("source IN ('project', 'command')", name="source_known"),
)

pool_claim = _table(
    "pool_claim",
    sa.Column("instance", _Id, sa.ForeignKey("task_instance.id"), primary_key=True, autoincrement=False),
    sa.Column("run", _RunId, sa.ForeignKey("run.id"), nullable=False),
    sa.Column("pool", _Name, nullable=False),
    sa.Column("slots", sa.Integer, nullable=False),
    sa.Column(
        "precedence", sa.Integer, nullable=False, comment="the priority, negated: the lowest goes first"
    ),
    sa.Column("ready", _Instant, nullable=False),
    sa.Column("granted", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Index(None, "pool", "granted", "precedence", "ready", "instance"),
    sa.Index(None, "run"),
    sa.CheckConstraint("granted IN (0, 1)", name="granted_known"),
    sa.CheckConstraint("slots >= 1", name="slots_sane"),
)

cached = _table(
    "cached",
    sa.Column("hash", sa.String(64), primary_key=True, comment="of the key, the task's id and definition"),
    sa.Column("instance", _Id, nullable=False, comment="whose output it is"),
    sa.Column("value", _Text),
    sa.Column("created", _Instant, nullable=False),
)

asset_update = _table(
    "asset_update",
    sa.Column("id", _Id, primary_key=True),
    sa.Column("asset", _Name, nullable=False),
    sa.Column("run", _RunId, sa.ForeignKey("run.id"), nullable=False),
    sa.Column("task", _TaskId, nullable=False),
    sa.Column("at", _Instant, nullable=False),
    sa.Index(None, "asset", "id"),
    sa.Index(None, "run"),
)

# An id never comes again, even if its row was the newest and was pruned: pointers would be ahead of new updates.
asset_update.dialect_kwargs["sqlite_autoincrement"] = True

asset_use = _table(
    "asset_use",
    sa.Column("pipeline", _Name, sa.ForeignKey("pipeline.id"), primary_key=True),
    sa.Column("asset", _Name, primary_key=True),
    sa.Column("last", _Id, nullable=False, comment="updates up to this one are used up"),
)

notification = _table(
    "notification",
    sa.Column("id", _Id, primary_key=True, autoincrement=False),
    sa.Column("run", _RunId, sa.ForeignKey("run.id"), nullable=False),
    sa.Column("instance", _Id, nullable=False, comment="0: of the run itself"),
    sa.Column("attempt", _Id, nullable=False, comment="or what else tells occasions apart; 0: a deadline"),
    sa.Column("cause", _Word, nullable=False),
    sa.Column("position", sa.Integer, nullable=False, comment="in the list of calls"),
    sa.Column("state", _Word, nullable=False),
    sa.Column("created", _Instant, nullable=False),
    sa.Column("ended", _Instant),
    sa.Column("message", _Text),
    sa.Column("owner", _Id, sa.ForeignKey("runner.id"), nullable=False, comment="the engine that sends it"),
    sa.UniqueConstraint("run", "instance", "attempt", "cause", "position"),
    sa.Index(None, "state"),
    sa.CheckConstraint("cause IN ('failure', 'success', 'retry', 'deadline')", name="cause_known"),
    sa.CheckConstraint("state IN ('waiting', 'done', 'failed')", name="state_known"),
)

request = _table(
    "request",
    sa.Column("id", _Id, primary_key=True),
    sa.Column("run", _RunId, sa.ForeignKey("run.id"), nullable=False),
    sa.Column("kind", _Word, nullable=False),
    sa.Column("detail", _Text, nullable=False, comment="JSON"),
    sa.Column("created", _Instant, nullable=False),
    sa.Column("done", _Instant),
    sa.Column("answer", _Text, comment="what came of it"),
    sa.Index(None, "done", "run"),
)

# Who may ask for what. Names of people stay in the audit log when their accounts are gone, so nothing points there.

account = _table(
    "account",
    sa.Column("name", _Name, primary_key=True),
    sa.Column("role", _Word, nullable=False),
    sa.Column("password", sa.String(200), nullable=False, comment="its argon2 hash"),
    sa.Column("created", _Instant, nullable=False),
    sa.Column("disabled", _Instant),
    _one_of("role", ROLES),
)

login_session = _table(
    "login_session",
    sa.Column("hash", sa.String(64), primary_key=True, comment="SHA-256 of what the browser keeps"),
    sa.Column("account", _Name, sa.ForeignKey("account.name"), nullable=False),
    sa.Column("address", sa.String(100), nullable=False),
    sa.Column("created", _Instant, nullable=False),
    sa.Column("seen", _Instant, nullable=False),
    sa.Column("until", _Instant, nullable=False),
    sa.Index(None, "account"),
    sa.Index(None, "until"),
)

login_try = _table(
    "login_try",
    sa.Column("id", _Id, primary_key=True),
    sa.Column("account", _Name, nullable=False, comment="as it was given"),
    sa.Column("address", sa.String(100), nullable=False),
    sa.Column("at", _Instant, nullable=False),
    sa.Index(None, "at"),
)

api_token = _table(
    "api_token",
    sa.Column("name", _Name, primary_key=True),
    sa.Column("hash", sa.String(64), nullable=False, comment="SHA-256 of the token"),
    sa.Column("role", _Word, nullable=False),
    sa.Column("created", _Instant, nullable=False),
    sa.Column("creator", _Name, nullable=False),
    sa.Column("expires", _Instant, comment="NULL: never"),
    sa.Column("used", _Instant, comment="the last time, to the minute"),
    sa.Column("revoked", _Instant),
    sa.UniqueConstraint("hash"),
    _one_of("role", ROLES),
)

audit = _table(
    "audit",
    sa.Column("id", _Id, primary_key=True),
    sa.Column("at", _Instant, nullable=False),
    sa.Column("who", _Name, nullable=False),
    sa.Column("via", _Word, nullable=False, comment="how they were known"),
    sa.Column("address", sa.String(100), nullable=False),
    sa.Column("action", sa.String(50), nullable=False),
    sa.Column("object", sa.String(500), nullable=False),
    sa.Column("detail", _Text, nullable=False, comment="JSON"),
    sa.Column("outcome", sa.String(500), comment="NULL: it was begun, and nobody knows how it ended"),
    sa.Index(None, "object"),
    sa.Index(None, "who"),
)

api_answer = _table(
    "api_answer",
    sa.Column("who", _Name, primary_key=True),
    sa.Column("idempotency_key", _string(200), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False, comment="SHA-256 of what was asked"),
    sa.Column("created", _Instant, nullable=False),
    sa.Column("status", sa.Integer, comment="NULL: it is being done"),
    sa.Column("body", _Text),
    sa.Index(None, "created"),
)

webhook = _table(
    "webhook",
    sa.Column("name", _Name, primary_key=True),
    sa.Column("pipeline", _Name, nullable=False),
    sa.Column("secret", sa.String(100), nullable=False, comment="empty: it was revoked"),
    sa.Column("param", _Name, comment="that gets the whole body"),
    sa.Column("mapping", _Text, comment="JSON: params, and where in the body their values are"),
    sa.Column("created", _Instant, nullable=False),
    sa.Column("creator", _Name, nullable=False),
    sa.Column("used", _Instant),
    sa.Column("revoked", _Instant),
)

stored_value = _table(
    "stored_value",
    sa.Column("kind", _Word, primary_key=True),
    sa.Column("name", _Name, primary_key=True),
    sa.Column("token", _Text, nullable=False, comment="encrypted; the keys are not in the database"),
    sa.Column("changed", _Instant, nullable=False),
    sa.Column("changer", _Name, nullable=False),
    _one_of("kind", STORED),
)

webhook_message = _table(
    "webhook_message",
    sa.Column("webhook", _Name, sa.ForeignKey("webhook.name"), primary_key=True),
    sa.Column("message", sa.String(64), primary_key=True, comment="SHA-256 of its id"),
    sa.Column("at", _Instant, nullable=False),
    sa.Index(None, "at"),
)

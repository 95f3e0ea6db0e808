"""The first tables."""

import sqlalchemy as sa
from alembic import op

from yamldag.store.columns import one_of

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pipeline",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False, comment="the newest good one"),
        sa.Column("paused", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("first_seen", sa.Double(), nullable=False),
        sa.Column("changed", sa.Double(), nullable=False),
        sa.CheckConstraint("paused IN (0, 1)", name=op.f("pipeline_paused_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pipeline_pk")),
    )
    op.create_table(
        "runner",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="of one life of an engine; begins the ids that it gives",
        ),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column(
            "executor",
            sa.String(length=64),
            nullable=False,
            comment="the id by which its executor is found again",
        ),
        sa.Column("started", sa.Double(), nullable=False),
        sa.Column("seen", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("runner_pk")),
    )
    op.create_table(
        "pipeline_version",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("pipeline", sa.String(length=200), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["pipeline"], ["pipeline.id"], name=op.f("pipeline_version_pipeline_known")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pipeline_version_pk")),
    )
    op.create_table(
        "schedule_position",
        sa.Column("pipeline", sa.String(length=200), nullable=False),
        sa.Column(
            "decided_until",
            sa.String(length=27),
            nullable=False,
            comment="every tick up to here is run or dropped",
        ),
        sa.Column("schedule", sa.Text(), nullable=False, comment="the JSON of what it was decided by"),
        sa.Column("changed", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["pipeline"], ["pipeline.id"], name=op.f("schedule_position_pipeline_known")),
        sa.PrimaryKeyConstraint("pipeline", name=op.f("schedule_position_pk")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("pipeline", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=True, comment="fixed when it starts"),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("logical_date", sa.String(length=27), nullable=False),
        sa.Column("data_interval_start", sa.String(length=27), nullable=False),
        sa.Column("data_interval_end", sa.String(length=27), nullable=False),
        sa.Column("tick", sa.String(length=27), nullable=True),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("only", sa.Text(), nullable=True, comment="JSON list of the tasks it was narrowed to"),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("started", sa.Double(), nullable=True),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("stop", sa.String(length=20), nullable=True, comment="what it was asked to end by"),
        sa.Column(
            "owner",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="the engine that moves it",
        ),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.CheckConstraint("(tick IS NOT NULL) = (type = 'scheduled')", name=op.f("run_tick_of_scheduled")),
        sa.CheckConstraint(
            "state = 'queued' OR version IS NOT NULL OR started IS NULL", name=op.f("run_plan_is_fixed")
        ),
        sa.CheckConstraint(
            one_of("state", ["queued", "running", "success", "failed", "cancelled"]),
            name=op.f("run_state_known"),
        ),
        sa.CheckConstraint(
            one_of("type", ["scheduled", "manual", "backfill", "assets", "pipeline"]),
            name=op.f("run_type_known"),
        ),
        sa.ForeignKeyConstraint(["owner"], ["runner.id"], name=op.f("run_owner_known")),
        sa.ForeignKeyConstraint(["pipeline"], ["pipeline.id"], name=op.f("run_pipeline_known")),
        sa.ForeignKeyConstraint(["version"], ["pipeline_version.hash"], name=op.f("run_version_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("run_pk")),
        sa.UniqueConstraint("pipeline", "tick", name=op.f("run_pipeline_tick_unique")),
    )
    op.create_index(op.f("run_pipeline_logical_date"), "run", ["pipeline", "logical_date"], unique=False)
    op.create_index(op.f("run_state_logical_date"), "run", ["state", "logical_date"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run", sa.String(length=120), nullable=False),
        sa.Column("instance", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("attempt", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("event", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False, comment="that it led to"),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint(
            one_of(
                "event",
                [
                    "schedule",
                    "queue",
                    "start",
                    "defer",
                    "reschedule",
                    "wake",
                    "succeed",
                    "fail",
                    "retry",
                    "lose",
                    "skip",
                    "block",
                    "cancel",
                    "remove",
                    "clear",
                ],
            ),
            name=op.f("event_event_known"),
        ),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("event_run_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("event_pk")),
    )
    op.create_index(op.f("event_run"), "event", ["run"], unique=False)
    op.create_table(
        "task_instance",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("run", sa.String(length=120), nullable=False),
        sa.Column("task", sa.String(length=500), nullable=False),
        sa.Column("map_index", sa.Integer(), nullable=False, comment="-1: not mapped, or not expanded"),
        sa.Column("item", sa.Text(), nullable=True, comment="JSON of the item it is for"),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="begun, ever"),
        sa.Column(
            "tries",
            sa.Integer(),
            nullable=False,
            comment="that count against the retries, since the last clear",
        ),
        sa.Column(
            "attempt",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="the newest",
        ),
        sa.Column("ready", sa.Double(), nullable=True),
        sa.Column("retry_at", sa.Double(), nullable=True),
        sa.Column("started", sa.Double(), nullable=True),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state <> 'up_for_retry' OR retry_at IS NOT NULL", name=op.f("task_instance_retry_has_time")
        ),
        sa.CheckConstraint(
            one_of(
                "state",
                [
                    "none",
                    "scheduled",
                    "queued",
                    "running",
                    "success",
                    "failed",
                    "skipped",
                    "upstream_failed",
                    "up_for_retry",
                    "up_for_reschedule",
                    "deferred",
                    "removed",
                ],
            ),
            name=op.f("task_instance_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('queued', 'running') OR attempt IS NOT NULL",
            name=op.f("task_instance_active_has_attempt"),
        ),
        sa.CheckConstraint("map_index >= -1", name=op.f("task_instance_map_index_sane")),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("task_instance_run_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("task_instance_pk")),
        sa.UniqueConstraint("run", "task", "map_index", name=op.f("task_instance_run_task_map_index_unique")),
    )
    op.create_table(
        "attempt",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("instance", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("runner", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("started", sa.Double(), nullable=True),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.Column("exit", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=20), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("log", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(ended IS NOT NULL) = (state = 'success' OR state = 'failed' OR state = 'skipped')",
            name=op.f("attempt_ended_has_time"),
        ),
        sa.CheckConstraint(
            one_of("state", ["queued", "running", "deferred", "success", "failed", "skipped"]),
            name=op.f("attempt_state_known"),
        ),
        sa.CheckConstraint("number >= 1", name=op.f("attempt_number_sane")),
        sa.ForeignKeyConstraint(["instance"], ["task_instance.id"], name=op.f("attempt_instance_known")),
        sa.ForeignKeyConstraint(["runner"], ["runner.id"], name=op.f("attempt_runner_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("attempt_pk")),
        sa.UniqueConstraint("instance", "number", name=op.f("attempt_instance_number_unique")),
    )
    op.create_table(
        "output",
        sa.Column(
            "instance",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["instance"], ["task_instance.id"], name=op.f("output_instance_known")),
        sa.PrimaryKeyConstraint("instance", name=op.f("output_pk")),
    )


def downgrade() -> None:
    op.drop_table("output")
    op.drop_table("attempt")
    op.drop_table("task_instance")
    op.drop_index(op.f("event_run"), table_name="event")
    op.drop_table("event")
    op.drop_index(op.f("run_state_logical_date"), table_name="run")
    op.drop_index(op.f("run_pipeline_logical_date"), table_name="run")
    op.drop_table("run")
    op.drop_table("schedule_position")
    op.drop_table("pipeline_version")
    op.drop_table("runner")
    op.drop_table("pipeline")

"""Pools, waits, caches, assets, backfills, notifications, requests, and several schedulers at once."""

import sqlalchemy as sa
from alembic import op

from yamldag.store.columns import one_of

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cached",
        sa.Column(
            "hash", sa.String(length=64), nullable=False, comment="of the key, the task's id and definition"
        ),
        sa.Column(
            "instance",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="whose output it is",
        ),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("created", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("cached_pk")),
    )
    op.create_table(
        "pool",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column(
            "source",
            sa.String(length=20),
            nullable=False,
            comment="who declared it: the project's file, or a command",
        ),
        sa.Column("description", sa.Text(), nullable=True),
        sa.CheckConstraint("source IN ('project', 'command')", name=op.f("pool_source_known")),
        sa.CheckConstraint("slots >= 0", name=op.f("pool_slots_sane")),
        sa.PrimaryKeyConstraint("name", name=op.f("pool_pk")),
    )
    op.create_table(
        "asset_use",
        sa.Column("pipeline", sa.String(length=200), nullable=False),
        sa.Column("asset", sa.String(length=200), nullable=False),
        sa.Column(
            "last",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="updates up to this one are used up",
        ),
        sa.ForeignKeyConstraint(["pipeline"], ["pipeline.id"], name=op.f("asset_use_pipeline_known")),
        sa.PrimaryKeyConstraint("pipeline", "asset", name=op.f("asset_use_pk")),
    )
    op.create_table(
        "backfill",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("pipeline", sa.String(length=200), nullable=False),
        sa.Column("first", sa.String(length=27), nullable=False),
        sa.Column("last", sa.String(length=27), nullable=False),
        sa.Column("reprocess", sa.String(length=20), nullable=False),
        sa.Column("max_active", sa.Integer(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("cancelled", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "reprocess IN ('none', 'failed', 'completed')", name=op.f("backfill_reprocess_known")
        ),
        sa.CheckConstraint("max_active >= 1", name=op.f("backfill_max_active_sane")),
        sa.ForeignKeyConstraint(["pipeline"], ["pipeline.id"], name=op.f("backfill_pipeline_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("backfill_pk")),
    )
    op.create_table(
        "leadership",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column(
            "runner",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="leads until it has ended",
        ),
        sa.ForeignKeyConstraint(["runner"], ["runner.id"], name=op.f("leadership_runner_known")),
        sa.PrimaryKeyConstraint("name", name=op.f("leadership_pk")),
    )
    op.create_table(
        "asset_update",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asset", sa.String(length=200), nullable=False),
        sa.Column("run", sa.String(length=120), nullable=False),
        sa.Column("task", sa.String(length=500), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("asset_update_run_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("asset_update_pk")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("asset_update", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("asset_update_asset_id"), ["asset", "id"], unique=False)
        batch_op.create_index(batch_op.f("asset_update_run"), ["run"], unique=False)

    op.create_table(
        "notification",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("run", sa.String(length=120), nullable=False),
        sa.Column(
            "instance",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="0: of the run itself",
        ),
        sa.Column(
            "attempt",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="or what else tells occasions apart; 0: a deadline",
        ),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="in the list of calls"),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column(
            "owner",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="the engine that sends it",
        ),
        sa.CheckConstraint(
            "cause IN ('failure', 'success', 'retry', 'deadline')", name=op.f("notification_cause_known")
        ),
        sa.CheckConstraint("state IN ('waiting', 'done', 'failed')", name=op.f("notification_state_known")),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("notification_run_known")),
        sa.ForeignKeyConstraint(["owner"], ["runner.id"], name=op.f("notification_owner_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("notification_pk")),
        sa.UniqueConstraint(
            "run",
            "instance",
            "attempt",
            "cause",
            "position",
            name=op.f("notification_run_instance_attempt_cause_position_unique"),
        ),
    )
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("notification_state"), ["state"], unique=False)

    op.create_table(
        "request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False, comment="JSON"),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("done", sa.Double(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True, comment="what came of it"),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("request_run_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("request_pk")),
    )
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("request_done_run"), ["done", "run"], unique=False)

    op.create_table(
        "deferral",
        sa.Column(
            "instance",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("attempt", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False, comment="JSON of what it waits for, rendered"),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=True, comment="when its time is over"),
        sa.ForeignKeyConstraint(["instance"], ["task_instance.id"], name=op.f("deferral_instance_known")),
        sa.PrimaryKeyConstraint("instance", name=op.f("deferral_pk")),
    )
    op.create_table(
        "pool_claim",
        sa.Column(
            "instance",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("run", sa.String(length=120), nullable=False),
        sa.Column("pool", sa.String(length=200), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("precedence", sa.Integer(), nullable=False),
        sa.Column("ready", sa.Double(), nullable=False),
        sa.Column("granted", sa.SmallInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("granted IN (0, 1)", name=op.f("pool_claim_granted_known")),
        sa.CheckConstraint("slots >= 1", name=op.f("pool_claim_slots_sane")),
        sa.ForeignKeyConstraint(["instance"], ["task_instance.id"], name=op.f("pool_claim_instance_known")),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("pool_claim_run_known")),
        sa.PrimaryKeyConstraint("instance", name=op.f("pool_claim_pk")),
    )
    with op.batch_alter_table("pool_claim", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("pool_claim_pool_granted_precedence_ready_instance"),
            ["pool", "granted", "precedence", "ready", "instance"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("pool_claim_run"), ["run"], unique=False)

    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.alter_column("exit", new_column_name="exit_code")

    with op.batch_alter_table("pipeline", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("removed", sa.Double(), nullable=True, comment="when its file was seen to be gone")
        )

    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.alter_column("only", new_column_name="only_tasks")
        batch_op.add_column(sa.Column("backfill", sa.String(length=120), nullable=True))
        batch_op.add_column(
            sa.Column(
                "caller",
                sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
                nullable=True,
                comment="the task instance that called it",
            )
        )
        batch_op.add_column(
            sa.Column("assets", sa.Text(), nullable=True, comment="JSON list of the updates that started it")
        )
        batch_op.create_index(batch_op.f("run_backfill"), ["backfill"], unique=False)
        batch_op.create_index(batch_op.f("run_owner_state"), ["owner", "state"], unique=False)
        batch_op.create_foreign_key(batch_op.f("run_backfill_known"), "backfill", ["backfill"], ["id"])
        batch_op.drop_column("lease_until")

    with op.batch_alter_table("runner", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "boot",
                sa.String(length=100),
                nullable=True,
                comment="of the machine and its process ids: equal ones see each other",
            )
        )
        batch_op.add_column(
            sa.Column(
                "step",
                sa.BigInteger(),
                server_default="0",
                nullable=False,
                comment="transactions that it has committed",
            )
        )
        batch_op.add_column(
            sa.Column(
                "slots",
                sa.Integer(),
                nullable=True,
                comment="attempts that it runs at once; 0: it takes no more runs",
            )
        )
        batch_op.create_index(batch_op.f("runner_ended"), ["ended"], unique=False)

    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("event_event_known"), type_="check")
        batch_op.create_check_constraint(
            op.f("event_event_known"),
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
                    "notify",
                    "deadline",
                ],
            ),
        )

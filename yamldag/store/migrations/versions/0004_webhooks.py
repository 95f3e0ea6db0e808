"""Webhooks, and the messages that they have taken; values that are kept encrypted; runs by when they were asked for."""

import sqlalchemy as sa
from alembic import op

from yamldag.store.columns import NAME, OPTIONS, TEXT, WORD, one_of

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("name", NAME, nullable=False),
        sa.Column("pipeline", NAME, nullable=False),
        sa.Column("secret", sa.String(length=100), nullable=False, comment="empty: it was revoked"),
        sa.Column("param", NAME, nullable=True, comment="that gets the whole body"),
        sa.Column(
            "mapping", TEXT, nullable=True, comment="JSON: params, and where in the body their values are"
        ),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("creator", NAME, nullable=False),
        sa.Column("used", sa.Double(), nullable=True),
        sa.Column("revoked", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("webhook_pk")),
        **OPTIONS,
    )
    op.create_table(
        "webhook_message",
        sa.Column("webhook", NAME, nullable=False),
        sa.Column("message", sa.String(length=64), nullable=False, comment="SHA-256 of its id"),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["webhook"], ["webhook.name"], name=op.f("webhook_message_webhook_known")),
        sa.PrimaryKeyConstraint("webhook", "message", name=op.f("webhook_message_pk")),
        **OPTIONS,
    )
    op.create_table(
        "stored_value",
        sa.Column("kind", WORD, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("token", TEXT, nullable=False, comment="encrypted; the keys are not in the database"),
        sa.Column("changed", sa.Double(), nullable=False),
        sa.Column("changer", NAME, nullable=False),
        sa.CheckConstraint(one_of("kind", ("secret", "connection")), name=op.f("stored_value_kind_known")),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("stored_value_pk")),
        **OPTIONS,
    )
    with op.batch_alter_table("webhook_message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("webhook_message_at"), ["at"], unique=False)

    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("run_created_id"), ["created", "id"], unique=False)
        batch_op.create_index(batch_op.f("run_pipeline_created"), ["pipeline", "created"], unique=False)

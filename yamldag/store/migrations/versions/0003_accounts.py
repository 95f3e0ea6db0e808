"""Accounts, sessions, tokens, the audit log, and answers that are given once."""

import sqlalchemy as sa
from alembic import op

from yamldag.store.columns import ID, NAME, OPTIONS, TEXT, WORD, one_of

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column(
            "name",
            NAME,
            nullable=False,
        ),
        sa.Column(
            "role",
            WORD,
            nullable=False,
        ),
        sa.Column("password", sa.String(length=200), nullable=False, comment="its argon2 hash"),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("disabled", sa.Double(), nullable=True),
        sa.CheckConstraint(one_of("role", ["viewer", "operator", "admin"]), name=op.f("account_role_known")),
        sa.PrimaryKeyConstraint("name", name=op.f("account_pk")),
        **OPTIONS,
    )
    op.create_table(
        "api_answer",
        sa.Column(
            "who",
            NAME,
            nullable=False,
        ),
        sa.Column(
            "idempotency_key",
            NAME,
            nullable=False,
        ),
        sa.Column("fingerprint", sa.String(length=64), nullable=False, comment="SHA-256 of what was asked"),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True, comment="NULL: it is being done"),
        sa.Column(
            "body",
            TEXT,
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("who", "idempotency_key", name=op.f("api_answer_pk")),
        **OPTIONS,
    )
    with op.batch_alter_table("api_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("api_answer_created"), ["created"], unique=False)

    op.create_table(
        "api_token",
        sa.Column(
            "name",
            NAME,
            nullable=False,
        ),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="SHA-256 of the token"),
        sa.Column(
            "role",
            WORD,
            nullable=False,
        ),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column(
            "creator",
            NAME,
            nullable=False,
        ),
        sa.Column("expires", sa.Double(), nullable=True, comment="NULL: never"),
        sa.Column("used", sa.Double(), nullable=True, comment="the last time, to the minute"),
        sa.Column("revoked", sa.Double(), nullable=True),
        sa.CheckConstraint(
            one_of("role", ["viewer", "operator", "admin"]), name=op.f("api_token_role_known")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("api_token_pk")),
        sa.UniqueConstraint("hash", name=op.f("api_token_hash_unique")),
        **OPTIONS,
    )
    op.create_table(
        "audit",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column(
            "who",
            NAME,
            nullable=False,
        ),
        sa.Column(
            "via",
            WORD,
            nullable=False,
            comment="how they were known",
        ),
        sa.Column("address", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=50), nullable=False),
        sa.Column("object", sa.String(length=500), nullable=False),
        sa.Column(
            "detail",
            TEXT,
            nullable=False,
            comment="JSON",
        ),
        sa.Column(
            "outcome",
            sa.String(length=500),
            nullable=True,
            comment="NULL: it was begun, and nobody knows how it ended",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_pk")),
        **OPTIONS,
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("audit_object"), ["object"], unique=False)
        batch_op.create_index(batch_op.f("audit_who"), ["who"], unique=False)

    op.create_table(
        "login_try",
        sa.Column("id", ID, nullable=False),
        sa.Column(
            "account",
            NAME,
            nullable=False,
            comment="as it was given",
        ),
        sa.Column("address", sa.String(length=100), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("login_try_pk")),
        **OPTIONS,
    )
    with op.batch_alter_table("login_try", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("login_try_at"), ["at"], unique=False)

    op.create_table(
        "login_session",
        sa.Column("hash", sa.String(length=64), nullable=False, comment="SHA-256 of what the browser keeps"),
        sa.Column(
            "account",
            NAME,
            nullable=False,
        ),
        sa.Column("address", sa.String(length=100), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("seen", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.name"], name=op.f("login_session_account_known")),
        sa.PrimaryKeyConstraint("hash", name=op.f("login_session_pk")),
        **OPTIONS,
    )
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("login_session_account"), ["account"], unique=False)
        batch_op.create_index(batch_op.f("login_session_until"), ["until"], unique=False)

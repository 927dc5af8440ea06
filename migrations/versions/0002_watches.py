"""Watches and the notices they owe."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# PostgreSQL's INTEGER ends at two thousand million, SQLite's does not.
_COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "watches",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("account", sa.String(20), nullable=False),
        sa.Column("region", sa.String(40), nullable=False),
        sa.Column("request_id", sa.String(128)),
        sa.Column("snapshot_id", sa.String(64)),
        sa.Column("volume_id", sa.String(64), nullable=False),
        sa.Column("volume_name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("topic_arn", sa.String(400), nullable=False),
        sa.Column("outcomes", sa.JSON, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.Column("ended_at", sa.DateTime),
        sa.Column("snapshot_state", sa.String(40), nullable=False, server_default=""),
        sa.Column("progress", sa.String(20), nullable=False, server_default=""),
        sa.Column("state_message", sa.Text, nullable=False, server_default=""),
        sa.Column("started_at", sa.DateTime),
        sa.Column("completed_at", sa.DateTime),
        sa.Column("size_gib", sa.Integer),
        sa.Column("due_at", sa.DateTime, nullable=False),
        sa.Column("due_set_at", sa.DateTime, nullable=False),
        sa.Column("polls", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_polled_at", sa.DateTime),
        sa.Column("absent_since", sa.DateTime),
        sa.Column("absent_polls", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_watches"),
        sa.UniqueConstraint(
            "account", "region", "request_id", "topic_arn", name="uq_watches_request"
        ),
    )
    op.create_index("ix_watches_due", "watches", ["state", "due_at"])
    op.create_index("ix_watches_snapshot", "watches", ["snapshot_id"])
    op.create_index("ix_watches_volume", "watches", ["volume_id"])
    op.create_table(
        "notices",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("watch_id", sa.String(40), nullable=False),
        sa.Column("snapshot_id", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("topic_arn", sa.String(400), nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.Column("due_at", sa.DateTime, nullable=False),
        sa.Column("due_set_at", sa.DateTime, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("uncertain", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_tried_at", sa.DateTime),
        sa.Column("error_code", sa.String(200), nullable=False, server_default=""),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.Column("advice", sa.Text, nullable=False, server_default=""),
        sa.Column("sent_at", sa.DateTime),
        sa.Column("sns_message_id", sa.String(100), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.ForeignKeyConstraint(["watch_id"], ["watches.id"], name="fk_notices_watch_id_watches"),
    )
    op.create_index("ix_notices_due", "notices", ["state", "due_at"])
    op.create_index("ix_notices_watch", "notices", ["watch_id"])
    op.create_table(
        "watch_events",
        sa.Column("id", _COUNTER, nullable=False),
        sa.Column("watch_id", sa.String(40), nullable=False),
        sa.Column("notice_id", sa.String(40)),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_watch_events"),
        sa.ForeignKeyConstraint(
            ["watch_id"], ["watches.id"], name="fk_watch_events_watch_id_watches"
        ),
    )
    op.create_index("ix_watch_events_watch", "watch_events", ["watch_id", "id"])
    op.create_table(
        "watch_regions",
        sa.Column("account", sa.String(20), nullable=False),
        sa.Column("region", sa.String(40), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("due_at", sa.DateTime, nullable=False),
        sa.Column("due_set_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("account", "region", name="pk_watch_regions"),
    )


def downgrade() -> None:
    """Drop the tables, and with them every promise not yet kept."""
    for table in ("watch_regions", "watch_events", "notices", "watches"):
        op.drop_table(table)

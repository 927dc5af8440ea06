"""Watches on any kind, rules, what is to be said to topics, and notices in more states."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_RENAMED = {
    "snapshot_id": "resource_id",
    "volume_id": "source_id",
    "volume_name": "source_name",
    "snapshot_state": "aws_state",
}


def upgrade() -> None:
    """Widen the tables; every watch so far is on a snapshot."""
    _widen_watches()
    _widen_notices()
    # Nothing is lost with it: it says which regions are left alone for a minute.
    op.drop_table("watch_regions")
    op.create_table(
        "watch_regions",
        sa.Column("service", sa.String(20), nullable=False),
        sa.Column("account", sa.String(20), nullable=False),
        sa.Column("region", sa.String(40), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("due_at", sa.DateTime, nullable=False),
        sa.Column("due_set_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("service", "account", "region", name="pk_watch_regions"),
    )
    _make_tables()


def _widen_watches() -> None:
    op.drop_index("ix_watches_snapshot", "watches")
    op.drop_index("ix_watches_volume", "watches")
    # Column by column: SQLite could change more only by making the table anew, which the notices
    # that refer to it do not allow.
    for old, new in _RENAMED.items():
        op.execute(f"ALTER TABLE watches RENAME COLUMN {old} TO {new}")
    for column in (
        sa.Column("kind", sa.String(20), nullable=False, server_default="snapshot"),
        sa.Column("rule_id", sa.String(40)),
        sa.Column("occasion", sa.String(40), nullable=False, server_default=""),
        sa.Column("passed", sa.JSON, nullable=False, server_default="[]"),
        sa.Column("late_after", sa.Integer),
        sa.Column("expected", sa.JSON),
    ):
        op.add_column("watches", column)
    for name in ("resource", "source", "topic", "rule"):
        column = {"topic": "topic_arn"}.get(name, f"{name}_id")
        op.create_index(f"ix_watches_{name}", "watches", [column])
    op.create_index("ix_watches_kind", "watches", ["state", "kind", "made_at"])


def _widen_notices() -> None:
    with op.batch_alter_table("notices") as table:
        table.alter_column("snapshot_id", new_column_name="resource_id")
        table.alter_column("watch_id", existing_type=sa.String(40), nullable=True)
        table.add_column(sa.Column("account", sa.String(20), nullable=False, server_default=""))
        table.add_column(sa.Column("region", sa.String(40), nullable=False, server_default=""))
        table.add_column(
            sa.Column("kind", sa.String(20), nullable=False, server_default="snapshot")
        )
        table.add_column(sa.Column("structure", sa.Text, nullable=False, server_default=""))
        table.add_column(sa.Column("owner", sa.String(64), nullable=False, server_default=""))
        table.add_column(sa.Column("reached_at", sa.DateTime))
        table.add_column(sa.Column("uncertain_since", sa.DateTime))
    notices = sa.table("notices", *map(sa.column, ("watch_id", "account", "region")))
    watches = sa.table("watches", *map(sa.column, ("id", "account", "region")))
    for name in ("account", "region"):
        of_watch = sa.select(watches.c[name]).where(watches.c.id == notices.c.watch_id)
        op.execute(sa.update(notices).values({name: of_watch.scalar_subquery()}))
    with op.batch_alter_table("notices") as table:
        for name, length in (("account", 20), ("region", 40), ("kind", 20)):
            table.alter_column(name, existing_type=sa.String(length), server_default=None)
    op.create_index("ix_notices_made", "notices", ["made_at"])
    op.create_index("ix_notices_state", "notices", ["state", "made_at"])
    op.create_index("ix_notices_topic", "notices", ["topic_arn", "made_at"])


def _make_tables() -> None:
    op.create_table(
        "paces",
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("next_at", sa.DateTime, nullable=False),
        sa.Column("set_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_paces"),
    )
    op.create_table(
        "topic_settings",
        sa.Column("topic_arn", sa.String(400), nullable=False),
        sa.Column("when_uncertain", sa.String(10), nullable=False),
        sa.Column("subject", sa.Text, nullable=False, server_default=""),
        sa.Column("text", sa.Text, nullable=False, server_default=""),
        sa.Column("json", sa.Text, nullable=False, server_default=""),
        sa.Column("json_for", sa.JSON, nullable=False, server_default="[]"),
        sa.Column("changed_at", sa.DateTime, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("topic_arn", name="pk_topic_settings"),
    )
    op.create_table(
        "rules",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("filter", sa.Text, nullable=False),
        sa.Column("topic_arn", sa.String(400), nullable=False),
        sa.Column("outcomes", sa.JSON, nullable=False),
        sa.Column("late_after", sa.Integer),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("cursor", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("caught", sa.Integer, nullable=False, server_default="0"),
        sa.Column("caught_at", sa.DateTime),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_rules"),
    )
    op.create_table(
        "event_queues",
        sa.Column("account", sa.String(20), nullable=False),
        sa.Column("region", sa.String(40), nullable=False),
        sa.Column("queue_url", sa.Text, nullable=False),
        sa.Column("queue_arn", sa.String(400), nullable=False),
        sa.Column("rule_name", sa.String(200), nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.Column("heard_at", sa.DateTime),
        sa.Column("messages", sa.Integer, nullable=False, server_default="0"),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("account", "region", name="pk_event_queues"),
    )


def downgrade() -> None:
    """There is no way back: what waits for other kinds than snapshots has no place there."""
    raise NotImplementedError("Watches on other kinds than snapshots cannot be kept any more.")

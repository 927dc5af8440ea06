"""The inventory for an index in memory, and what was seen to change."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# PostgreSQL's INTEGER ends at two thousand million, SQLite's does not.
_COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables. Resources are collected anew: theirs is the only copy of nothing."""
    for table in ("cells", "documents", "resources"):
        op.drop_table(table)
    _make_resources(
        sa.Column("prior", sa.String),
        sa.Column("whole", sa.Boolean, nullable=False),
        sa.Column("cells", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("acted_by", sa.String),
        sa.Column("acted_until", sa.DateTime),
    )
    op.create_index("ix_resources_changed", "resources", ["kind", "changed"])
    op.create_index("ix_resources_gone", "resources", ["kind", "gone_at"])
    _make_changes()
    op.add_column("collections", sa.Column("read_count", sa.Integer))
    _forget_progress()
    op.create_table(
        "budgets",
        sa.Column("account", sa.String, nullable=False),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("operation", sa.String, nullable=False),
        sa.Column("tokens", sa.Float, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("rate", sa.Float, nullable=False),
        sa.Column("slowed_until", sa.DateTime),
        sa.PrimaryKeyConstraint("account", "region", "operation", name="pk_budgets"),
    )
    op.create_table(
        "accounts",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("regions", sa.Text, nullable=False),
        sa.Column("seen_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_accounts"),
    )


def downgrade() -> None:
    """Make the tables as they were; what was seen to change is lost."""
    for table in ("accounts", "budgets", "changes", "documents", "resources"):
        op.drop_table(table)
    _make_resources(sa.Column("search", sa.Text, nullable=False))
    op.create_index(
        "ix_resources_tally", "resources", ["kind", "gone_at", "account", "region", "state"]
    )
    _make_cells()
    op.drop_column("collections", "read_count")
    _forget_progress()


def _forget_progress() -> None:
    # Nothing of what was refreshed is there any more. Revisions go on: they never step back.
    op.execute("DELETE FROM collections")
    op.execute("UPDATE kinds SET revision = revision + 1")


def _make_resources(*more: sa.Column[Any]) -> None:
    op.create_table(
        "resources",
        sa.Column("seq", _COUNTER, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("state_class", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("seen_at", sa.DateTime, nullable=False),
        sa.Column("gone_at", sa.DateTime),
        sa.Column("sure_until", sa.DateTime, nullable=False),
        sa.Column("confirmed", sa.Boolean, nullable=False),
        sa.Column("extras", sa.Text, nullable=False),
        *more,
        sa.PrimaryKeyConstraint("seq", name="pk_resources"),
        sa.UniqueConstraint("kind", "account", "region", "id", name="uq_resources_kind"),
    )
    op.create_index("ix_resources_id", "resources", ["id", "kind"])
    op.create_index("ix_resources_class", "resources", ["state_class", "gone_at"])
    op.create_table(
        "documents",
        sa.Column("seq", _COUNTER, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_documents"),
        sa.ForeignKeyConstraint(
            ["seq"], ["resources.seq"], name="fk_documents_seq_resources", ondelete="CASCADE"
        ),
    )


def _make_cells() -> None:
    op.create_table(
        "cells",
        sa.Column("seq", _COUNTER, nullable=False),
        sa.Column("field", sa.String, nullable=False),
        sa.Column("pos", sa.SmallInteger, nullable=False),
        sa.Column("rank", sa.SmallInteger, nullable=False),
        sa.Column("number", sa.Float, nullable=False),
        sa.Column("folded", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("seq", "field", "pos", name="pk_cells"),
        sa.ForeignKeyConstraint(
            ["seq"], ["resources.seq"], name="fk_cells_seq_resources", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_cells_sort", "cells", ["field", "pos", "rank", "number", "folded", "id", "seq"]
    )
    op.create_index("ix_cells_match", "cells", ["field", "text", "seq"])


def _make_changes() -> None:
    op.create_table(
        "changes",
        sa.Column("seq", _COUNTER, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("field", sa.String, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("action", sa.String),
        sa.PrimaryKeyConstraint("seq", name="pk_changes"),
        sqlite_autoincrement=True,
    )
    indexes = {
        "resource": ["kind", "id", "seq"],
        "kind": ["kind", "seq"],
        "id": ["id", "seq"],
        "account": ["account", "seq"],
        "region": ["region", "seq"],
        "field": ["field", "seq"],
        "action": ["action", "seq"],
        "at": ["at"],
    }
    for name, columns in indexes.items():
        op.create_index(f"ix_changes_{name}", "changes", columns)
    ours = sa.text("action IS NOT NULL")
    op.create_index("ix_changes_ours", "changes", ["seq"], sqlite_where=ours, postgresql_where=ours)

"""The inventory."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# PostgreSQL's INTEGER ends at two thousand million, SQLite's does not.
_COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
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
        sa.Column("search", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_resources"),
        sa.UniqueConstraint("kind", "account", "region", "id", name="uq_resources_kind"),
    )
    op.create_index("ix_resources_id", "resources", ["id", "kind"])
    op.create_index(
        "ix_resources_tally", "resources", ["kind", "gone_at", "account", "region", "state"]
    )
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
    op.create_table(
        "kinds",
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("wanted_at", sa.DateTime),
        sa.Column("asked_at", sa.DateTime),
        sa.PrimaryKeyConstraint("kind", name="pk_kinds"),
    )
    op.create_table(
        "collections",
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("region", sa.String, nullable=False),
        sa.Column("started_at", sa.DateTime),
        sa.Column("seen_at", sa.DateTime),
        sa.Column("claimed_by", sa.String),
        sa.Column("claimed_until", sa.DateTime),
        sa.Column("error_code", sa.String),
        sa.Column("error_plain", sa.String),
        sa.Column("error_advice", sa.String),
        sa.Column("error_at", sa.DateTime),
        sa.PrimaryKeyConstraint("kind", "account", "region", name="pk_collections"),
    )


def downgrade() -> None:
    """Drop the tables; everything in them can be collected anew."""
    for table in ("collections", "kinds", "cells", "documents", "resources"):
        op.drop_table(table)

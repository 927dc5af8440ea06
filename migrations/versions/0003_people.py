"""Sign-in tokens and what people did."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "login_tokens",
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("used_at", sa.DateTime),
        sa.PrimaryKeyConstraint("digest", name="pk_login_tokens"),
    )
    op.create_table(
        "actions",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("calls", sa.Text, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("began_at", sa.DateTime, nullable=False),
        sa.Column("ended_at", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name="pk_actions"),
    )
    op.create_index("ix_actions_began_at", "actions", ["began_at"])


def downgrade() -> None:
    op.drop_table("actions")
    op.drop_table("login_tokens")

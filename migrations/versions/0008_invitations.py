"""When an invitation was used is not kept: one that was used is gone."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.drop_column("invitations", "used_at")


def downgrade() -> None:
    op.add_column("invitations", sa.Column("used_at", sa.DateTime))

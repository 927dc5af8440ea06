"""Users, what they may do, their sessions, and the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables; whoever was signed in signs in again."""
    _make_users()
    _make_sessions()
    _make_audit()


def _make_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("name_key", sa.String(64), nullable=False),
        sa.Column("full_name", sa.String(200), nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("password_set_at", sa.DateTime),
        sa.Column("issuer", sa.String(400)),
        sa.Column("subject", sa.String(255)),
        sa.Column("groups", sa.JSON, nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("disabled_at", sa.DateTime),
        sa.Column("signed_in_at", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("name_key", name="uq_users_name_key"),
        sa.UniqueConstraint("issuer", "subject", name="uq_users_issuer"),
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("user_id", sa.String(40)),
        sa.Column("group", sa.String(255)),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("accounts", sa.JSON, nullable=False),
        sa.Column("regions", sa.JSON, nullable=False),
        sa.Column("tag_key", sa.String(128), nullable=False),
        sa.Column("tag_value", sa.String(256), nullable=False),
        sa.Column("aws_role", sa.String(400), nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_grants_user_id_users"),
    )
    op.create_index("ix_grants_user", "grants", ["user_id"])
    op.create_index("ix_grants_group", "grants", ["group"])
    op.create_table(
        "invitations",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(40), nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("ends_at", sa.DateTime, nullable=False),
        sa.Column("used_at", sa.DateTime),
        sa.PrimaryKeyConstraint("digest", name="pk_invitations"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_invitations_user_id_users"),
    )


def _make_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("handle", sa.String(40), nullable=False),
        sa.Column("user_id", sa.String(40)),
        sa.Column("method", sa.String(20), nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.Column("signed_in_at", sa.DateTime, nullable=False),
        sa.Column("seen_at", sa.DateTime, nullable=False),
        sa.Column("ends_at", sa.DateTime, nullable=False),
        sa.Column("ended_at", sa.DateTime),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(400), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
        sa.UniqueConstraint("handle", name="uq_sessions_handle"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id_users"),
    )
    op.create_index("ix_sessions_user", "sessions", ["user_id"])
    op.create_index("ix_sessions_ends_at", "sessions", ["ends_at"])
    op.create_table(
        "guesses",
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("next_at", sa.DateTime, nullable=False),
        sa.Column("last_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_guesses"),
    )
    op.create_table(
        "openid_attempts",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("form", sa.Text, nullable=False),
        sa.Column("ends_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_openid_attempts"),
    )
    op.create_index("ix_openid_attempts_ends_at", "openid_attempts", ["ends_at"])


def _make_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("event", sa.String(60), nullable=False),
        sa.Column("phase", sa.String(10), nullable=False),
        sa.Column("begun_by", sa.BigInteger),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(40), nullable=False),
        sa.Column("method", sa.String(20), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("session", sa.String(40), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("service", sa.String(20), nullable=False),
        sa.Column("operation", sa.String(80), nullable=False),
        sa.Column("account", sa.String(20), nullable=False),
        sa.Column("region", sa.String(40), nullable=False),
        sa.Column("resources", sa.Text, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("code", sa.String(200), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("request_id", sa.String(200), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_actor", "audit", ["actor", "seq"])
    op.create_index("ix_audit_begun_by", "audit", ["begun_by"], unique=True)
    op.create_index("ix_audit_action", "audit", ["action"])
    op.create_table(
        "audit_resources",
        sa.Column("seq", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("resource_id", sa.String(400), nullable=False),
        sa.PrimaryKeyConstraint("seq", "kind", "resource_id", name="pk_audit_resources"),
    )
    op.create_index(
        "ix_audit_resources_resource", "audit_resources", ["kind", "resource_id", "seq"]
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    head = sa.table("audit_head", *map(sa.column, ("id", "seq", "hash")))
    op.execute(sa.insert(head).values(id=1, seq=0, hash=""))
    _only_added_to()


def _only_added_to() -> None:
    """Let the database itself refuse to change what was recorded.

    Who may change triggers can undo that; it is there against mistakes, and makes a change a deed.
    """
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute(_FUNCTION)
    for table in ("audit", "audit_resources"):
        for deed in ("update", "delete"):
            op.execute(_trigger(postgresql, table, deed))
        if postgresql:
            op.execute(_trigger(postgresql, table, "truncate", each="STATEMENT"))
    op.execute(_trigger(postgresql, "audit_head", "delete"))
    op.execute(_trigger(postgresql, "audit_head", "update", "WHEN (NEW.seq <> OLD.seq + 1)"))


_REFUSAL = "the audit log is only ever added to"
_FUNCTION = f"""
CREATE FUNCTION encante_only_added_to() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$
"""


def _trigger(postgresql: bool, table: str, deed: str, when: str = "", each: str = "ROW") -> str:
    refuse = (
        "EXECUTE FUNCTION encante_only_added_to()"
        if postgresql
        else f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    )
    return (
        f"CREATE TRIGGER {table}_no_{deed} BEFORE {deed.upper()} ON {table} "
        f"FOR EACH {each} {when} {refuse}"
    )


def downgrade() -> None:
    """Forget them all, the audit log too."""
    for table in (
        "audit_head",
        "audit_resources",
        "audit",
        "openid_attempts",
        "guesses",
        "sessions",
        "invitations",
        "grants",
        "users",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION encante_only_added_to()")

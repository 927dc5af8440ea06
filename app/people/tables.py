"""The tables of sign-in and of what people did."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.db import Moment, metadata

# Only the digest of a token is kept: who reads the database cannot sign in with it.
login_tokens = Table(
    "login_tokens",
    metadata,
    Column("digest", String, primary_key=True),
    Column("created_at", Moment, nullable=False),
    Column("used_at", Moment),
)

# One row per form that was sent: its token makes it unique, so that a double click acts once.
actions = Table(
    "actions",
    metadata,
    Column("id", String, primary_key=True),
    Column("actor", String, nullable=False),
    Column("title", String, nullable=False),
    Column("path", String, nullable=False),
    Column("calls", Text, nullable=False),  # JSON; secrets and user data left out
    Column("done", Integer, nullable=False),
    Column("state", String, nullable=False),  # running, done, failed
    Column("outcome", Text),  # JSON: message, url, error
    Column("began_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Index("ix_actions_began_at", "began_at"),
)

# The address of a list under a name. A person's names are told apart within a kind.
saved_views = Table(
    "saved_views",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("address", Text, nullable=False),  # a query string
    Column("made_at", Moment, nullable=False),
    UniqueConstraint("kind", "actor", "name"),
)

# How a person wants to see the lists of a kind.
preferences = Table(
    "preferences",
    metadata,
    Column("actor", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("columns", Text, nullable=False),  # JSON: their names in order; none: as they come
    Column("per_page", Integer),
)

# Who may sign in by a password or an OpenID provider; never deleted, only disabled, so that a name
# in the audit log is always the same person's.
users = Table(
    "users",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("name_key", String(64), nullable=False, unique=True),  # the name, case folded
    Column("full_name", String(200), nullable=False),
    Column("password", Text, nullable=False),  # argon2id's encoded hash; empty: has none
    Column("password_set_at", Moment),
    Column("issuer", String(400)),
    Column("subject", String(255)),  # what the issuer calls them, for ever
    Column("groups", JSON, nullable=False),  # as the issuer told at the last sign-in
    Column("made_at", Moment, nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("disabled_at", Moment),
    Column("signed_in_at", Moment),
    UniqueConstraint("issuer", "subject"),
)

# A role for a user, or for whoever is in a group; narrowed to some accounts, regions or a tag.
grants = Table(
    "grants",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("user_id", String(40), ForeignKey("users.id")),
    Column("group", String(255)),
    Column("role", String(20), nullable=False),
    Column("accounts", JSON, nullable=False),  # numbers; none: all
    Column("regions", JSON, nullable=False),
    Column("tag_key", String(128), nullable=False),
    Column("tag_value", String(256), nullable=False),
    Column("aws_role", String(400), nullable=False),  # name or ARN of the IAM role to act through
    Column("made_at", Moment, nullable=False),
    Column("made_by", String(64), nullable=False),
    Index("ix_grants_user", "user_id"),
    Index("ix_grants_group", "group"),
)

# Of a link that lets a user choose a password, only the digest is kept.
invitations = Table(
    "invitations",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("user_id", String(40), ForeignKey("users.id"), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("ends_at", Moment, nullable=False),
)

# Of a session's token only the digest is kept, too; its handle is what pages call it.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("handle", String(40), nullable=False, unique=True),
    Column("user_id", String(40), ForeignKey("users.id")),  # None: who opened the start link
    Column("method", String(20), nullable=False),  # link, password, oidc
    Column("made_at", Moment, nullable=False),
    Column("signed_in_at", Moment, nullable=False),  # when they last proved who they are
    Column("seen_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("address", String(64), nullable=False),
    Column("agent", String(400), nullable=False),
    Index("ix_sessions_user", "user_id"),
    Index("ix_sessions_ends_at", "ends_at"),
)

# How often a password was guessed wrongly for a name or from an address, and when one may again.
guesses = Table(
    "guesses",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("next_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
)

# Sign-ins that are under way at the OpenID provider; each row is taken away by who comes back.
openid_attempts = Table(
    "openid_attempts",
    metadata,
    Column("digest", String(64), primary_key=True),  # of the state
    Column("form", Text, nullable=False),  # encrypted; only the browser has the key. Empty: none
    Column("ends_at", Moment, nullable=False),
    Index("ix_openid_attempts_ends_at", "ends_at"),
)

# Only ever added to. An AWS call is two records: one before it, one after it with begun_by.
audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # without gaps
    Column("at", String(27), nullable=False),  # as it is hashed: 2026-01-31T12:00:00.000000Z
    Column("event", String(60), nullable=False),  # call, sign-in, refusal, users.add, …
    Column("phase", String(10), nullable=False),  # begun, ended, or once
    Column("begun_by", BigInteger),
    Column("actor", String(64), nullable=False),
    Column("user_id", String(40), nullable=False),
    Column("method", String(20), nullable=False),
    Column("address", String(64), nullable=False),
    Column("session", String(40), nullable=False),  # its handle
    Column("action", String(64), nullable=False),  # the form's token
    Column("title", Text, nullable=False),
    Column("service", String(20), nullable=False),
    Column("operation", String(80), nullable=False),
    Column("account", String(20), nullable=False),
    Column("region", String(40), nullable=False),
    Column("resources", Text, nullable=False),  # JSON: [[kind, id], …]
    Column("parameters", Text, nullable=False),  # JSON; secrets and user data left out
    Column("before", Text, nullable=False),  # JSON: what it was
    Column("outcome", String(20), nullable=False),  # done, failed, refused, uncertain; empty: begun
    Column("code", String(200), nullable=False),
    Column("message", Text, nullable=False),
    Column("request_id", String(200), nullable=False),
    Column("previous", String(64), nullable=False),  # the hash of the record before
    Column("hash", String(64), nullable=False),
    Index("ix_audit_at", "at"),
    Index("ix_audit_actor", "actor", "seq"),
    Index("ix_audit_begun_by", "begun_by", unique=True),
    Index("ix_audit_action", "action"),
)

# Which records tell of a resource.
audit_resources = Table(
    "audit_resources",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(20), primary_key=True),
    Column("resource_id", String(400), primary_key=True),
    Index("ix_audit_resources_resource", "kind", "resource_id", "seq"),
)

# The last record, locked by whoever adds the next one.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)

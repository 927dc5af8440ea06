"""The tables of sign-in and of what people did."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
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

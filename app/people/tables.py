"""The tables of sign-in and of what people did."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

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

"""The tables of the inventory.

What is here can always be collected anew: nothing in it is the only copy of anything.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.db import Moment, metadata

# One row per resource. Small, so that a search through all of a kind reads little; the
# description stands in a table of its own.
resources = Table(
    "resources",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("account", String, nullable=False),
    Column("region", String, nullable=False),
    Column("id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("state", String, nullable=False),
    Column("state_class", String, nullable=False),
    # of everything that is derived from the description: the same digest, nothing to write
    Column("digest", String, nullable=False),
    Column("seen_at", Moment, nullable=False),  # when this description was read
    Column("gone_at", Moment),
    # until then a background reading that says the contrary (there, or gone) is not believed:
    # AWS's answers lag behind what was done
    Column("sure_until", Moment, nullable=False),
    Column("confirmed", Boolean, nullable=False),  # a reading has shown it, not only a reply
    Column("extras", Text, nullable=False),  # JSON: the keys of the description that begin with _
    Column("search", Text, nullable=False),  # case-folded id, name, tags and shown columns
    UniqueConstraint("kind", "account", "region", "id", name="uq_resources_kind"),
    Index("ix_resources_id", "id", "kind"),
    Index("ix_resources_tally", "kind", "gone_at", "account", "region", "state"),
    Index("ix_resources_class", "state_class", "gone_at"),
)

documents = Table(
    "documents",
    metadata,
    Column("seq", Integer, ForeignKey("resources.seq", ondelete="CASCADE"), primary_key=True),
    Column("description", Text, nullable=False),  # JSON, as AWS gave it
)

# One row per value of each column and tag of the resources that are there (none of the gone
# ones), indexed for sorting and for matching. A list is found, sorted and counted from here, so
# its cost depends on the page, not on the size of a description.
cells = Table(
    "cells",
    metadata,
    Column("seq", Integer, ForeignKey("resources.seq", ondelete="CASCADE"), primary_key=True),
    Column("field", String, primary_key=True),  # instance.state, instance.tag:Name
    Column("pos", SmallInteger, primary_key=True),  # place in a list; sorting goes by 0
    Column("rank", SmallInteger, nullable=False),  # 0 number, 1 text, 2 missing
    Column("number", Float, nullable=False),  # 0 unless rank 0
    Column("folded", String, nullable=False),  # the text without case, for sorting and "contains"
    Column("text", String, nullable=False),  # as shown
    Column("id", String, nullable=False),  # the resource's: breaks ties
    Index("ix_cells_sort", "field", "pos", "rank", "number", "folded", "id", "seq"),
    Index("ix_cells_match", "field", "text", "seq"),
    sqlite_with_rowid=False,
)

kinds = Table(
    "kinds",
    metadata,
    Column("kind", String, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("wanted_at", Moment),  # when somebody last looked at its list
    Column("asked_at", Moment),  # when somebody asked for a refresh
)

# How far the collecting of a kind in a scope is.
collections = Table(
    "collections",
    metadata,
    Column("kind", String, primary_key=True),
    Column("account", String, primary_key=True),
    Column("region", String, primary_key=True),
    Column("started_at", Moment),  # the last attempt at a refresh
    Column("seen_at", Moment),  # when the last complete refresh began
    Column("claimed_by", String),
    Column("claimed_until", Moment),
    Column("error_code", String),
    Column("error_plain", String),
    Column("error_advice", String),
    Column("error_at", Moment),
)

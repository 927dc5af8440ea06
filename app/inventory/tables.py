"""The tables of the inventory.

All but ``changes`` can be collected anew: nothing in it is the only copy of anything.

**Revisions.** Each kind has one number in ``kinds.revision`` that only grows. A transaction that
writes rows of ``resources`` first locks the kind's row (``store.lock``; SQLite locks everything by
itself), takes the next number and stamps every row it writes with it, in ``changed``. So
transactions that write one kind come one after the other, in the order of their revisions, and
their ``changes`` in the order of ``seq``; and as none locks a row of a resource before its kind's,
none waits for another that waits for it.

Hence: whoever reads a revision R and the rows of the kind in one reading transaction sees every
row with ``changed`` <= R, and whoever has applied R has only to ask for ``changed > R``. A row
that went is such a row too (``gone_at`` is set). Rows vanish for good only long after they were
marked gone, and then no revision tells. A new revision without any changed row means that
something else that lists show has changed: how fresh they are. The only write to a row that takes
no revision touches nothing that a list shows (``confirmed``, ``acted_by``).
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
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.db import Counter, Moment, metadata

# One row per resource. Small, so that a search through all of a kind reads little; the
# description stands in a table of its own.
resources = Table(
    "resources",
    metadata,
    Column("seq", Counter, primary_key=True),
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
    Column("confirmed", Boolean, nullable=False),  # a reading has shown it since the last reply
    # the digest before the last action of ours: a reading that soon shows it again lags behind
    Column("prior", String),
    # a reading has told all of it: what its description lacks, it has not
    Column("whole", Boolean, nullable=False),
    Column("extras", Text, nullable=False),  # JSON: the keys of the description that begin with _
    Column("cells", Text, nullable=False),  # JSON: each column's value by name, None left out
    Column("tags", Text, nullable=False),  # JSON: each tag's value by key
    # the kind's revision at which the row was last written, or went
    Column("changed", BigInteger, nullable=False),
    # what is seen to change until then is put down to that action of ours
    Column("acted_by", String),
    Column("acted_until", Moment),
    UniqueConstraint("kind", "account", "region", "id", name="uq_resources_kind"),
    Index("ix_resources_id", "id", "kind"),
    Index("ix_resources_changed", "kind", "changed"),
    Index("ix_resources_gone", "kind", "gone_at"),
    Index("ix_resources_class", "state_class", "gone_at"),
)

documents = Table(
    "documents",
    metadata,
    Column("seq", Counter, ForeignKey("resources.seq", ondelete="CASCADE"), primary_key=True),
    Column("description", Text, nullable=False),  # JSON, as AWS gave it
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
    Column("read_count", Integer),  # how many resources that attempt has read so far
    Column("seen_at", Moment),  # when the last complete refresh began
    Column("claimed_by", String),
    Column("claimed_until", Moment),
    Column("error_code", String),
    Column("error_plain", String),
    Column("error_advice", String),
    Column("error_at", Moment),
)

# What was seen to change, one row per resource and field.
changes = Table(
    "changes",
    metadata,
    Column("seq", Counter, primary_key=True),
    Column("at", Moment, nullable=False),  # when it was seen
    Column("kind", String, nullable=False),
    Column("account", String, nullable=False),
    Column("region", String, nullable=False),
    Column("id", String, nullable=False),  # the resource's
    Column("name", String, nullable=False),  # its name then
    # a column's name, tag:Key, or "resource": it came (after: there) or went (after: gone)
    Column("field", String, nullable=False),
    Column("before", Text),  # as shown; null: it had none
    Column("after", Text),
    Column("action", String),  # the action of ours that it is put down to
    # Each way of looking at them is newest first, so each index ends with seq.
    Index("ix_changes_resource", "kind", "id", "seq"),
    Index("ix_changes_kind", "kind", "seq"),
    Index("ix_changes_id", "id", "seq"),
    Index("ix_changes_account", "account", "seq"),
    Index("ix_changes_region", "region", "seq"),
    Index("ix_changes_field", "field", "seq"),
    Index("ix_changes_action", "action", "seq"),
    Index("ix_changes_at", "at"),
    sqlite_autoincrement=True,  # a page that goes on from a seq must never meet it again
)

Index(
    "ix_changes_ours",
    changes.c.seq,
    sqlite_where=changes.c.action.is_not(None),
    postgresql_where=changes.c.action.is_not(None),
)

# How many calls may be sent now; shared by all processes.
budgets = Table(
    "budgets",
    metadata,
    Column("account", String, primary_key=True),
    Column("region", String, primary_key=True),
    Column("operation", String, primary_key=True),
    Column("tokens", Float, nullable=False),  # as of ``at``
    Column("at", Moment, nullable=False),
    Column("rate", Float, nullable=False),  # tokens that come in a second
    Column("slowed_until", Moment),
)

# What was last known of the configured accounts.
accounts = Table(
    "accounts",
    metadata,
    Column("name", String, primary_key=True),
    Column("account", String, nullable=False),  # 12 digits
    Column("regions", Text, nullable=False),  # comma separated
    Column("seen_at", Moment, nullable=False),
)

"""The tables: watches, the notices they owe, what happened to each, and regions in trouble."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    or_,
)

from app.db import Moment, metadata

# What a due time may be ahead of this machine's clock before we take it that the clock was set
# back. Replicas may differ by less than this.
SKEW = timedelta(seconds=60)

watches = Table(
    "watches",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("account", String(20), nullable=False),
    Column("region", String(40), nullable=False),
    Column("request_id", String(128)),
    Column("snapshot_id", String(64)),
    Column("volume_id", String(64), nullable=False),
    Column("volume_name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("topic_arn", String(400), nullable=False),
    Column("outcomes", JSON, nullable=False),
    Column("actor", Text, nullable=False),
    # intended, waiting, abandoned, cancelled, or the outcome reached
    Column("state", String(20), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("ended_at", Moment),
    # what AWS said last
    Column("snapshot_state", String(40), nullable=False, server_default=""),
    Column("progress", String(20), nullable=False, server_default=""),
    Column("state_message", Text, nullable=False, server_default=""),
    Column("started_at", Moment),
    Column("completed_at", Moment),
    Column("size_gib", Integer),
    # when to ask again, and what came of asking
    Column("due_at", Moment, nullable=False),
    Column("due_set_at", Moment, nullable=False),
    Column("polls", Integer, nullable=False, server_default="0"),
    Column("last_polled_at", Moment),
    Column("absent_since", Moment),
    Column("absent_polls", Integer, nullable=False, server_default="0"),
    Column("last_error", Text, nullable=False, server_default=""),
    # A form that is sent twice makes one watch.
    UniqueConstraint("account", "region", "request_id", "topic_arn", name="uq_watches_request"),
    Index("ix_watches_due", "state", "due_at"),
    Index("ix_watches_snapshot", "snapshot_id"),
    Index("ix_watches_volume", "volume_id"),
)

notices = Table(
    "notices",
    metadata,
    # derived from account, region, snapshot, outcome and topic: it can exist once only
    Column("id", String(40), primary_key=True),
    Column("watch_id", String(40), ForeignKey("watches.id"), nullable=False),
    Column("snapshot_id", String(64), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("topic_arn", String(400), nullable=False),
    Column("subject", String(100), nullable=False),
    Column("message", Text, nullable=False),
    Column("state", String(20), nullable=False),  # waiting, sending, sent, parked
    Column("made_at", Moment, nullable=False),
    # When to try (again). While it is being sent this is the end of the lease.
    Column("due_at", Moment, nullable=False),
    Column("due_set_at", Moment, nullable=False),
    # Goes up with every claim; only the claim that set it may say what became of the notice.
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # tries that may have been delivered although nobody could say so
    Column("uncertain", Integer, nullable=False, server_default="0"),
    Column("last_tried_at", Moment),
    Column("error_code", String(200), nullable=False, server_default=""),
    Column("error", Text, nullable=False, server_default=""),
    Column("advice", Text, nullable=False, server_default=""),
    Column("sent_at", Moment),
    Column("sns_message_id", String(100), nullable=False, server_default=""),
    Index("ix_notices_due", "state", "due_at"),
    Index("ix_notices_watch", "watch_id"),
)

events = Table(
    "watch_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("watch_id", String(40), ForeignKey("watches.id"), nullable=False),
    Column("notice_id", String(40)),
    Column("at", Moment, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Index("ix_watch_events_watch", "watch_id", "id"),
)

# Regions where polling failed: not asked before due_at.
regions = Table(
    "watch_regions",
    metadata,
    Column("account", String(20), primary_key=True),
    Column("region", String(40), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("due_set_at", Moment, nullable=False),
)


def is_due(table: Table, now: datetime) -> ColumnElement[bool]:
    """The condition that a row's time has come.

    Also when its time was set at a moment that has not come yet: then the clock stepped back, and
    waiting for ``due_at`` could take as long as the step was wide.
    """
    return or_(table.c.due_at <= now, table.c.due_set_at > now + SKEW)

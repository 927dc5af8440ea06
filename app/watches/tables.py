"""The tables: watches, the notices they owe, what happened to each, and what goes with them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
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

from app.db import Counter, Moment, metadata

# What a due time may be ahead of this machine's clock before we take it that the clock was set
# back. Replicas may differ by less than this.
SKEW = timedelta(seconds=60)

watches = Table(
    "watches",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("account", String(20), nullable=False),
    Column("region", String(40), nullable=False),
    Column("kind", String(20), nullable=False, server_default="snapshot"),  # of an Awaited
    Column("request_id", String(128)),
    Column("resource_id", String(64)),
    # what it is made of: a snapshot's volume, an image's instance
    Column("source_id", String(64), nullable=False),
    Column("source_name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("topic_arn", String(400), nullable=False),
    Column("outcomes", JSON, nullable=False),
    Column("actor", Text, nullable=False),
    Column("rule_id", String(40)),  # the rule that made it, if one did
    # What tells apart the times that an outcome is reached, where it can be reached again.
    Column("occasion", String(40), nullable=False, server_default=""),
    # intended, waiting, abandoned, cancelled, or the outcome reached
    Column("state", String(20), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("ended_at", Moment),
    # what AWS said last
    Column("aws_state", String(40), nullable=False, server_default=""),
    Column("progress", String(20), nullable=False, server_default=""),
    Column("state_message", Text, nullable=False, server_default=""),
    Column("started_at", Moment),
    Column("completed_at", Moment),
    Column("size_gib", Integer),
    Column("passed", JSON, nullable=False, server_default="[]"),  # outcomes that did not end it
    # seconds after which it is late; None: three times what is usual
    Column("late_after", Integer),
    Column("expected", JSON(none_as_null=True)),  # the estimate of when it will be done
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
    Index("ix_watches_resource", "resource_id"),
    Index("ix_watches_source", "source_id"),
    Index("ix_watches_topic", "topic_arn"),
    Index("ix_watches_rule", "rule_id"),
    Index("ix_watches_kind", "state", "kind", "made_at"),  # has all that figures.py asks for
)

OVER = ("sent", "given-up")  # states of a notice that is owed no more

notices = Table(
    "notices",
    metadata,
    # derived from account, region, resource, outcome and topic: it can exist once only
    Column("id", String(40), primary_key=True),
    Column("watch_id", String(40), ForeignKey("watches.id")),  # None: a person's test
    Column("account", String(20), nullable=False),
    Column("region", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("resource_id", String(64), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("topic_arn", String(400), nullable=False),
    Column("subject", String(100), nullable=False),
    Column("message", Text, nullable=False),
    # JSON with a text for each protocol, for SNS's MessageStructure; empty: message goes to all
    Column("structure", Text, nullable=False, server_default=""),
    Column("state", String(20), nullable=False),  # waiting, sending, held, parked, or one of OVER
    Column("made_at", Moment, nullable=False),
    Column("reached_at", Moment),  # when the outcome was reached, as AWS says or as we saw
    # When to try (again). While it is being sent this is the end of the lease.
    Column("due_at", Moment, nullable=False),
    Column("due_set_at", Moment, nullable=False),
    # Goes up with every claim; only the claim that set it may say what became of the notice.
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("owner", String(64), nullable=False, server_default=""),  # the process that claims
    Column("attempts", Integer, nullable=False, server_default="0"),
    # tries that may have been delivered although nobody could say so
    Column("uncertain", Integer, nullable=False, server_default="0"),
    Column("uncertain_since", Moment),  # the first such try
    Column("last_tried_at", Moment),
    Column("error_code", String(200), nullable=False, server_default=""),
    Column("error", Text, nullable=False, server_default=""),
    Column("advice", Text, nullable=False, server_default=""),
    Column("sent_at", Moment),
    Column("sns_message_id", String(100), nullable=False, server_default=""),
    Index("ix_notices_due", "state", "due_at"),
    Index("ix_notices_watch", "watch_id"),
    Index("ix_notices_made", "made_at"),
    Index("ix_notices_state", "state", "made_at"),  # here too
    Index("ix_notices_topic", "topic_arn", "made_at"),
)

events = Table(
    "watch_events",
    metadata,
    Column("id", Counter, primary_key=True),
    Column("watch_id", String(40), ForeignKey("watches.id"), nullable=False),
    Column("notice_id", String(40)),
    Column("at", Moment, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Index("ix_watch_events_watch", "watch_id", "id"),
)

# Where calls failed: that service is left alone there until due_at.
regions = Table(
    "watch_regions",
    metadata,
    Column("service", String(20), primary_key=True),  # ec2: the poller's, sns: the sender's
    Column("account", String(20), primary_key=True),
    Column("region", String(40), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("due_set_at", Moment, nullable=False),
)


# Calls of all processes together that are spaced out: the next one may be made at next_at.
paces = Table(
    "paces",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("next_at", Moment, nullable=False),
    Column("set_at", Moment, nullable=False),
)

# How notices for a topic are written and sent; those of the topic '' go for all the others.
topic_settings = Table(
    "topic_settings",
    metadata,
    Column("topic_arn", String(400), primary_key=True),
    Column("when_uncertain", String(10), nullable=False),  # repeat, hold
    # templates; empty: the built-in ones
    Column("subject", Text, nullable=False, server_default=""),
    Column("text", Text, nullable=False, server_default=""),
    Column("json", Text, nullable=False, server_default=""),
    Column("json_for", JSON, nullable=False, server_default="[]"),  # protocols that get the JSON
    Column("changed_at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
)

# Which resources get a watch by themselves.
rules = Table(
    "rules",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("filter", Text, nullable=False),
    Column("topic_arn", String(400), nullable=False),
    Column("outcomes", JSON, nullable=False),
    Column("late_after", Integer),
    Column("enabled", Boolean, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    # the kind's revision up to which its resources have been looked at
    Column("cursor", BigInteger, nullable=False, server_default="0"),
    Column("caught", Integer, nullable=False, server_default="0"),
    Column("caught_at", Moment),
    Column("error", Text, nullable=False, server_default=""),
)

# Queues that EventBridge feeds with what happens to snapshots, to hurry the poll.
event_queues = Table(
    "event_queues",
    metadata,
    Column("account", String(20), primary_key=True),
    Column("region", String(40), primary_key=True),
    Column("queue_url", Text, nullable=False),
    Column("queue_arn", String(400), nullable=False),
    Column("rule_name", String(200), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("heard_at", Moment),
    Column("messages", Integer, nullable=False, server_default="0"),
    Column("error", Text, nullable=False, server_default=""),
)


def is_due(table: Table, now: datetime) -> ColumnElement[bool]:
    """The condition that a row's time has come.

    Also when its time was set at a moment that has not come yet: then the clock stepped back, and
    waiting for ``due_at`` could take as long as the step was wide.
    """
    return or_(table.c.due_at <= now, table.c.due_set_at > now + SKEW)

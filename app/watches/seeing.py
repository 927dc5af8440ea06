"""Which watches and notices are within somebody's bounds: those that name nothing outside them.

A watch names its resource, what that is made of, and its topic; a notice, what its watch names.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_, select

from app.inventory.bounds import Bounds
from app.watches.tables import notices, watches


def watches_within(bounds: Bounds) -> ColumnElement[bool]:
    """The condition on ``watches``. What the inventory does not know (any more) is outside."""
    resource, source, topic = watches.c.resource_id, watches.c.source_id, watches.c.topic_arn
    place = {"account": watches.c.account, "region": watches.c.region}
    named = and_(
        or_(resource.is_(None), bounds.has(id=resource, **place)),
        or_(source == "", bounds.has(id=source, **place)),
        or_(resource.is_not(None), source != ""),
    )
    # what something is made of is where it is: who sees all that is there sees both
    return and_(or_(bounds.whole_places(watches), named), bounds.has(kind="topic", id=topic))


def notices_within(bounds: Bounds) -> ColumnElement[bool]:
    """The condition on ``notices``; a person's test names its topic alone."""
    seen = select(watches.c.id).where(watches.c.id == notices.c.watch_id, watches_within(bounds))
    test = and_(notices.c.watch_id.is_(None), bounds.has(kind="topic", id=notices.c.topic_arn))
    return or_(seen.exists(), test)

"""Old watches are forgotten: those that ended long ago, with what they owed and what happened."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, and_, delete, or_, select

from app.watches.tables import OVER, events, notices, watches

EVERY = timedelta(hours=1)
AT_ONCE = 500


class Sweeper:
    """Forgets in small portions. What is owed is never forgotten, however old it is."""

    def __init__(self, engine: Engine, keep_for: timedelta) -> None:
        self._engine = engine
        self._keep_for = keep_for
        self._swept_at: datetime | None = None

    def sweep(self, now: datetime) -> bool:
        """One portion, if the last time that nothing was left is an hour ago; whether there may
        be more.
        """
        if self._swept_at is not None and abs(now - self._swept_at) < EVERY:
            return False
        before = now - self._keep_for
        with self._engine.begin() as connection:
            swept = _watches(connection, before) + _tests(connection, before)
        if not swept:
            self._swept_at = now
        return swept > 0


def _watches(connection: Connection, before: datetime) -> int:
    # what was given up lately stays, however long ago its outcome was reached: others will ask
    lately = and_(notices.c.state == "given-up", notices.c.due_set_at >= before)
    going_on = or_(notices.c.state.not_in(OVER), lately)
    owed = select(notices.c.id).where(notices.c.watch_id == watches.c.id, going_on)
    old = select(watches.c.id).where(watches.c.ended_at < before, ~owed.exists())
    # another replica may be at it, or a person; what they have is left for the next time
    locked = old.order_by(watches.c.id).limit(AT_ONCE).with_for_update(skip_locked=True)
    ids = connection.scalars(locked).all()
    of_them = select(notices.c.id, notices.c.watch_id, notices.c.state).with_for_update()
    of_them = of_them.where(notices.c.watch_id.in_(ids)).order_by(notices.c.id)
    found = connection.execute(of_them).all()
    kept = {notice.watch_id for notice in found if notice.state not in OVER}  # sent again
    going = [each for each in ids if each not in kept]
    connection.execute(delete(events).where(events.c.watch_id.in_(going)))
    connection.execute(delete(notices).where(notices.c.watch_id.in_(going)))
    connection.execute(delete(watches).where(watches.c.id.in_(going)))
    return len(going)


def _tests(connection: Connection, before: datetime) -> int:
    """Notices by which a person tried a topic: they have no watch."""
    old = select(notices.c.id).where(
        notices.c.watch_id.is_(None), notices.c.state.in_(OVER), notices.c.made_at < before
    )
    locked = old.order_by(notices.c.id).limit(AT_ONCE).with_for_update(skip_locked=True)
    ids = connection.scalars(locked).all()
    connection.execute(delete(events).where(events.c.notice_id.in_(ids)))
    connection.execute(delete(notices).where(notices.c.id.in_(ids)))
    return len(ids)

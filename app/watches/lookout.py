"""The look-out: takes over notices whose publisher has died.

No clock is compared with another machine's, or with what it showed before it was set: a try is
taken over when this process has itself seen it unchanged for the whole of a lease, looking often.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, Engine, select, update

from app.db import DATABASE_FAULTS
from app.watches import claims, verdicts
from app.watches.rows import tell_of
from app.watches.tables import notices, topic_settings

# Whoever has not looked for so long was stopped itself, or the database was away: whoever
# publishes may have been as well, and comes first.
_GAP = timedelta(seconds=10)
_STEP_SECONDS = 2.0  # a clock that is put right little by little does not step
_log = structlog.get_logger(__name__)


def steady() -> float:
    """Seconds of a clock that nobody sets and that goes on while the machine sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Lookout:
    """What one process has seen of the others' tries."""

    def __init__(self, engine: Engine, owner: str, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._owner = owner
        self._clock = clock
        self._seen: dict[tuple[str, int], float] = {}
        self._looked = float("-inf")
        self._ahead: float | None = None  # of the steady clock, by so much is the other one

    def recover(self, now: datetime) -> bool:
        """One look; whether a notice was taken over. To be called every second or so."""
        ahead = now.timestamp() - self._clock()  # before the database takes its time
        try:
            tries = self._tries()
        except DATABASE_FAULTS:
            self._seen.clear()
            raise
        self._mind_the_clock(ahead)
        present = self._clock()
        if present - self._looked > _GAP.total_seconds():
            self._seen.clear()
        self._looked = present
        self._seen = {each: self._seen.get(each, present) for each in tries}
        old = present - claims.LEASE.total_seconds()
        over = [each for each, since in self._seen.items() if since <= old]
        return [self._take_over(*each, now) for each in over].count(True) > 0

    def _mind_the_clock(self, ahead: float) -> None:
        """When it was set back, what is in doubt is as much older than it seems by it."""
        back = 0.0 if self._ahead is None else self._ahead - ahead
        if back > _STEP_SECONDS:
            with self._engine.begin() as connection:
                _grow_older(connection, timedelta(seconds=back))
        self._ahead = ahead

    def _tries(self) -> list[tuple[str, int]]:
        """The notices that others are publishing, each with its fence."""
        query = select(notices.c.id, notices.c.fence)
        query = query.where(notices.c.state == "sending", notices.c.owner != self._owner)
        with self._engine.connect().execution_options(reading=True) as connection:
            return [(row.id, row.fence) for row in connection.execute(query)]

    def _take_over(self, notice_id: str, fence: int, now: datetime) -> bool:
        query = select(notices).where(notices.c.id == notice_id, notices.c.fence == fence)
        with self._engine.begin() as connection:
            row = connection.execute(query.with_for_update()).mappings().one_or_none()
            if row is None or row["state"] != "sending":
                return False
            found = dict(row)
            verdict = verdicts.left(found, when_uncertain(connection, found["topic_arn"]), now)
            claims.change(connection, found, {**verdict.values, "fence": fence + 1})
            tell_of(connection, found, now, "trouble", verdict.told)
        _log.warning(
            "notice taken over",
            notice=notice_id,
            watch=found["watch_id"],
            account=found["account"],
            region=found["region"],
            state=verdict.state,
        )
        return True


def _grow_older(connection: Connection, by: timedelta) -> None:
    # Of others nobody asks how long ago they were tried. That several processes may do this only
    # means that a notice is held for a person sooner.
    fifo = notices.c.topic_arn.like("%.fifo")
    query = select(notices.c.id, notices.c.uncertain_since, notices.c.last_tried_at)
    query = query.where(fifo, notices.c.state.in_(("waiting", "sending"))).order_by(notices.c.id)
    for row in connection.execute(query.with_for_update()).all():
        times = {"uncertain_since": row.uncertain_since, "last_tried_at": row.last_tried_at}
        values = {name: at - by for name, at in times.items() if at is not None}
        if values:
            connection.execute(update(notices).where(notices.c.id == row.id).values(values))


def when_uncertain(connection: Connection, topic_arn: str) -> verdicts.WhenUncertain:
    """What the topic's settings say of notices that may have been delivered."""
    wanted = topic_settings.c.topic_arn.in_((topic_arn, ""))
    query = select(topic_settings.c.when_uncertain).where(wanted)
    # the topic's own before those of all topics
    found = connection.execute(query.order_by(topic_settings.c.topic_arn.desc())).scalars().first()
    return "hold" if found == "hold" else "repeat"

"""Lanes: the way to SNS in one account and region, which is left alone while it is in trouble.

Trouble with the credentials of one who publishes is a lane of its own: others still may.

There is one sender in a process, and it publishes one notice after another. A region that hangs
must not keep the notices to all others waiting: after a failure its whole lane waits, and then a
single notice is tried before the rest follow. That is known to all processes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from app.aws.errors import AwsError
from app.aws.topics import account_of, region_of
from app.watches import trouble
from app.watches.tables import is_due, notices, regions

SERVICE = "sns"
FIRST_SECONDS, LONGEST_SECONDS = 2.0, 120.0
LONGEST_THROTTLED_SECONDS = 15.0
PROBE = timedelta(seconds=30)  # a probe that is not heard of any more has failed
# Troubles that are not this topic's or this message's. An answer that got lost may be either.
TROUBLES = frozenset({"unreachable", "uncertain", "throttled", "credentials"})


@dataclass(frozen=True)
class Lane:
    """Where a topic is: its own account and region.

    ``of``: only what is told of that account's resources; empty: whoever publishes to it.
    """

    account: str
    region: str
    of: str = ""

    def has(self) -> ColumnElement[bool]:
        """The condition that a notice goes this way."""
        there = notices.c.topic_arn.like(f"arn:%:sns:{self.region}:{self.account}:%")
        return and_(there, notices.c.account == self.of) if self.of else there

    def key(self) -> dict[str, str]:
        """The lane's row, if it is in trouble."""
        service = f"{SERVICE}:{self.of}" if self.of else SERVICE
        return {"service": service, "account": self.account, "region": self.region}


def lanes_of(notice: Mapping[str, Any]) -> tuple[Lane, Lane]:
    """The lanes of a notice: everybody's, and that of its account alone."""
    arn = notice["topic_arn"]
    lane = Lane(account_of(arn), region_of(arn))
    return lane, replace(lane, of=notice["account"])


def lane_in(notice: Mapping[str, Any], error: AwsError) -> Lane:
    """Which of a notice's lanes a trouble is that of."""
    everybodys, own = lanes_of(notice)
    return own if error.trouble == "credentials" else everybodys


def troubled(connection: Connection, now: datetime) -> tuple[list[Lane], list[Lane]]:
    """The lanes that are in trouble, and those of them that may be tried with one notice."""
    query = select(regions, is_due(regions, now).label("due"))
    ours = or_(regions.c.service == SERVICE, regions.c.service.startswith(f"{SERVICE}:"))
    found = connection.execute(query.where(ours).order_by(regions.c.due_at))
    rows = [
        (Lane(row.account, row.region, row.service.partition(":")[2]), row.due) for row in found
    ]
    return [lane for lane, _ in rows], [lane for lane, due in rows if due]


def next_try(connection: Connection, notice: Mapping[str, Any]) -> datetime | None:
    """When the lanes of a notice are tried again; None if neither is in trouble."""
    either = or_(*(trouble.row_of(lane.key()) for lane in lanes_of(notice)))
    found: datetime | None = connection.execute(
        select(func.max(regions.c.due_at)).where(either)
    ).scalar()
    return found


def probe(connection: Connection, lane: Lane, now: datetime) -> bool:
    """Take it upon oneself to try a lane; False if another process has just done so."""
    due = update(regions).where(trouble.row_of(lane.key()), is_due(regions, now))
    return connection.execute(due.values(due_at=now + PROBE, due_set_at=now)).rowcount == 1


def fail(
    connection: Connection, lane: Lane, error: AwsError, longest: timedelta, now: datetime
) -> None:
    """It failed: leave the lane alone, for longer each time, and for ``longest`` at most."""
    most = LONGEST_THROTTLED_SECONDS if error.trouble == "throttled" else LONGEST_SECONDS

    def seconds(failures: int) -> float:
        return min(growing(failures, most), longest).total_seconds()

    trouble.leave_alone(connection, lane.key(), seconds, now)


def ask_again(connection: Connection, notice: Mapping[str, Any], now: datetime) -> None:
    """Somebody wants to know now: the lanes of a notice need not wait for their next try."""
    for lane in lanes_of(notice):
        mine = update(regions).where(trouble.row_of(lane.key()))
        connection.execute(mine.values(due_at=now, due_set_at=now))


def heal(connection: Connection, notice: Mapping[str, Any]) -> None:
    """SNS has answered to a notice: its lanes work."""
    for lane in lanes_of(notice):
        trouble.heal(connection, lane.key())


def outside(lanes: Sequence[Lane]) -> ColumnElement[bool]:
    """The condition that a notice goes none of these ways."""
    return and_(*(~lane.has() for lane in lanes)) if lanes else notices.c.id.is_not(None)


def ways(lane: Lane, closed: Sequence[Lane]) -> list[ColumnElement[bool]]:
    """The conditions that a notice may be tried for a lane, the better ones first.

    Best it goes none of the other ``closed`` lanes. If there is no such notice, everybody's lane
    is tried with any; that of one account only when everybody's is open.
    """
    best = and_(lane.has(), outside([other for other in closed if other != lane]))
    return [best] if lane.of else [best, lane.has()]


def growing(times: int, most: float = LONGEST_SECONDS) -> timedelta:
    """How long to wait after so many failures: from a second or two to ``most`` seconds."""
    return timedelta(seconds=trouble.growing(times, FIRST_SECONDS, most, 0.5))

"""Which watches AWS is to be asked about next, and when a region in trouble is asked again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Engine,
    Select,
    and_,
    bindparam,
    not_,
    or_,
    select,
    union_all,
    update,
)

from app.aws.listing import FILTER_VALUES, in_parts
from app.watches import trouble
from app.watches.outcomes import OPEN
from app.watches.rows import Record, any_row
from app.watches.tables import SKEW, is_due, regions, watches

SERVICE = "ec2"
LONGEST_DELAY = 60.0  # seconds between two tries in a region that is in trouble
# So long what was taken is left to who took it; then it comes up again by itself.
LEASE = timedelta(seconds=20)
_AT_ONCE = 1000  # ids in one statement
FRESH = timedelta(seconds=2)  # what was asked about just now does not come along
Place = tuple[str, str]  # account, region


@dataclass(frozen=True)
class Batch:
    """Watches that one read answers: of one account, region and kind, all waiting or intended."""

    account: str
    region: str
    kind: str
    state: str
    rows: Sequence[Record] = ()

    @property
    def place(self) -> Place:
        """Account and region."""
        return (self.account, self.region)

    @property
    def key(self) -> str:
        """The column by which AWS is asked."""
        return "resource_id" if self.state == "waiting" else "request_id"

    @property
    def wanted(self) -> list[str]:
        """What AWS is asked for, each once."""
        return list(dict.fromkeys(row[self.key] for row in self.rows))


def any_due(engine: Engine, now: datetime, away: Collection[Place] = ()) -> bool:
    """Whether ``take`` would find something."""
    return any_row(engine, _most_overdue(frozenset(away)), _moments(now))


def take(engine: Engine, now: datetime, away: Collection[Place] = ()) -> Batch | None:
    """The most overdue watch, and up to 200 of its kind and region in all; None if none is due.

    What will be due next comes along, as it costs nothing. They are put off in the same
    transaction, so that no other poller asks too, and so that they come up again by themselves
    should this one die. ``away``: places that are not to be asked now.
    """
    with engine.begin() as connection:
        first = connection.execute(_most_overdue(frozenset(away)), _moments(now)).one_or_none()
        if first is None:
            return None
        batch = Batch(first.account, first.region, first.kind, first.state)
        mine = and_(*_there(batch), watches.c.kind == batch.kind, watches.c.state == batch.state)
        # A request that may still be under way is not looked for before its time.
        due = is_due(watches, now)
        if batch.state == "waiting":
            due = or_(due, watches.c.due_set_at <= now - FRESH)
        soonest = select(watches).where(mine, due).order_by(watches.c.due_at, watches.c.id)
        rows = _locked(connection, soonest.limit(FILTER_VALUES))
        rows += _locked(connection, _beside(batch, rows).where(mine))
        put_off = update(watches).where(watches.c.id.in_([row["id"] for row in rows]))
        connection.execute(put_off.values(due_at=now + LEASE, due_set_at=now))
    return replace(batch, rows=rows) if rows else None


@lru_cache(maxsize=100)  # to put it together takes longer than the database needs for it
def _most_overdue(away: frozenset[Place]) -> Select[tuple[str, str, str, str]]:
    """Where the open watch that is due longest is, its kind and state; if it may be asked about.

    To be executed with ``_moments``.
    """
    now: BindParameter[datetime] = bindparam("now")
    soon: BindParameter[datetime] = bindparam("soon")
    in_time = or_(regions.c.due_at <= now, regions.c.due_set_at > soon)  # as is_due has it
    may_ask = or_(regions.c.account.is_(None), in_time)
    same = and_(
        regions.c.service == SERVICE,
        regions.c.account == watches.c.account,
        regions.c.region == watches.c.region,
    )
    elsewhere = [
        not_(and_(watches.c.account == account, watches.c.region == region))
        for account, region in sorted(away)
    ]
    # As is_due has it, each part by itself: so the index leads to the first of each.
    stepped = and_(watches.c.due_at > soon, watches.c.due_set_at > soon)
    names = ("account", "region", "kind", "state", "due_at", "id")
    firsts = [
        select(*(watches.c[name] for name in names))
        .select_from(watches.outerjoin(regions, same))
        .where(watches.c.state == state, due, may_ask, *elsewhere)
        .order_by(watches.c.due_at, watches.c.id)
        .limit(1)
        .subquery()
        for state in OPEN
        for due in (watches.c.due_at <= now, stepped)
    ]
    every = union_all(*(select(first) for first in firsts)).subquery()
    wanted = (every.c[name] for name in names[:4])
    return select(*wanted).order_by(every.c.due_at, every.c.id).limit(1)


def _moments(now: datetime) -> dict[str, datetime]:
    """What ``_most_overdue`` goes by."""
    return {"now": now, "soon": now + SKEW}


def _beside(batch: Batch, rows: Sequence[Record]) -> Select[tuple[object, ...]]:
    """The other watches on the same resources: the answer is theirs too."""
    key = watches.c[batch.key]
    return (
        select(watches)
        .where(key.in_({row[batch.key] for row in rows}))
        .where(watches.c.id.not_in([row["id"] for row in rows]))
        .order_by(watches.c.id)
    )


def _locked(connection: Connection, query: Select[tuple[object, ...]]) -> list[Record]:
    # What another holds is being written, or taken by another poller.
    found = connection.execute(query.with_for_update(skip_locked=True))
    return [dict(row) for row in found.mappings()]


def postpone(engine: Engine, batch: Batch, now: datetime, poll_seconds: float, error: str) -> float:
    """AWS could not be asked: leave the region alone for a while that grows, and say why.

    Nothing is lost by it: its watches wait on. Returns the seconds until it is asked again.
    """
    longest = max(LONGEST_DELAY, poll_seconds)

    def seconds(failures: int) -> float:
        return trouble.growing(failures, 2 * poll_seconds, longest, 0.75)

    with engine.begin() as connection:
        delay = trouble.leave_alone(connection, _region(batch), seconds, now)
        _say(connection, batch, error)
    return round(delay, 1)


def heal(connection: Connection, batch: Batch) -> None:
    """AWS answered: the region's trouble is over, if there was any."""
    if trouble.heal(connection, _region(batch)):
        _say(connection, batch, "")


def _say(connection: Connection, batch: Batch, error: str) -> None:
    """Write on all open watches of the region why AWS could not be asked; nothing if it could."""
    other = select(watches.c.id).where(
        *_there(batch), watches.c.state.in_(OPEN), watches.c.last_error != error
    )
    # Those that another holds are in a batch of its own, which will say how that went.
    ids = connection.execute(other.order_by(watches.c.id).with_for_update(skip_locked=True))
    for some in in_parts(ids.scalars().all(), _AT_ONCE):
        told = update(watches).where(watches.c.id.in_(some))
        connection.execute(told.values(last_error=error))


def _region(batch: Batch) -> trouble.Key:
    return {"service": SERVICE, "account": batch.account, "region": batch.region}


def _there(batch: Batch) -> tuple[ColumnElement[bool], ...]:
    return (watches.c.account == batch.account, watches.c.region == batch.region)

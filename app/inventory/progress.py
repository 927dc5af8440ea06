"""How far the collecting is: claims, attempts, failures, and what somebody is looking at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, or_, select, update

from app.aws.errors import AwsError
from app.db import insert_new
from app.inventory.query import Failure, Freshness
from app.inventory.store import Scope, bump, lock
from app.inventory.tables import collections, kinds, resources

_COLLECTED = select(collections).where(collections.c.kind == bindparam("kind"))
CLAIM = timedelta(seconds=30)
RENEW = timedelta(seconds=2)  # as often, at most, is a claim renewed, and progress noted


@dataclass(frozen=True)
class Collection:
    """A row of ``collections`` with its kind's revision and wishes."""

    scope: Scope
    started_at: datetime | None
    seen_at: datetime | None
    claimed_by: str | None
    claimed_until: datetime | None
    failing: bool
    revision: int
    wanted_at: datetime | None
    asked_at: datetime | None

    @property
    def unfinished(self) -> bool:
        """Whether the last attempt did not come to its end, as when its process was killed."""
        return self.seen_at is None or self.seen_at != self.started_at

    def claimed(self, who: str, now: datetime) -> bool:
        """Whether somebody else than ``who`` is at its refresh."""
        until = self.claimed_until
        return until is not None and self.claimed_by != who and now < until <= now + CLAIM


def all_collections(connection: Connection) -> dict[Scope, Collection]:
    """Every scope that was ever tried, and how far it is."""
    of_kinds = select(kinds.c.kind, kinds.c.revision, kinds.c.wanted_at, kinds.c.asked_at)
    wishes = {row[0]: tuple(row[1:]) for row in connection.execute(of_kinds)}
    statement = select(
        collections.c.kind,
        collections.c.account,
        collections.c.region,
        collections.c.started_at,
        collections.c.seen_at,
        collections.c.claimed_by,
        collections.c.claimed_until,
        collections.c.error_code.is_not(None),
    )
    found = {}
    for row in connection.execute(statement):
        scope = Scope(*row[:3])
        found[scope] = Collection(scope, *row[3:], *wishes.get(scope.kind, (0, None, None)))
    return found


def _at(scope: Scope) -> tuple[Any, ...]:
    return (
        collections.c.kind == scope.kind,
        collections.c.account == scope.account,
        collections.c.region == scope.region,
    )


def ensure(connection: Connection, scope: Scope) -> None:
    """Make the row of a scope if it is not there."""
    if connection.scalar(select(collections.c.kind).where(*_at(scope))) is None:
        insert_new(connection, collections, scope._asdict())


def claim(connection: Connection, scope: Scope, who: str, now: datetime) -> bool:
    """Take the refresh of a scope for ``who``; False if another process is at it."""
    ensure(connection, scope)
    free = or_(
        collections.c.claimed_until.is_(None),
        collections.c.claimed_by == who,  # a refresh of ours that could not give it back
        collections.c.claimed_until <= now,
        collections.c.claimed_until > now + CLAIM,  # the clock was set back since
    )
    taken = connection.execute(
        update(collections)
        .where(*_at(scope), free)
        .values(claimed_by=who, claimed_until=now + CLAIM, started_at=now, read_count=0)
    )
    return taken.rowcount == 1


def renew(connection: Connection, who: str, read: Mapping[Scope, int], now: datetime) -> None:
    """Hold claims for longer; ``read``: how many resources each of those refreshes has read."""
    _hold(connection, who)
    for scope, count in read.items():
        connection.execute(
            update(collections)
            .where(*_at(scope), collections.c.claimed_by == who)
            .values(claimed_until=now + CLAIM, read_count=count)
        )


def release(connection: Connection, who: str, scope: Scope | None = None) -> None:
    """Give back a claim, or all that ``who`` has."""
    _hold(connection, who)
    where = _at(scope) if scope else ()
    connection.execute(
        update(collections)
        .where(*where, collections.c.claimed_by == who)
        .values(claimed_by=None, claimed_until=None)
    )


def _hold(connection: Connection, who: str) -> None:
    """Lock what ``who`` has claimed, in one order, so that no two threads wait for each other."""
    place = (collections.c.kind, collections.c.account, collections.c.region)
    claimed = select(*place).where(collections.c.claimed_by == who)
    connection.execute(claimed.order_by(*place).with_for_update())


def completed(connection: Connection, scope: Scope, seen_at: datetime) -> None:
    """Note a complete refresh that began at ``seen_at``; its claim is given back with it."""
    ensure(connection, scope)
    before = connection.execute(
        select(collections.c.seen_at, collections.c.error_code).where(*_at(scope))
    ).one()
    connection.execute(
        update(collections)
        .where(*_at(scope))
        .values(
            seen_at=seen_at,
            read_count=None,
            claimed_by=None,
            claimed_until=None,
            error_code=None,
            error_plain=None,
            error_advice=None,
            error_at=None,
        )
    )
    if before.seen_at is None or before.error_code is not None:
        bump(connection, scope.kind)


def failed(connection: Connection, scope: Scope, error: AwsError, at: datetime) -> None:
    """Note why a refresh failed; a new reason is a change that a list shows."""
    ensure(connection, scope)
    before = connection.scalar(select(collections.c.error_code).where(*_at(scope)))
    connection.execute(
        update(collections)
        .where(*_at(scope))
        .values(
            error_code=error.code,
            error_plain=error.message,
            error_advice=error.advice,
            error_at=at,
        )
    )
    if before != error.code:
        bump(connection, scope.kind)


def wish(connection: Connection, kind: str, **when: datetime) -> None:
    """Note that a kind is looked at (``wanted_at``) or to be refreshed (``asked_at``)."""
    lock(connection, kind)
    connection.execute(update(kinds).where(kinds.c.kind == kind).values(**when))


def collected(connection: Connection, kind: str) -> list[Row[Any]]:
    """How far the collecting of a kind is, by account and region, for ``freshness``."""
    found = connection.execute(_COLLECTED, {"kind": kind})
    # Not in SQL: each database has an order of its own.
    return sorted(found, key=lambda row: (row.account, row.region))


def freshness(
    collected: Sequence[Row[Any]], counts: Mapping[tuple[str, str], int], now: datetime
) -> list[Freshness]:
    """How true a kind is, region by region; ``counts`` by account and region."""
    return [
        Freshness(
            account=row.account,
            region=row.region,
            seen_at=row.seen_at,
            trying=row.claimed_until is not None and now < row.claimed_until <= now + CLAIM,
            error=_failure(row),
            count=counts.get((row.account, row.region), 0),
            read_count=row.read_count,
        )
        for row in collected
    ]


def _failure(row: Row[Any]) -> Failure | None:
    if row.error_code is None:
        return None
    return Failure(row.error_code, row.error_plain, row.error_advice, row.error_at)


def places(connection: Connection) -> list[Scope]:
    """Every scope that has resources, there or gone, or was ever tried."""
    known = select(resources.c.kind, resources.c.account, resources.c.region).distinct()
    tried = select(collections.c.kind, collections.c.account, collections.c.region)
    return [Scope(*row) for row in connection.execute(known.union(tried))]


def drop(connection: Connection, scope: Scope) -> None:
    """Forget how far the collecting of a scope is."""
    connection.execute(delete(collections).where(*_at(scope)))

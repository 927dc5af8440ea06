"""Which watches AWS is to be asked about next, and when a region in trouble is asked again."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from app.aws.listing import FILTER_VALUES
from app.watches.outcomes import OPEN
from app.watches.rows import Record, any_row
from app.watches.tables import is_due, regions, watches

SERVICE = "ec2"
LONGEST_DELAY = 60.0  # seconds between two tries in a region that is in trouble


@dataclass(frozen=True)
class Batch:
    """Watches that one read answers: of one account, region and kind, all waiting or intended."""

    account: str
    region: str
    kind: str
    state: str
    rows: Sequence[Record]

    @property
    def key(self) -> str:
        """The column by which AWS is asked."""
        return "resource_id" if self.state == "waiting" else "request_id"

    @property
    def wanted(self) -> list[str]:
        """What AWS is asked for, each once."""
        return list(dict.fromkeys(row[self.key] for row in self.rows))


def take(engine: Engine, now: datetime, poll_seconds: float) -> Batch | None:
    """The most overdue watches, up to 200 resources of one kind and region; None if none is due.

    They are put off to the next poll in the same transaction, so that no other poller asks too,
    and so that they come up again by themselves should this one die.
    """
    query = _most_overdue(now)
    if not any_row(engine, query):
        return None
    with engine.begin() as connection:
        first = connection.execute(query).one_or_none()
        if first is None:
            return None
        account, region, kind, state = first.account, first.region, first.kind, first.state
        found = connection.execute(_rows(connection, Batch(account, region, kind, state, ()), now))
        rows = [dict(row) for row in found.mappings()]
        put_off = update(watches).where(watches.c.id.in_([row["id"] for row in rows]))
        connection.execute(put_off.values(due_at=_next(now, poll_seconds), due_set_at=now))
        return Batch(account, region, kind, state, rows)


def _most_overdue(now: datetime) -> Select[tuple[str, str, str, str]]:
    """Where the open watch that is due longest is, its kind and state; if it may be asked about."""
    may_ask = or_(regions.c.account.is_(None), is_due(regions, now))
    same = and_(
        regions.c.service == SERVICE,
        regions.c.account == watches.c.account,
        regions.c.region == watches.c.region,
    )
    return (
        select(watches.c.account, watches.c.region, watches.c.kind, watches.c.state)
        .select_from(watches.outerjoin(regions, same))
        .where(watches.c.state.in_(OPEN), is_due(watches, now), may_ask)
        .order_by(watches.c.due_at, watches.c.id)
        .limit(1)
    )


def _rows(connection: Connection, batch: Batch, now: datetime) -> Select[tuple[object, ...]]:
    """All due watches on the 200 ids of the batch that are due longest."""
    key = watches.c[batch.key]
    of_batch = (watches.c.kind == batch.kind, watches.c.state == batch.state)
    due = and_(_in(watches, batch), *of_batch, is_due(watches, now))
    ids = select(key).where(due).group_by(key).order_by(func.min(watches.c.due_at))
    wanted = connection.execute(ids.limit(FILTER_VALUES)).scalars().all()
    return select(watches).where(due, key.in_(wanted)).order_by(watches.c.id).with_for_update()


def _next(now: datetime, poll_seconds: float) -> datetime:
    # On a grid, so that watches made at different moments are asked about in the same call.
    slot = math.floor(now.timestamp() / poll_seconds) + 1
    return datetime.fromtimestamp(slot * poll_seconds, UTC)


def postpone(engine: Engine, batch: Batch, now: datetime, poll_seconds: float, error: str) -> float:
    """AWS could not be asked: leave the region alone for a while that grows, and say why.

    Nothing is lost by it: its watches wait on. Returns the seconds until it is asked again.
    """
    same = _troubled(batch)
    with engine.begin() as connection:
        failures = (connection.execute(select(regions.c.failures).where(same)).scalar() or 0) + 1
        longest = max(LONGEST_DELAY, poll_seconds)
        delay = min(poll_seconds * 2.0 ** min(failures, 30), longest) * random.uniform(0.75, 1)
        row = {
            "service": SERVICE,
            "account": batch.account,
            "region": batch.region,
            "failures": failures,
            "due_at": now + timedelta(seconds=delay),
            "due_set_at": now,
        }
        connection.execute(delete(regions).where(same))
        connection.execute(insert(regions).values(row))
        told = update(watches).where(_in(watches, batch), watches.c.state.in_(OPEN))
        connection.execute(told.values(last_error=error))
    return round(delay, 1)


def heal(connection: Connection, batch: Batch) -> None:
    """AWS answered: the region's trouble is over."""
    connection.execute(delete(regions).where(_troubled(batch)))
    told = update(watches).where(_in(watches, batch), watches.c.last_error != "")
    connection.execute(told.values(last_error=""))


def _troubled(batch: Batch) -> ColumnElement[bool]:
    return and_(regions.c.service == SERVICE, _in(regions, batch))


def _in(table: Table, batch: Batch) -> ColumnElement[bool]:
    return and_(table.c.account == batch.account, table.c.region == batch.region)

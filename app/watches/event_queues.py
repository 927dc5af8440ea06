"""The queues that EventBridge feeds: which there are, what came of hearing them, what they tell."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    and_,
    delete,
    or_,
    select,
    update,
)

from app.aws.listing import in_parts
from app.db import upsert
from app.watches import trouble
from app.watches.tables import event_queues, is_due, regions, watches

SERVICE = "sqs"
FIRST_SECONDS, LONGEST_SECONDS = 2.0, 120.0
_AT_ONCE = 500  # ids in one statement


@dataclass(frozen=True)
class EventQueue:
    """A queue that is heard.

    ``heard_at``: when its last messages came; ``messages``: how many have. ``error``: why it
    cannot be heard now, and ``again_at`` when it is tried again.
    """

    account: str
    region: str
    queue_url: str
    queue_arn: str
    rule_name: str
    made_at: datetime
    heard_at: datetime | None
    messages: int
    error: str
    again_at: datetime | None

    @property
    def place(self) -> tuple[str, str]:
        """Account and region."""
        return (self.account, self.region)


class EventQueues:
    """Keeps the rows of the queues, and puts what they tell on watches.

    Every method is one transaction.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def add(
        self, *, account: str, region: str, queue_url: str, queue_arn: str, rule_name: str
    ) -> None:
        """From now on hear this queue; in place of the one that the region had, if it had one."""
        row = {"queue_url": queue_url, "queue_arn": queue_arn, "rule_name": rule_name, "error": ""}
        with self._engine.begin() as connection:
            upsert(
                connection,
                event_queues,
                {"account": account, "region": region},
                {**row, "made_at": self._clock(), "heard_at": None, "messages": 0},
            )
            trouble.heal(connection, _key(account, region))

    def remove(self, account: str, region: str) -> None:
        """Hear the region's queue no more."""
        with self._engine.begin() as connection:
            connection.execute(delete(event_queues).where(_in(event_queues, account, region)))
            trouble.heal(connection, _key(account, region))

    def get(self, account: str, region: str) -> EventQueue | None:
        """The queue of a region, or None."""
        found = self._read(_all().where(_in(event_queues, account, region)))
        return found[0] if found else None

    def all(self) -> list[EventQueue]:
        """All queues, by account and region."""
        return self._read(_all())

    def due(self, now: datetime) -> list[EventQueue]:
        """Those that are to be heard now: not those that were in trouble just before."""
        return self._read(_all().where(or_(regions.c.due_at.is_(None), is_due(regions, now))))

    def told(self, queue: EventQueue, ids: Collection[str], messages: int, now: datetime) -> bool:
        """Messages came, about these resources: what waits for them is due. Whether any does."""
        with self._engine.begin() as connection:
            self._heal(connection, queue)
            heard = {"heard_at": now, "messages": event_queues.c.messages + messages}
            mine = _in(event_queues, *queue.place)
            connection.execute(update(event_queues).where(mine).values(heard))
            return hurry(connection, queue.account, queue.region, ids, now)

    def again(self, place: tuple[str, str], ids: Collection[str], now: datetime) -> bool:
        """Have AWS asked once more about these; whether a watch still waits for one of them."""
        with self._engine.begin() as connection:
            return hurry(connection, *place, ids, now)

    def well(self, queue: EventQueue) -> None:
        """The queue can be heard again."""
        with self._engine.begin() as connection:
            self._heal(connection, queue)

    def troubled(self, queue: EventQueue, error: str, now: datetime) -> float:
        """The queue cannot be heard: leave it alone for a while that grows, and say why.

        Returns the seconds until it is tried again.
        """
        with self._engine.begin() as connection:
            mine = _in(event_queues, *queue.place)
            if not connection.execute(
                update(event_queues).where(mine).values(error=error)
            ).rowcount:
                return 0.0  # nobody wants to hear it any more
            delay = trouble.leave_alone(connection, _key(*queue.place), _seconds, now)
        return round(delay, 1)

    def _heal(self, connection: Connection, queue: EventQueue) -> None:
        if queue.error:
            mine = _in(event_queues, *queue.place)
            connection.execute(update(event_queues).where(mine).values(error=""))
            trouble.heal(connection, _key(*queue.place))

    def _read(self, query: Select[Any]) -> list[EventQueue]:
        with self._engine.connect().execution_options(reading=True) as connection:
            rows = connection.execute(query).mappings()
            return [EventQueue(**row) for row in rows]


def hurry(
    connection: Connection, account: str, region: str, ids: Collection[str], now: datetime
) -> bool:
    """Make those watches of a place due that wait for these resources; whether there were any.

    When they were made due before this stays as it is: AWS has not been asked since.
    """
    found: list[str] = []
    for some in in_parts(sorted(ids), _AT_ONCE):
        waiting = (watches.c.state == "waiting", watches.c.resource_id.in_(some))
        query = select(watches.c.id).where(_in(watches, account, region), *waiting)
        found += connection.execute(query.order_by(watches.c.id).with_for_update()).scalars()
    for some in in_parts(found, _AT_ONCE):
        connection.execute(update(watches).where(watches.c.id.in_(some)).values(due_at=now))
    return bool(found)


def _all() -> Select[Any]:
    same = and_(
        regions.c.service == SERVICE,
        regions.c.account == event_queues.c.account,
        regions.c.region == event_queues.c.region,
    )
    return (
        select(event_queues, regions.c.due_at.label("again_at"))
        .select_from(event_queues.outerjoin(regions, same))
        .order_by(event_queues.c.account, event_queues.c.region)
    )


def _key(account: str, region: str) -> trouble.Key:
    return {"service": SERVICE, "account": account, "region": region}


def _seconds(failures: int) -> float:
    return trouble.growing(failures, FIRST_SECONDS, LONGEST_SECONDS, 0.75)


def _in(table: Table, account: str, region: str) -> ColumnElement[bool]:
    return and_(table.c.account == account, table.c.region == region)

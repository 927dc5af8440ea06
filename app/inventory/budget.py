"""How many calls the collector makes: a quarter of what AWS lets an account make in a region.

AWS counts per account, region and operation, with a bucket of calls that refills. So does this,
in the database, so that all processes share it. Calls that a person waits for are not counted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

import structlog
from sqlalchemy import Connection, select, update

from app.aws import attempts
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.aws.operations import Repeat
from app.db import insert_new
from app.inventory.schedule import Pace
from app.inventory.tables import budgets

log = structlog.get_logger(__name__)

LOT = 5  # calls that are taken at once, to save writes
_KEEP_LOT = timedelta(seconds=5)  # then the bucket has refilled, and what is left of a lot lapses
_SLOWEST = 16  # a rate is halved down to this part of itself
_SLOW_FOR = timedelta(seconds=60)  # then it doubles again
_FIRST_WAIT, _LONGEST_WAIT = 2.0, 30.0  # seconds between two tries of a call that was throttled
PATIENCE = 180.0  # seconds until a call that is throttled fails


class Key(NamedTuple):
    """What AWS counts calls by; the operation with its service, such as ``ec2:DescribeImages``."""

    account: str
    region: str
    operation: str


class Limit(NamedTuple):
    """A bucket of so many calls (a lot in hand comes on top), and so many a second flow in."""

    bucket: float
    rate: float


# AWS's own, for Describe*: a bucket of 100, 20 a second. Of SNS's it publishes a rate only: 30 a
# second for what lists, 10 for tags. SQS is as good as unlimited.
_EC2 = Limit(20, 5)
_OTHER = Limit(10, 5)
_LIMITS = {"sns:ListTagsForResource": Limit(5, 2.5)}


def limit_of(operation: str) -> Limit:
    """The budget of an operation."""
    return _LIMITS.get(operation, _EC2 if operation.startswith("ec2:") else _OTHER)


def _at(key: Key) -> tuple[Any, ...]:
    return (
        budgets.c.account == key.account,
        budgets.c.region == key.region,
        budgets.c.operation == key.operation,
    )


def _row(connection: Connection, key: Key, limit: Limit, now: datetime) -> dict[str, Any]:
    """The budget as it is at ``now``, nobody else's until it is written; a new one is full."""
    held = select(budgets).where(*_at(key)).with_for_update()
    found = connection.execute(held).mappings().first()
    if found is None:
        full = {"tokens": limit.bucket, "at": now, "rate": limit.rate, "slowed_until": None}
        insert_new(connection, budgets, key._asdict(), **full)
        found = connection.execute(held).mappings().one()
    elapsed = max(0.0, (now - found["at"]).total_seconds())  # the clock may have been set back
    rate, until = found["rate"], found["slowed_until"]
    tokens = min(limit.bucket, found["tokens"] + elapsed * rate)
    if until is not None and not now < until <= now + _SLOW_FOR:
        rate = min(limit.rate, rate * 2)
        until = now + _SLOW_FOR if rate < limit.rate else None
    return {"tokens": tokens, "at": now, "rate": rate, "slowed_until": until}


def reserve(
    connection: Connection, key: Key, limit: Limit, wanted: int, now: datetime
) -> tuple[int, float]:
    """Take up to ``wanted`` calls; if there is none, 0 and the seconds until there is one."""
    row = _row(connection, key, limit, now)
    # at a slow rate no more than a second's worth, or they would be made all at once
    taken = int(min(wanted, max(1.0, row["rate"]), row["tokens"]))
    row["tokens"] -= taken
    connection.execute(update(budgets).where(*_at(key)).values(row))
    return taken, 0.0 if taken else (1 - row["tokens"]) / row["rate"]


def slow_down(connection: Connection, key: Key, limit: Limit, now: datetime) -> None:
    """Halve the rate of a budget, and let it begin empty; it recovers minute by minute."""
    row = _row(connection, key, limit, now)
    row["rate"] = max(row["rate"] / 2, limit.rate / _SLOWEST)
    row |= {"tokens": 0.0, "slowed_until": now + _SLOW_FOR}
    connection.execute(update(budgets).where(*_at(key)).values(row))


class Purse(Protocol):
    """Where the budgets are kept: the inventory."""

    def now(self) -> datetime:
        """The present moment."""

    def reserve(self, key: Key, limit: Limit, wanted: int, now: datetime) -> tuple[int, float]:
        """As the function of that name."""

    def slow_down(self, key: Key, limit: Limit, now: datetime) -> None:
        """As the function of that name."""


class Budget:
    """The budgets as the collector's threads use them.

    ``wait(seconds)`` waits, and raises what ends the caller's work when it is not to go on.
    """

    def __init__(self, purse: Purse, wait: Callable[[float], None]) -> None:
        self._purse = purse
        self.wait = wait
        self._lock = threading.Lock()
        self._lots: dict[Key, tuple[int, datetime]] = {}

    def take(self, key: Key) -> None:
        """Wait until a call may be made."""
        while not self._from_lot(key):
            now = self._purse.now()
            taken, seconds = self._purse.reserve(key, limit_of(key.operation), LOT, now)
            if taken:
                with self._lock:
                    self._lots[key] = (taken - 1, now)
                return
            self.wait(min(seconds, _LONGEST_WAIT))

    def _from_lot(self, key: Key) -> bool:
        now = self._purse.now()
        with self._lock:
            left, at = self._lots.get(key, (0, now))
            if left < 1 or not at <= now <= at + _KEEP_LOT:
                return False
            self._lots[key] = (left - 1, at)
            return True

    def slow_down(self, key: Key) -> None:
        """A call was refused for their number."""
        log.warning("throttled", account=key.account, region=key.region, operation=key.operation)
        with self._lock:
            self._lots.pop(key, None)
        self._purse.slow_down(key, limit_of(key.operation), self._purse.now())


class Budgeted:
    """The clients of an account as the collector uses them: within its budget, and patient.

    A call that is throttled waits and is made again, so that a long refresh goes on where it was.
    Only after minutes it fails. ``turn`` waits for what else must be awaited right before each
    request. Everything else is as the clients have it.
    """

    def __init__(
        self,
        clients: Clients,
        account: str,
        budget: Budget,
        pace: Pace,
        turn: Callable[[], object] = lambda: None,
    ) -> None:
        self._clients = clients
        self._account = account
        self._budget = budget
        self._pace = pace
        self._turn = turn

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clients, name)

    def send(
        self,
        service: str,
        operation: str,
        parameters: dict[str, Any],
        region: str,
        repeat: Repeat,
        **more: Any,
    ) -> dict[str, Any]:
        """As Clients.send."""
        key = Key(self._account, region, f"{service}:{operation}")
        waited, delay = 0.0, _FIRST_WAIT
        with self._pace.call((self._account, region)) as number, self._in_turn(number):
            while True:
                self._budget.take(key)
                try:
                    answer = self._clients.send(
                        service, operation, parameters, region, repeat, **more
                    )
                    for _ in range(_retries(answer)):  # AWS has counted those too
                        self._budget.take(key)
                    return answer
                except AwsError as error:
                    if error.trouble != "throttled":
                        raise
                    self._budget.slow_down(key)
                    if waited >= PATIENCE:
                        raise
                self._budget.wait(delay)
                waited, delay = waited + delay, min(delay * 2, _LONGEST_WAIT)

    def _in_turn(self, number: int) -> AbstractContextManager[None]:
        def wait() -> None:
            with self._pace.waiting(number):
                self._turn()

        return attempts.each(wait)


def _retries(answer: dict[str, Any]) -> int:
    return int(answer.get("ResponseMetadata", {}).get("RetryAttempts", 0))

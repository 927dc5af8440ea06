"""Guessing passwords is slowed, for a name and for an address, and locks nobody out.

Each attempt counts, before it is looked at, as a failure for

- the name at this address: five are free, then each doubles the wait, up to a quarter of an hour;
- the address: twenty are free, then the same;
- the name, wherever it comes from: a hundred are free, then up to a minute. This holds off many
  addresses together. An address has its first three attempts at a name in spite of it, so that
  nobody elsewhere can keep its owner out.

A browser in which somebody has signed in before has a count of its own instead of all these.
A day after its last failure a count is forgotten. Keys are digests: what is typed for a name may be
a password.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, select, update

from app.db import insert_new
from app.people.tables import guesses
from app.settings.wire import network_of

FORGOTTEN = timedelta(days=1)
FIRST = 3
KEPT = 100_000  # rows at most after a sweep


@dataclass(frozen=True)
class Count:
    """One of the counts of an attempt: how many failures are free, and the longest wait."""

    key: str
    free: int
    ceiling: timedelta
    # it does not hold for who has failed fewer than FIRST times by the first of the counts
    not_at_first: bool = False

    def wait(self, failures: int) -> timedelta:
        """How long to wait after so many failures."""
        over = failures - self.free
        if over < 0:
            return timedelta(0)
        return min(self.ceiling, timedelta(seconds=2 ** min(over, 20)))


def counts(secret: str, name: str, address: str, browser: str = "") -> tuple[Count, ...]:
    """What an attempt counts for. ``browser``: the id of one that is known to be this name's."""

    def key(what: str, *parts: str) -> str:
        told = "\0".join((what, *parts)).encode("utf-8", "surrogatepass")
        return f"{what}:{hmac.new(secret.encode(), told, hashlib.sha256).hexdigest()}"

    quarter = timedelta(minutes=15)
    if browser:
        return (Count(key("browser", browser, name), 10, quarter),)
    place = network_of(address)
    return (
        Count(key("pair", name, place), 5, quarter),
        Count(key("address", place), 20, quarter),
        Count(key("name", name), 100, timedelta(minutes=1), not_at_first=True),
    )


def begin(engine: Engine, attempt: tuple[Count, ...], at: datetime) -> int:
    """Commit that an attempt is made. Returns 0, or for how many seconds there may be none.

    It counts as a failure at once: many that are sent together are not looked at for free.
    """
    with engine.connect() as connection:
        rows = _rows(connection, attempt, at)
        at_first = rows[attempt[0].key][0] < FIRST
        waits = [rows[each.key][1] - at for each in attempt if not (at_first and each.not_at_first)]
        longest = max(waits)
        if longest > timedelta(0):  # it leaves no trace, however often it is tried
            return math.ceil(longest.total_seconds())
        for count in attempt:
            _write(connection, count, rows[count.key][0] + 1, at)
        connection.commit()
    return 0


def succeeded(engine: Engine, attempt: tuple[Count, ...], at: datetime) -> None:
    """Commit that the attempt was right: it was no failure.

    What the name failed at this address, or in this browser, is forgotten; of the address only this
    attempt is, or whoever has an account could go on guessing at others' from there.
    """
    with engine.begin() as connection:
        rows = _rows(connection, attempt, at)
        for count in attempt:
            left = 0 if count is attempt[0] else max(0, rows[count.key][0] - 1)
            _write(connection, count, left, at)


def undo(engine: Engine, attempt: tuple[Count, ...], at: datetime) -> None:
    """Commit that the attempt was not looked at after all."""
    with engine.begin() as connection:
        rows = _rows(connection, attempt, at)
        for count in attempt:
            _write(connection, count, max(0, rows[count.key][0] - 1), at)


def sweep(engine: Engine, at: datetime) -> None:
    """Forget what is old, and the oldest of far too many."""
    newest = select(guesses.c.last_at).order_by(guesses.c.last_at.desc()).offset(KEPT).limit(1)
    with engine.begin() as connection:
        connection.execute(delete(guesses).where(guesses.c.last_at < at - FORGOTTEN))
        oldest = connection.scalar(newest)
        if oldest is not None:
            connection.execute(delete(guesses).where(guesses.c.last_at <= oldest))


def _rows(
    connection: Connection, attempt: tuple[Count, ...], at: datetime
) -> dict[str, tuple[int, datetime]]:
    # in one order, so that two attempts never wait for each other
    return {key: _locked(connection, key, at) for key in sorted(each.key for each in attempt)}


def _locked(connection: Connection, key: str, at: datetime) -> tuple[int, datetime]:
    """The failures of a count, and when one may try again; its row is made if there is none."""
    insert_new(connection, guesses, {"key": key}, failures=0, next_at=at, last_at=at)
    query = select(guesses.c.failures, guesses.c.next_at, guesses.c.last_at)
    row = connection.execute(query.where(guesses.c.key == key).with_for_update()).one()
    if row.last_at < at - FORGOTTEN:
        return 0, at
    return row.failures, row.next_at


def _write(connection: Connection, count: Count, failures: int, at: datetime) -> None:
    values = {"failures": failures, "next_at": at + count.wait(failures), "last_at": at}
    connection.execute(update(guesses).where(guesses.c.key == count.key).values(**values))

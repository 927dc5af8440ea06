"""Places in trouble, as all processes know them: each is left alone for a while that grows.

What such a place is, a region of EC2, a way to SNS or a queue, is its caller's business.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, select

from app.db import upsert
from app.watches.tables import regions

Key = Mapping[str, str]  # service, account and region: what identifies a place


def row_of(key: Key) -> ColumnElement[bool]:
    """The condition that finds a place's row; it has one while it is in trouble."""
    return and_(*(regions.c[name] == value for name, value in key.items()))


def growing(times: int, first: float, most: float, least: float) -> float:
    """How many seconds to wait after so many failures: ``first``, twice that …, at most ``most``.

    It is shortened by chance, to the part ``least`` of it, so that not all try at once.
    """
    return min(first * 2.0 ** min(times - 1, 30), most) * random.uniform(least, 1)


def leave_alone(
    connection: Connection, key: Key, seconds: Callable[[int], float], now: datetime
) -> float:
    """Write down that a place failed once more; returns the seconds until it is tried again.

    ``seconds``: how long that is after so many failures.
    """
    held = select(regions.c.failures).where(row_of(key)).with_for_update()
    failures = (connection.execute(held).scalar() or 0) + 1
    delay = seconds(failures)
    due_at = now + timedelta(seconds=delay)
    values = {"failures": failures, "due_at": due_at, "due_set_at": now}
    upsert(connection, regions, key, values)
    return delay


def heal(connection: Connection, key: Key) -> bool:
    """A place works; whether it was in trouble."""
    return connection.execute(delete(regions).where(row_of(key))).rowcount > 0

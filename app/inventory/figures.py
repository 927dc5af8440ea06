"""How old what is known of each scope is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from app.inventory.jobs import LOOKED_AT, SPREAD
from app.inventory.progress import Collection, all_collections
from app.inventory.store import Scope
from app.settings import Settings


@dataclass(frozen=True)
class Lag:
    """Seconds since the last complete refresh began, and by how many that is longer than meant.

    Both are infinite for a scope that was never read whole.
    """

    age: float
    lag: float


def lags(connection: Connection, settings: Settings, now: datetime) -> Mapping[Scope, Lag]:
    """Of every scope that was ever tried."""
    found = all_collections(connection)
    return {scope: _lag(each, settings, now) for scope, each in sorted(found.items())}


def _lag(collection: Collection, settings: Settings, now: datetime) -> Lag:
    if collection.seen_at is None:
        return Lag(math.inf, math.inf)
    age = max(0.0, (now - collection.seen_at).total_seconds())
    wanted = collection.wanted_at
    looked_at = wanted is not None and abs(now - wanted) <= LOOKED_AT
    every = settings.idle_refresh_seconds * (1 + SPREAD)
    if looked_at:
        every = settings.refresh_seconds
    return Lag(age, max(0.0, age - every))

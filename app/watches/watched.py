"""What pollers read again and again, so that nobody else need do so."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Engine, select

from app.resources import AWAITED
from app.watches.tables import watches

FRESH = timedelta(seconds=5)  # for so long what was read of it goes
# Whoever was not taken up by a poller for longer is not read: there is none, or AWS is away.
ALIVE = timedelta(seconds=90)


class Watched:
    """Knows the resources under a watch that waits, by kind, account and region. Thread-safe."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at: datetime | None = None
        self._ids: dict[tuple[str, str, str], set[str]] = {}

    def of(self, kind: str, account: str, region: str) -> set[str]:
        """The ids of a kind of resource in a region."""
        with self._lock:
            now = self._clock()
            if self._read_at is None or not self._read_at <= now < self._read_at + FRESH:
                self._ids, self._read_at = self._read(now), now
            return self._ids.get((kind, account, region), set())

    def _read(self, now: datetime) -> dict[tuple[str, str, str], set[str]]:
        kinds = [each.kind for each in AWAITED.values() if each.kind == each.resource]
        names = ("kind", "account", "region", "resource_id")
        query = select(*(watches.c[name] for name in names)).where(
            watches.c.state == "waiting",
            watches.c.kind.in_(kinds),
            watches.c.due_set_at > now - ALIVE,
        )
        found: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        with self._engine.connect().execution_options(reading=True) as connection:
            for kind, account, region, resource_id in connection.execute(query):
                found[kind, account, region].add(resource_id)
        return found

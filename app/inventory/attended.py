"""The resources whose pages are open: when they are to be read again, and when they were."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from app.inventory.store import Scope

AGAIN = timedelta(seconds=10)  # between two readings of a resource whose page is open
_REMEMBERED = timedelta(minutes=5)
_Key = tuple[Scope, str]


class Attended:
    """For several threads. A resource is its scope and id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[_Key, datetime] = {}
        self._read: dict[_Key, datetime] = {}

    def ask(self, scope: Scope, resource_id: str, now: datetime) -> bool:
        """Note that its page is open; returns whether it is to be read again."""
        with self._lock:
            last = self._asked.get((scope, resource_id))
            if last is not None and abs(now - last) < AGAIN:
                return False
            self._asked = {**_young(self._asked, now, AGAIN), (scope, resource_id): now}
            self._read = _young(self._read, now, _REMEMBERED)
        return True

    def read(self, scope: Scope, ids: Iterable[str], at: datetime) -> None:
        """Note that they were found by a reading that began at ``at``."""
        with self._lock:
            self._read |= {(scope, each): at for each in ids if (scope, each) in self._asked}

    def read_at(self, scope: Scope, resource_id: str) -> datetime | None:
        """When it was last read for its page; None if that was not, or long ago."""
        with self._lock:
            return self._read.get((scope, resource_id))


def _young(times: Mapping[_Key, datetime], now: datetime, age: timedelta) -> dict[_Key, datetime]:
    return {key: at for key, at in times.items() if abs(now - at) < age}

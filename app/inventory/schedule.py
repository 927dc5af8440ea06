"""When to try again: pauses that grow, and readings that follow an action."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta

# An action's effect shows within seconds, rarely later.
SETTLE_AFTER = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 10, 20, 45))


class Pauses:
    """What is not to be tried before a certain time; the pause doubles from failure to failure."""

    def __init__(self) -> None:
        self._pauses: dict[Hashable, tuple[datetime, timedelta]] = {}

    def grow(self, key: Hashable, now: datetime, first: timedelta, most: timedelta) -> None:
        """Leave ``key`` alone for ``first``, or twice as long as last time, at most ``most``."""
        last = self._pauses.get(key)
        pause = first if last is None else min(last[1] * 2, most)
        self._pauses[key] = (now + pause, pause)

    def clear(self, key: Hashable) -> None:
        """It worked: the next pause is a first one again."""
        self._pauses.pop(key, None)

    def on(self, key: Hashable, now: datetime) -> bool:
        """Whether ``key`` is to be left alone now; not longer than its pause if time steps back."""
        held = self._pauses.get(key)
        return held is not None and held[0] - held[1] <= now < held[0]


class Settling:
    """Ids to be read a few times more, since AWS's answers lag behind what was done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # actions add from the threads that serve requests
        self._due: dict[Hashable, dict[str, list[datetime]]] = defaultdict(dict)

    def add(self, key: Hashable, ids: Iterable[str], now: datetime) -> None:
        """Have ``ids`` read after each of SETTLE_AFTER."""
        with self._lock:
            for resource_id in ids:
                self._due[key][resource_id] = [now + after for after in SETTLE_AFTER]

    def keys(self) -> list[Hashable]:
        """What has ids waiting."""
        with self._lock:
            return list(self._due)

    def due(self, key: Hashable, now: datetime) -> list[str]:
        """The ids of ``key`` whose time has come."""
        with self._lock:
            waiting = self._due.get(key, {})
            return [resource_id for resource_id, times in waiting.items() if times[0] <= now]

    def done(self, key: Hashable, ids: Iterable[str], now: datetime) -> None:
        """``ids`` were read at ``now``."""
        with self._lock:
            waiting = self._due.get(key, {})
            for resource_id in ids:
                later = [time for time in waiting.pop(resource_id, []) if time > now]
                if later:
                    waiting[resource_id] = later
            if not waiting:
                self._due.pop(key, None)

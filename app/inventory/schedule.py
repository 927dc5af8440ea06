"""When to try again, what to read again, and how long that takes."""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

# An action's effect shows within seconds, rarely later.
SETTLE_AFTER = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 10, 20, 45))
SLOW = 2.0  # seconds: a call that takes longer is of a place that is slow


class Pauses:
    """What is not to be tried before a certain time; the pause doubles from failure to failure."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pauses: dict[Hashable, tuple[datetime, timedelta]] = {}

    def grow(self, key: Hashable, now: datetime, first: timedelta, most: timedelta) -> None:
        """Leave ``key`` alone for ``first``, or twice as long as last time, at most ``most``."""
        with self._lock:
            last = self._pauses.get(key)
            pause = first if last is None else min(last[1] * 2, most)
            self._pauses[key] = (now + pause, pause)

    def clear(self, key: Hashable) -> None:
        """It worked: the next pause is a first one again."""
        with self._lock:
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

    def soon(self, key: Hashable, resource_id: str, now: datetime) -> None:
        """Have one read at once, besides what it is due for."""
        with self._lock:
            self._due[key][resource_id] = [now, *self._due[key].get(resource_id, [])]

    def due(self, key: Hashable, now: datetime) -> list[str]:
        """The ids of ``key`` whose time has come, or that wait longer than they ever should."""
        with self._lock:
            waiting = self._due.get(key, {})
            return [
                resource_id
                for resource_id, times in waiting.items()
                if times[0] <= now or times[0] > now + SETTLE_AFTER[-1]
            ]

    def done(self, key: Hashable, ids: Iterable[str], now: datetime) -> None:
        """``ids`` were read at ``now``."""
        with self._lock:
            waiting = self._due.get(key, {})
            for resource_id in ids:
                times = waiting.pop(resource_id, [])
                later = [time for time in times if now < time <= now + SETTLE_AFTER[-1]]
                if later:
                    waiting[resource_id] = later
            if not waiting:
                self._due.pop(key, None)


class Changing:
    """The ids that are on their way to another state, each to be read every so often.

    An unchanged row is not written, so when it was read last is kept here. ``leeway``: for so
    long what somebody else has read is left to them, who will read it again.
    """

    def __init__(self, every: timedelta, leeway: timedelta) -> None:
        self._every = every
        self._leeway = max(every, leeway)
        self._lock = threading.Lock()
        self._due: dict[Hashable, dict[str, datetime]] = {}

    def know(self, changing: Mapping[Any, Mapping[str, datetime]]) -> None:
        """These are changing now, by key and id, with when each was read; others are not."""
        with self._lock:
            held = self._due
            self._due = {
                key: {
                    each: held.get(key, {}).get(each, seen_at + self._every)
                    for each, seen_at in ids.items()
                }
                for key, ids in changing.items()
            }

    def read(self, key: Hashable, ids: Iterable[str], at: datetime) -> None:
        """``ids`` were read at ``at``, by us."""
        self._set(key, ids, at + self._every)

    def learnt(self, key: Hashable, ids: Iterable[str], at: datetime) -> None:
        """``ids`` were read at ``at`` by somebody who will read them again."""
        self._set(key, ids, at + self._leeway)

    def _set(self, key: Hashable, ids: Iterable[str], due: datetime) -> None:
        with self._lock:
            waiting = self._due.get(key, {})
            for each in ids:
                if each in waiting:
                    waiting[each] = due

    def due(self, key: Hashable, now: datetime) -> tuple[list[str], float]:
        """The ids of ``key`` whose time has come, the longest waiting first.

        And for how many intervals that one was not read. A time that lies further ahead than any
        should be was set before the clock was set back.
        """
        with self._lock:
            waiting = self._due.get(key, {})
            late = {
                each: now - due
                for each, due in waiting.items()
                if due <= now or due > now + self._leeway
            }
        ids = sorted(late, key=lambda each: late[each], reverse=True)
        return ids, 1 + max(0.0, late[ids[0]] / self._every) if ids else 0.0


class Pace:
    """How long calls to a place take, so that a slow one is not given every thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._running: dict[int, tuple[Hashable, float]] = {}
        self._last: dict[Hashable, float] = {}
        self._next = 0

    @contextmanager
    def call(self, place: Hashable) -> Iterator[int]:
        """While this is entered, a call to ``place`` is under way; gives its number."""
        begun = self._clock()
        with self._lock:
            self._next += 1
            mine = self._next
            self._running[mine] = (place, begun)
        try:
            yield mine
        finally:
            with self._lock:
                _, begun = self._running.pop(mine)
                self._last[place] = self._clock() - begun

    @contextmanager
    def waiting(self, number: int) -> Iterator[None]:
        """While this is entered, a call has not begun yet: it waits for its turn."""
        with self._lock:
            place, _ = self._running[number]
            self._running[number] = (place, math.inf)
        try:
            yield
        finally:
            with self._lock:
                self._running[number] = (place, self._clock())

    def slow(self) -> set[Hashable]:
        """The places whose last call took long, or one of whose calls is taking long."""
        with self._lock:
            present = self._clock()
            late = {place for place, begun in self._running.values() if present - begun > SLOW}
            return late | {place for place, took in self._last.items() if took > SLOW}

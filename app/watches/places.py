"""Where calls of this process are under way, so that a place that hangs does not get them all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.watches.due import Place

SLOW = 2.0  # seconds that a call may take before its place gets no further ones
MOST = 3  # calls to a place at a time; one thread less than there are (background.POLLERS)


class Places:
    """Counts the calls under way. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._running: dict[int, tuple[Place, float]] = {}
        self._number = 0
        self._failed: set[Place] = set()

    def away(self) -> set[Place]:
        """The places that are not to be called now: they have as many calls as they may.

        One whose last call failed may have one, and one that is slow gets none besides.
        """
        found: set[Place] = set()
        with self._lock:
            now, places = self._clock(), [place for place, _ in self._running.values()]
            for place, begun in self._running.values():
                if place in self._failed or now - begun > SLOW or places.count(place) >= MOST:
                    found.add(place)
        return found

    @contextmanager
    def call(self, place: Place) -> Iterator[None]:
        """While this is entered, a call to ``place`` is under way."""
        with self._lock:
            self._number += 1
            mine = self._number
            self._running[mine] = (place, self._clock())
        failed = True
        try:
            yield
            failed = False
        finally:
            with self._lock:
                del self._running[mine]
                (self._failed.add if failed else self._failed.discard)(place)

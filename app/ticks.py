"""When each step of the background last ended, and what came of its steps."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

Outcome = Literal["busy", "idle", "failed"]
TELL_SECONDS = 60.0


class Ticks:
    """The steps of one process, by name. Thread-safe.

    Ages are of a clock that nobody can set: a step is not stuck because the time was changed.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._at: dict[str, float] = {}
        self._counts: Counter[tuple[str, Outcome]] = Counter()
        self._told: dict[str, float] = {}

    def expect(self, steps: Iterable[str]) -> None:
        """These steps are about to be made again and again; their ages begin now."""
        present = self._clock()
        with self._lock:
            self._at = dict.fromkeys(steps, present)

    def note(self, step: str, outcome: Outcome) -> bool:
        """A step has ended: it found something to do, it did not, or it failed.

        Whether that is news: a failure is when it begins, and once a minute while it lasts.
        """
        with self._lock:
            self._at[step] = present = self._clock()
            self._counts[step, outcome] += 1
            if outcome != "failed":
                self._told.pop(step, None)
                return False
            is_news = present - self._told.get(step, -math.inf) >= TELL_SECONDS
            if is_news:
                self._told[step] = present
            return is_news

    def ages(self) -> Mapping[str, float]:
        """How many seconds ago each step last ended, or was expected first."""
        present = self._clock()
        with self._lock:
            return {step: max(0.0, present - at) for step, at in sorted(self._at.items())}

    def counts(self) -> Mapping[tuple[str, Outcome], int]:
        """How many steps have ended so far, by name and what came of them."""
        with self._lock:
            return dict(self._counts)

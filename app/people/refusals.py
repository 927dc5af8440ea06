"""Refusals in the audit log: told at once, but never so many that they fill the disk.

Whoever is refused may be anybody, and may try as often as they like. Of each address and reason
one a minute is recorded, with how many there were since the one before; of one person and event no
more than sixty a minute, and those beyond stand together in one record. Whoever is not signed in
counts as one person, so that noise from outside hides nothing of what people try.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import structlog
from sqlalchemy import Engine

from app.db import DATABASE_FAULTS
from app.people import audit
from app.people.audit import By, Entry

WINDOW = 60.0  # seconds
MOST = 60  # records of one person and event in a window
_Key = tuple[str, ...]
log = structlog.get_logger()


class Refusals:
    """Those of one process. What was only counted is recorded when the window has ended."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._began = 0.0
        self._counted: dict[_Key, tuple[By, Entry, int]] = {}
        self._sorts: Counter[_Key] = Counter()
        self._timer: threading.Timer | None = None

    def record(self, by: By, entry: Entry) -> None:
        """Record that something was refused, or count it.

        A database that is away keeps no refusal from being one: it is logged that it is not told.
        """
        whose = (by.actor, entry.event)
        key = (*whose, by.address, entry.code, entry.title)
        with self._lock:
            due = self._ended()
            if key in self._counted:
                self._count(key, *self._counted[key])
            elif self._sorts[whose] < MOST:
                self._sorts[whose] += 1
                self._counted[key] = (by, entry, 0)
                due.append((by, entry))
            else:
                others = Entry(entry.event, "Refusals of many sorts", "refused", code="many")
                known = (replace(by, address="", session=""), others, 0)
                self._count(whose, *self._counted.get(whose, known))
        self._write(due)

    def flush(self) -> None:
        """Record what was counted in a window that has ended."""
        with self._lock:
            due = self._ended()
        self._write(due)

    def _count(self, key: _Key, by: By, entry: Entry, so_far: int) -> None:
        self._counted[key] = (by, entry, so_far + 1)
        if self._timer is None:
            self._timer = threading.Timer(WINDOW, self._late)
            self._timer.daemon = True
            self._timer.start()

    def _late(self) -> None:
        with self._lock:
            self._timer = None
        self.flush()

    def _ended(self) -> list[tuple[By, Entry]]:
        """What is to be told of the last window, if it has ended; a new one begins."""
        moment = self._clock()
        if moment - self._began < WINDOW:
            return []
        self._began = moment
        due = [
            (by, replace(entry, message=f"{entry.message} {_times(count)}".strip()))
            for by, entry, count in self._counted.values()
            if count
        ]
        self._counted, self._sorts = {}, Counter()
        return due

    def _write(self, due: list[tuple[By, Entry]]) -> None:
        for by, entry in due:
            try:
                audit.record(self._engine, by, entry)
            except DATABASE_FAULTS as error:
                log.warning("a refusal is not recorded", title=entry.title, error=str(error))


def _times(count: int) -> str:
    return f"(and {count:,} more within a minute of it)"

"""Refusals in the audit log: told at once, but never so many that they fill the disk.

Whoever is refused may be anybody, and may try as often as they like. Of each address and reason
one a minute is recorded, with how many there were since the one before; of all of them no more
than sixty a minute, and those beyond stand together in one record.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import structlog
from sqlalchemy import Engine

from app.db import DATABASE_FAULTS
from app.people import audit
from app.people.audit import By, Entry

WINDOW = 60.0  # seconds
MOST = 60  # records in a window
_Key = tuple[str, ...]
_OTHERS: _Key = ("others",)
log = structlog.get_logger()


class Refusals:
    """Those of one process. What was only counted is recorded when the window has ended."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._began = 0.0
        self._counted: dict[_Key, tuple[By, Entry, int]] = {}
        self._timer: threading.Timer | None = None

    def record(self, by: By, entry: Entry) -> None:
        """Record that something was refused, or count it.

        A database that is away keeps no refusal from being one: it is logged that it is not told.
        """
        key = (by.actor, by.address, entry.event, entry.code, entry.title)
        with self._lock:
            due = self._ended()
            if key not in self._counted and len(self._counted) < MOST:
                self._counted[key] = (by, entry, 0)
                due.append((by, entry))
            else:
                self._count(key if key in self._counted else _OTHERS, by, entry)
        self._write(due)

    def flush(self) -> None:
        """Record what was counted in a window that has ended."""
        with self._lock:
            due = self._ended()
        self._write(due)

    def _count(self, key: _Key, by: By, entry: Entry) -> None:
        if key == _OTHERS:
            told = self._counted.get(key, (None, None, 0))
            others = Entry("refusal", "Refusals of many sorts", "refused", code="many")
            self._counted[key] = (By(""), others, told[2] + 1)
        else:
            self._counted[key] = (*self._counted[key][:2], self._counted[key][2] + 1)
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
        self._counted = {}
        return due

    def _write(self, due: list[tuple[By, Entry]]) -> None:
        for by, entry in due:
            try:
                audit.record(self._engine, by, entry)
            except DATABASE_FAULTS as error:
                log.warning("a refusal is not recorded", title=entry.title, error=str(error))


def _times(count: int) -> str:
    return f"(and {count:,} more within a minute of it)"

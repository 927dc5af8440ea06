"""What the collector is to do next, shared by its threads."""

from __future__ import annotations

import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from app.aws.listing import FILTER_VALUES
from app.inventory.inventory import Inventory
from app.inventory.progress import Collection
from app.inventory.schedule import Changing, Pace, Pauses, Settling
from app.inventory.store import Scope
from app.settings import Settings

LOOKED_AT = timedelta(seconds=30)  # a list is asked for every few seconds while it is open
LEAST_THREADS = 2  # one for refreshes, and one for what is changing
_THINK = timedelta(seconds=0.5)  # for so long what was found to be due is gone by
_SKEW = timedelta(seconds=2)  # by so much may the clocks of two processes differ
_MARGIN = timedelta(seconds=1)  # a refresh begins so much earlier than it must
SPREAD = 0.25  # refreshes that nobody waits for differ in their interval by up to this part
_FIRST = 1_000_000.0  # more overdue than anything with an interval
_ASKED = 100_000.0

Place = tuple[str, str]  # account, region
# The ids of a kind, account and region that somebody else reads again and again.
Left = Callable[[str, str, str], AbstractSet[str]]


class Turns(Protocol):
    """Turns in which is read what somebody else reads as well."""

    def shared(self, kind: str) -> bool:
        """Whether a kind is read in turns now."""

    def take(self, wait: Callable[[float], object]) -> None:
        """Wait for a turn, by ``wait(seconds)``, right before a request is made."""


@dataclass(frozen=True)
class Job:
    """A complete refresh of a scope, or a reading of some of its resources by id.

    ``overdue``: by how many of its intervals.
    """

    scope: Scope
    overdue: float
    ids: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """Account and region."""
        return (self.scope.account, self.scope.region)

    @property
    def key(self) -> tuple[Scope, bool]:
        """What only one thread does at a time: a scope's refresh, or its readings."""
        return (self.scope, bool(self.ids))


class Jobs:
    """Says what is most overdue, and lets no place and no long work have all threads.

    ``scopes`` gives those to be collected. Thread-safe.
    """

    def __init__(
        self,
        inventory: Inventory,
        scopes: Callable[[], Sequence[Scope]],
        settings: Settings,
        me: str,
    ) -> None:
        self._inventory = inventory
        self._scopes = scopes
        self._me = me
        self._wanted_every = timedelta(seconds=settings.refresh_seconds)
        self._idle_every = timedelta(seconds=settings.idle_refresh_seconds)
        self._threads = max(LEAST_THREADS, settings.collectors)
        self.pauses = Pauses()
        self.settling = Settling()
        self.pace = Pace()
        every = timedelta(seconds=settings.changing_seconds)
        # Whoever watches reads every poll_seconds; only if that stays away it is for us to do.
        self.left: Left = lambda *_scope: frozenset()
        self.turns: Turns | None = None
        self.changing = Changing(every, timedelta(seconds=1.5 * settings.poll_seconds))
        self._lock = threading.Lock()
        self._plan: list[Job] = []
        self._planned_at: datetime | None = None
        self._stirred = False
        self._running: dict[tuple[Scope, bool], Job] = {}
        self._revisions: dict[str, int] = {}
        self._took: dict[Scope, timedelta] = {}  # what this process has refreshed, and how long

    def take(self, now: datetime) -> Job | None:
        """The most overdue job that may be done now. To be given back with ``done``."""
        with self._lock:
            job = None if self._old(now) else self._pick(now)
            if job is None and (self._stirred or self._old(now)):
                self._stirred = False
                self._plan = sorted(self._due(now), key=lambda job: job.overdue, reverse=True)
                self._planned_at = now
                job = self._pick(now)
            if job is not None:
                self._running[job.key] = job
            return job

    def done(self, job: Job) -> None:
        """A job has come to its end, whatever that was."""
        with self._lock:
            self._running.pop(job.key, None)
            self._stirred = True

    def stir(self) -> None:
        """Something is due that was not: think anew at the next ``take``."""
        with self._lock:
            self._planned_at = None

    def refreshed(self, scope: Scope, took: timedelta) -> None:
        """A refresh has come to a good end."""
        self._took[scope] = took

    def await_turn(self, kind: str, wait: Callable[[float], object]) -> None:
        """Wait for a turn, by ``wait(seconds)``, if a kind is read in turns now."""
        if self.turns is not None and self.turns.shared(kind):
            self.turns.take(wait)

    def running(self) -> list[Job]:
        """What is being done now."""
        with self._lock:
            return list(self._running.values())

    def _old(self, now: datetime) -> bool:
        at = self._planned_at
        return at is None or not at <= now < at + _THINK

    # Who may

    def _pick(self, now: datetime) -> Job | None:
        slow = self.pace.slow()
        for position, job in enumerate(self._plan):
            if self._may(job, slow) and not self._paused(job.scope, now):
                del self._plan[position]
                return job
        return None

    def _may(self, job: Job, slow: set[object]) -> bool:
        """Whether a job leaves room for others.

        One thread is always kept for readings in places that are not slow; a place, and all that
        are slow together, get half of the threads.
        """
        if job.key in self._running:
            return False
        half = max(1, self._threads // 2)
        running = self._running.values()
        if not job.ids and self._would_queue(job):
            return False
        long = [other for other in running if not other.ids or other.place in slow]
        if job.ids and job.place not in slow:
            return True
        if len(long) >= self._threads - 1 or Counter(o.place for o in long)[job.place] >= half:
            return False
        return job.place not in slow or sum(other.place in slow for other in running) < half

    def _would_queue(self, job: Job) -> bool:
        """Whether another refresh waits for the same turns: two would be no faster than one."""
        kind = job.scope.kind
        others = (other for other in self._running.values() if not other.ids)
        if self.turns is None or not any(other.scope.kind == kind for other in others):
            return False
        return self.turns.shared(kind)

    def _paused(self, scope: Scope, now: datetime) -> bool:
        place = (scope.account, scope.region)
        return self.pauses.on(place, now) or self.pauses.on(scope, now)

    # What is due

    def _due(self, now: datetime) -> Iterator[Job]:
        known = self._inventory.collections()
        self._look_for_changing(known)
        for scope in self._scopes():
            if self._paused(scope, now):
                continue
            reading = self._reading(scope, now)
            if reading is not None:
                yield reading
            overdue = self._overdue(scope, known.get(scope), now)
            if overdue >= 1:
                yield Job(scope, overdue)

    def _look_for_changing(self, known: dict[Scope, Collection]) -> None:
        revisions = {scope.kind: each.revision for scope, each in known.items()}
        if revisions != self._revisions:
            self.changing.know(self._inventory.changing_ids())
            self._revisions = revisions

    def _reading(self, scope: Scope, now: datetime) -> Job | None:
        changing, overdue = self.changing.due(scope, now)
        if changing:
            left = self.left(*scope)
            changing = [each for each in changing if each not in left]
        ids = tuple(dict.fromkeys([*self.settling.due(scope, now), *changing]))[:FILTER_VALUES]
        return Job(scope, max(1.0, overdue), ids) if ids else None

    def _overdue(self, scope: Scope, known: Collection | None, now: datetime) -> float:
        """By how many of its intervals a refresh is overdue; from 1 on it is to be made."""
        if known is None or known.started_at is None:
            return _FIRST
        if known.claimed(self._me, now):
            return 0.0
        if known.started_at > now + _SKEW:
            return 1.0  # the clock was set back: nobody knows how old that is
        overdue = (now - known.started_at) / self._every(scope, known, now)
        asked = known.asked_at
        if asked is not None and known.started_at < asked <= now:
            overdue += _ASKED
        return overdue

    def _every(self, scope: Scope, known: Collection, now: datetime) -> timedelta:
        wanted = known.wanted_at is not None and abs(now - known.wanted_at) <= LOOKED_AT
        took = self._took.get(scope)
        if wanted and took is not None:
            # What is shown is as old as the interval and the next refresh take together. Yet one
            # that takes long is not made all the time.
            most = max(self._wanted_every - took - _MARGIN, self._wanted_every / 2)
            return max(most, 1.5 * took)
        if wanted or took is None or known.failing or known.unfinished:
            return self._wanted_every
        return self._idle_every * (1 + SPREAD * _fraction(scope))


def _fraction(scope: Scope) -> float:
    """A number from 0 to 1 of each scope's own, always the same."""
    return zlib.crc32("/".join(scope).encode()) / 2**32

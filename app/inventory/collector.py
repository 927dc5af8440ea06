"""The collector keeps the inventory true."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from app.aws.accounts import Accounts
from app.aws.errors import AwsError, Trouble
from app.aws.listing import FILTER_VALUES, Description
from app.inventory.inventory import Inventory
from app.inventory.schedule import Pauses, Settling
from app.inventory.store import Scope
from app.resources.spec import Resource, Row
from app.settings import Settings

log = structlog.get_logger(__name__)

LOOKED_AT = timedelta(seconds=30)  # a list is asked for every few seconds while it is open
KEEP_GONE = timedelta(days=7)
_SWEEP_EVERY = timedelta(hours=1)
# First and longest pause after a failure; those of a whole region, and those of one kind in it.
_REGION_PAUSES: dict[Trouble, tuple[timedelta, timedelta]] = {
    "throttled": (timedelta(seconds=2), timedelta(minutes=5)),
    "unreachable": (timedelta(seconds=2), timedelta(seconds=30)),
    "uncertain": (timedelta(seconds=2), timedelta(seconds=30)),
    "credentials": (timedelta(seconds=30), timedelta(seconds=30)),
}
_KIND_PAUSE = (timedelta(seconds=15), timedelta(minutes=5))
_FIRST = 1_000_000.0  # more overdue than anything with an interval
_ASKED = 100_000.0


@dataclass(frozen=True)
class _Job:
    scope: Scope
    overdue: float  # by how many of its intervals
    ids: tuple[str, ...] = ()  # empty: a complete refresh


class Collector:
    """Refreshes what is overdue, re-reads what is changing, and what was touched.

    One per process; two processes on one database share the refreshes through claims and do each
    other no harm.
    """

    def __init__(
        self,
        inventory: Inventory,
        accounts: Accounts,
        resources: Mapping[str, Resource],
        settings: Settings,
    ) -> None:
        self._inventory = inventory
        self._accounts = accounts
        self._resources = resources
        self._wanted_every = timedelta(seconds=settings.refresh_seconds)
        self._idle_every = timedelta(seconds=settings.idle_refresh_seconds)
        self._changing_every = timedelta(seconds=settings.changing_seconds)
        self._me = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._kept: frozenset[tuple[str, str]] = frozenset()
        self._swept_at: datetime | None = None
        self._refreshed: set[Scope] = set()  # by this process
        self._read_at: dict[Scope, dict[str, datetime]] = {}
        self._pauses = Pauses()
        self._settling = Settling()

    def tick(self, now: datetime) -> bool:
        """Do the most overdue thing: a reading of a few by id, or one refresh.

        Returns whether there was something to do. Raises no AwsError: a refresh that fails is
        noted for its kind and region, and tried again after a pause.
        """
        self._keep()
        self._sweep(now)
        jobs = [*self._readings(now), *self._refreshes(now)]
        job = max(jobs, key=lambda job: job.overdue, default=None)
        if job is None:
            return False
        if job.ids:
            self._read_quietly(job, now)
        else:
            self._refresh(job.scope, now)
        return True

    def refresh(self, kind: str) -> None:
        """Ask for a complete refresh of a kind at the next ticks."""
        self._inventory.ask(kind)

    def reread(
        self,
        kind: str,
        account: str,
        region: str,
        ids: Sequence[str],
        settle: bool = True,
        action: str = "",
    ) -> list[Row]:
        """Read ``ids`` from AWS at once and store what is found; returns their rows.

        What is not there any more is marked gone, unless only the reply of its making has told of
        it: AWS may not show it yet. ``settle``: read them again a few times within the next
        minute. ``action``: the id of the console's action that touched them. Raises AwsError.
        """
        if not ids:
            return []
        scope = Scope(kind, account, region)
        now = self._inventory.now()
        if settle:
            self._settling.add(scope, ids, now)
        found = self._read(scope, ids)
        self._inventory.store(kind, account, region, found, now, trust="reread")
        absent = self._absent(scope, ids, found)
        unconfirmed, _ = self._inventory.unsettled(kind, account, region, absent, now)
        self._inventory.forget(kind, account, region, absent - unconfirmed, now, sure=False)
        rows = (self._inventory.get(kind, resource_id) for resource_id in ids)
        return [row for row in rows if row is not None and not row.gone]

    def learn(
        self,
        kind: str,
        account: str,
        region: str,
        descriptions: Sequence[Description],
        at: datetime,
    ) -> None:
        """Take over what somebody else read by id at ``at``: it need not be read again."""
        scope = Scope(kind, account, region)
        self._inventory.store(kind, account, region, descriptions, at, trust="read")
        key = self._resources[kind].id_key
        ids = [str(description.get(key)) for description in descriptions]
        self._read_at.setdefault(scope, {}).update(dict.fromkeys(ids, at))

    # What is due

    def _keep(self) -> None:
        """What is in none of the accounts and regions of the settings is no longer collected."""
        scopes = frozenset(self._accounts.scopes())
        if self._accounts.complete and scopes != self._kept:
            self._inventory.keep(scopes)
            self._kept = scopes

    def _scopes(self) -> list[Scope]:
        places = self._accounts.scopes()
        return [Scope(kind, *place) for kind in self._resources for place in places]

    def _sweep(self, now: datetime) -> None:
        if self._swept_at is None or abs(now - self._swept_at) >= _SWEEP_EVERY:
            self._swept_at = now
            self._inventory.sweep(KEEP_GONE)

    def _paused(self, scope: Scope, now: datetime) -> bool:
        return self._pauses.on(scope[1:], now) or self._pauses.on(scope, now)

    def _readings(self, now: datetime) -> Iterator[_Job]:
        # An unchanged row is not written, so when it was read last is kept here.
        changing = self._inventory.changing_ids()
        held = self._read_at
        self._read_at = {
            scope: {each: held.get(scope, {}).get(each, seen_at) for each, seen_at in ids.items()}
            for scope, ids in changing.items()
        }
        for scope in self._scopes():
            if self._paused(scope, now):
                continue
            age = {each: abs(now - at) for each, at in self._read_at.get(scope, {}).items()}
            settling = self._settling.due(scope, now)
            waiting = [each for each in age if age[each] >= self._changing_every]
            waiting.sort(key=lambda each: age[each], reverse=True)
            ids = tuple(dict.fromkeys([*settling, *waiting]))[:FILTER_VALUES]
            if ids:
                oldest = max((age[each] for each in waiting), default=self._changing_every)
                yield _Job(scope, oldest / self._changing_every, ids)

    def _refreshes(self, now: datetime) -> Iterator[_Job]:
        known = self._inventory.collections()
        for scope in self._scopes():
            if self._paused(scope, now):
                continue
            collection = known.get(scope)
            if collection is None or collection.started_at is None:
                yield _Job(scope, _FIRST)
                continue
            if collection.claimed_until is not None and collection.claimed_until > now:
                continue
            since = abs(now - collection.started_at)
            wanted = collection.wanted_at is not None and now - collection.wanted_at <= LOOKED_AT
            soon = wanted or collection.failing or scope not in self._refreshed
            overdue = since / (self._wanted_every if soon else self._idle_every)
            asked = collection.asked_at
            if asked is not None and collection.started_at < asked <= now:
                overdue += _ASKED
            if overdue >= 1:
                yield _Job(scope, overdue)

    # Doing it

    def _refresh(self, scope: Scope, now: datetime) -> None:
        if not self._inventory.claim(scope, self._me, now):
            return
        try:
            self._inventory.store_all(*scope, self._pages(scope, now), now)
        except AwsError as error:
            self._failed(scope, error, now)
        except Exception as error:
            # Ours, not AWS's: shown like AWS's, so that it is seen, and raised for the log.
            self._failed(scope, AwsError("other", type(error).__name__, str(error)), now)
            raise
        else:
            self._pauses.clear(scope)
            self._pauses.clear(scope[1:])
            self._refreshed.add(scope)
        finally:
            self._inventory.release(scope, self._me)

    def _failed(self, scope: Scope, error: AwsError, now: datetime) -> None:
        self._pause(scope, error, now)
        self._inventory.failed(scope, error, now)

    def _pause(self, scope: Scope, error: AwsError, now: datetime) -> None:
        log.warning("collecting failed", kind=scope.kind, region=scope.region, error=str(error))
        if error.trouble in _REGION_PAUSES:
            self._pauses.grow(scope[1:], now, *_REGION_PAUSES[error.trouble])
        else:
            self._pauses.grow(scope, now, *_KIND_PAUSE)

    def _pages(self, scope: Scope, now: datetime) -> Iterator[list[Description]]:
        begun = time.monotonic()
        listing = self._resources[scope.kind].listing
        for page in listing.pages(
            self._accounts.clients(scope.account), scope.region, scope.account
        ):
            yield page
            present = now + timedelta(seconds=time.monotonic() - begun)
            self._inventory.renew(scope, self._me, present)
            # What changes is not kept waiting by a long refresh.
            for job in self._readings(present):
                self._read_quietly(job, present)

    def _read_quietly(self, job: _Job, now: datetime) -> None:
        scope = job.scope
        self._settling.done(scope, job.ids, now)
        self._read_at.setdefault(scope, {}).update(dict.fromkeys(job.ids, now))
        try:
            found = self._read(scope, job.ids)
        except AwsError as error:
            self._pause(scope, error, now)
            return
        self._inventory.store(*scope, found, now, trust="read")
        absent = self._absent(scope, job.ids, found)
        _, new = self._inventory.unsettled(*scope, absent, now)
        self._inventory.forget(*scope, absent - new, now, sure=False)

    def _read(self, scope: Scope, ids: Sequence[str]) -> list[Description]:
        listing = self._resources[scope.kind].listing
        clients = self._accounts.clients(scope.account)
        return listing.read(clients, scope.region, scope.account, ids)

    def _absent(self, scope: Scope, ids: Sequence[str], found: Sequence[Description]) -> set[str]:
        key = self._resources[scope.kind].id_key
        return set(ids) - {str(description.get(key)) for description in found}

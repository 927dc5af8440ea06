"""The collector keeps the inventory true."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, cast

import structlog

from app.aws import turns
from app.aws.clients import Clients
from app.aws.errors import AwsError, Trouble
from app.aws.listing import Description
from app.db import DATABASE_FAULTS
from app.inventory.attended import Attended
from app.inventory.budget import Budget, Budgeted
from app.inventory.inventory import Inventory
from app.inventory.jobs import Job, Jobs, Left, Turns
from app.inventory.progress import RENEW
from app.inventory.store import Scope, Trust
from app.inventory.strangers import Strangers
from app.resources.spec import Resource, Row
from app.settings import Settings

log = structlog.get_logger(__name__)

ATTRIBUTE = timedelta(seconds=60)  # what changes so soon after an action is put down to it
_SWEEP_EVERY = timedelta(hours=1)
# First and longest pause after a failure; those of a whole region, and those of one kind in it.
_PLACE_PAUSES: dict[Trouble, tuple[timedelta, timedelta]] = {
    "unreachable": (timedelta(seconds=2), timedelta(seconds=30)),
    "uncertain": (timedelta(seconds=2), timedelta(seconds=30)),
    "credentials": (timedelta(seconds=30), timedelta(seconds=30)),
}
_KIND_PAUSE = (timedelta(seconds=15), timedelta(minutes=5))


class Accounts(Protocol):
    """The accounts that are collected."""

    @property
    def complete(self) -> bool:
        """Whether all accounts and regions are known: only then is what is elsewhere not ours."""

    def scopes(self) -> tuple[tuple[str, str], ...]:
        """Every (account, region) that is to be collected."""

    def clients(self, account_id: str = "") -> Clients:
        """The clients of an account. Raises AwsError."""


class Stopped(Exception):
    """The collector is to end: what is under way is left as it is."""


class Collector:
    """Refreshes what is overdue, re-reads what is changing, and what was touched.

    One per process, for several threads. Processes on one database share the refreshes through
    claims, the calls through budgets, and do each other no harm. ``wait`` waits for so many
    seconds (tests set it).
    """

    def __init__(
        self,
        inventory: Inventory,
        accounts: Accounts,
        resources: Mapping[str, Resource],
        settings: Settings,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._inventory = inventory
        self._accounts = accounts
        self._resources = resources
        self._keep_for = timedelta(days=settings.keep_days)
        self._me = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._stopping = threading.Event()
        self._wait = wait or self._stopping.wait
        self._jobs = Jobs(inventory, self._scopes, settings, self._me)
        self._budget = Budget(inventory, self._pause)
        self._lock = threading.Lock()
        self._swept_at: datetime | None = None
        self._places: set[tuple[str, str]] = set()
        self._kept: set[tuple[str, str]] | None = None
        self._renewed_at: datetime | None = None
        self._read: dict[Scope, int] = {}  # by the refreshes that run, how much
        self._attended = Attended()
        self._strangers = Strangers(inventory)

    def tick(self, now: datetime) -> bool:
        """Do the most overdue thing: a reading of a few by id, or one refresh.

        Returns whether there was something to do. Raises no AwsError: a refresh that fails is
        noted for its scope, and tried again after a pause. May be called by several threads.
        """
        if self._stopping.is_set():
            return False
        self._keep()
        self._sweep(now)
        self._renew(now)
        self._inventory.note_wanted()
        job = self._jobs.take(now)
        if job is None:
            return False
        try:
            if job.ids:
                self._read_quietly(job)
            else:
                self._refresh(job.scope, now)
        except Stopped:
            return False
        finally:
            self._jobs.done(job)
        return True

    def stop(self) -> None:
        """Let no tick begin anything more; what waits or reads on ends at its next step."""
        self._stopping.set()
        self._inventory.release(self._me)

    def refresh(self, kind: str) -> None:
        """Ask for a complete refresh of a kind at the next ticks."""
        self._inventory.ask(kind)
        self._jobs.stir()

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

        What is not there any more is marked gone, unless it was made or changed within the last
        minute: AWS may not show it yet, or for a moment not any more. ``settle``: read them again
        a few times within the next minute. ``action``: the id of the console's action that touched
        them, to which what changes within that minute is put down. Raises AwsError.
        """
        if not ids:
            return []
        scope = Scope(kind, account, region)
        now = self._inventory.now()
        if action:
            self._inventory.acted(*scope, ids, action, now + ATTRIBUTE)
        if settle:
            self._jobs.settling.add(scope, ids, now)
        self._take_in(scope, ids, self._accounts.clients(account), now, "reread", action)
        rows = (self._inventory.get(kind, resource_id) for resource_id in ids)
        return [row for row in rows if row is not None and not row.gone]

    def leave(self, to: Left) -> None:
        """Leave to somebody else what is changing and they read: ``to`` gives the ids of a scope.

        What it reads they hand over (``learn``) when it has changed.
        """
        self._jobs.left = to

    def share(self, turns: Turns) -> None:
        """Read what somebody else reads as well in turns only; a person waits for none."""
        self._jobs.turns = turns

    def learn(
        self,
        kind: str,
        account: str,
        region: str,
        descriptions: Sequence[Description],
        at: datetime,
    ) -> None:
        """Take over what somebody else, who goes on doing so, has read by id at ``at``.

        It is not read again here as long as they do.
        """
        scope = Scope(kind, account, region)
        self._inventory.store(*scope, descriptions, at, trust="read")
        key = self._resources[kind].id_key
        self._jobs.changing.learnt(scope, [str(each.get(key)) for each in descriptions], at)

    def attend(self, row: Row) -> datetime:
        """Have a resource whose page is open read again soon, once in a while.

        Returns when it was last seen to be as it is.
        """
        if row.gone:
            return row.seen_at
        scope, now = Scope(row.kind, row.account, row.region), self._inventory.now()
        if self._attended.ask(scope, row.id, now):
            self._jobs.settling.soon(scope, row.id, now)
            self._jobs.stir()
        return max(row.seen_at, self._attended.read_at(scope, row.id) or row.seen_at)

    # Chores

    def _scopes(self) -> list[Scope]:
        places = self._accounts.scopes()
        return [Scope(kind, *place) for kind in self._resources for place in places]

    def _keep(self) -> None:
        """What is in none of the accounts and regions of the settings is no longer collected."""
        places = set(self._accounts.scopes())
        if places != self._places:
            self._places = places
            self._jobs.stir()
        if places == self._kept or not self._accounts.complete:
            return
        self._inventory.keep(places)
        self._kept = places

    def _sweep(self, now: datetime) -> None:
        with self._lock:
            if self._swept_at is not None and abs(now - self._swept_at) < _SWEEP_EVERY:
                return
            self._swept_at = now
        self._inventory.sweep(self._keep_for)

    def _renew(self, now: datetime) -> None:
        """Hold the claims of what runs, in whichever thread, and note how far it is."""
        with self._lock:
            recent = self._renewed_at is not None and abs(now - self._renewed_at) < RENEW
            if recent or not self._read:
                return
            self._renewed_at = now
            read = dict(self._read)
        self._inventory.renew(self._me, read, now)

    def _pause(self, seconds: float) -> None:
        self._wait(seconds)
        if self._stopping.is_set():
            raise Stopped

    # Doing it

    def _refresh(self, scope: Scope, now: datetime) -> None:
        if not self._inventory.claim(scope, self._me, now):
            return
        self._read[scope] = 0
        try:
            self._inventory.store_all(*scope, self._pages(scope), now)
        except DATABASE_FAULTS:
            # The database, not AWS, and there is nowhere to note it. The claim stays ours.
            self._jobs.pauses.grow(scope, self._inventory.now(), *_PLACE_PAUSES["unreachable"])
            raise
        except Exception as error:
            self._broken_off(scope, error)
            if not isinstance(error, AwsError):
                raise
        else:
            self._jobs.pauses.clear(scope)
            self._jobs.pauses.clear((scope.account, scope.region))
            self._jobs.refreshed(scope, max(self._inventory.now() - now, timedelta(0)))
        finally:
            with self._lock:
                del self._read[scope]

    def _broken_off(self, scope: Scope, error: Exception) -> None:
        if not isinstance(error, Stopped):
            # Ours is shown like AWS's, so that it is seen.
            ours = AwsError("other", type(error).__name__, str(error))
            told = error if isinstance(error, AwsError) else ours
            now = self._inventory.now()
            self._pause_after(scope, told, now)
            self._inventory.failed(scope, told, now)
        self._inventory.release(self._me, scope)

    def _pause_after(self, scope: Scope, error: AwsError, now: datetime) -> None:
        log.warning("collecting failed", **scope._asdict(), error=str(error))
        if error.trouble in _PLACE_PAUSES:
            place = (scope.account, scope.region)
            self._jobs.pauses.grow(place, now, *_PLACE_PAUSES[error.trouble])
        else:
            self._jobs.pauses.grow(scope, now, *_KIND_PAUSE)

    def _pages(self, scope: Scope) -> Iterator[list[Description]]:
        listing = self._resources[scope.kind].listing
        for page in listing.pages(self._clients(scope), scope.region, scope.account):
            if self._stopping.is_set():
                raise Stopped
            with self._lock:
                self._read[scope] += len(page)
            yield page
            self._renew(self._inventory.now())
            turns.give_way()

    def _read_quietly(self, job: Job) -> None:
        scope, at = job.scope, self._inventory.now()
        self._jobs.settling.done(scope, job.ids, at)
        self._jobs.changing.read(scope, job.ids, at)
        try:
            absent = self._take_in(scope, job.ids, self._clients(scope), at, "read")
        except AwsError as error:
            self._pause_after(scope, error, self._inventory.now())
            return
        self._attended.read(scope, set(job.ids) - absent, at)

    def _clients(self, scope: Scope) -> Clients:
        """Those of an account, within its budget, and in turn."""
        clients, account = self._accounts.clients(scope.account), scope.account
        turn = partial(self._jobs.await_turn, scope.kind, self._pause)
        return cast(Clients, Budgeted(clients, account, self._budget, self._jobs.pace, turn))

    def _take_in(
        self,
        scope: Scope,
        ids: Sequence[str],
        clients: Clients,
        at: datetime,
        trust: Trust,
        action: str = "",
    ) -> set[str]:
        """Read ``ids``, store what is found, and give up what is not but for what is too new.

        Returns those that were not found. Raises AwsError.
        """
        resource = self._resources[scope.kind]
        found = resource.listing.read(clients, scope.region, scope.account, ids)
        self._inventory.store(*scope, found, at, trust=trust, action=action)
        for there, unknown in self._strangers.among(resource, scope, found, at).items():
            if there.kind in self._resources:
                self._jobs.settling.add(there, unknown, at)
        absent = set(ids) - {str(each.get(resource.id_key)) for each in found}
        new = self._inventory.unsettled(*scope, absent, at)
        self._inventory.forget(*scope, absent - new, at, sure=False, action=action)
        return absent

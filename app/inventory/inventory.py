"""What Encante knows: reads for the pages, writes for the collector. Makes no AWS call."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Engine, select, update

from app.aws.errors import AwsError
from app.aws.listing import Description
from app.db import now as db_now
from app.inventory import budget, gone, progress, store, timeline, writing
from app.inventory.bounds import Bounds
from app.inventory.entry import clean
from app.inventory.reader import Reader
from app.inventory.store import LAG, SETTLING, Reading, Scope, Trust
from app.inventory.tables import resources
from app.inventory.timeline import LIMIT, ActivityQuery, Change
from app.resources.spec import Resource, Row

_WANT_SECONDS = 10


class Inventory(Reader):
    """The last seen description of every resource, per kind, account and region.

    Times are aware; ``seen_at`` is when a reading began, before its AWS call was sent.
    """

    def __init__(
        self,
        engine: Engine,
        resources: Mapping[str, Resource],
        clock: Callable[[], datetime] = db_now,
    ) -> None:
        super().__init__(engine, resources, clock)
        self._lock = threading.Lock()
        self._wanted: dict[str, datetime] = {}  # looked at, and not yet written down
        self._noted: dict[str, float] = {}

    # Wishes

    def want(self, kind: str) -> None:
        """Note that somebody is looking at the list of a kind; ``note_wanted`` writes it down.

        A page that is only looked at writes nothing, and so waits for nobody who does.
        """
        with self._lock:
            self._wanted[kind] = self._clock()

    def note_wanted(self) -> None:
        """Write down which lists were looked at: of each kind once in ten seconds."""
        present = time.monotonic()
        with self._lock:
            due = {
                kind: at
                for kind, at in self._wanted.items()
                if present - self._noted.get(kind, -_WANT_SECONDS) >= _WANT_SECONDS
            }
            if not due:
                return
            self._noted.update(dict.fromkeys(due, present))
            for kind in due:
                del self._wanted[kind]
        try:
            with self._engine.begin() as connection:
                for kind, at in sorted(due.items()):  # all processes in the same order
                    progress.wish(connection, kind, wanted_at=at)
        except Exception:
            with self._lock:
                self._wanted = due | self._wanted
                for kind in due:
                    del self._noted[kind]
            raise

    def ask(self, kind: str) -> None:
        """Ask for a refresh of a kind in every region, soon."""
        with self._engine.begin() as connection:
            progress.wish(connection, kind, asked_at=self._clock())

    # Writing

    def store(
        self,
        kind: str,
        account: str,
        region: str,
        descriptions: Iterable[Description],
        seen_at: datetime,
        trust: Trust = "reply",
        action: str = "",
    ) -> None:
        """Store some descriptions: an action's reply, or what was read by id at ``seen_at``.

        Keys that begin with ``_`` are extras of ours; they stay when a description comes without.
        ``action``: the id of the action of ours that they are the outcome of; what is seen to
        change in them within a minute is put down to it as well.
        """
        scope = Scope(kind, account, region)
        reading = Reading(self._resources[kind], scope, seen_at, trust, action)
        writing.write(self._engine, reading, descriptions, self._clock)

    def store_all(
        self,
        kind: str,
        account: str,
        region: str,
        pages: Iterable[list[Description]],
        seen_at: datetime,
    ) -> None:
        """Store a complete refresh that began at ``seen_at``, page by page.

        Only when ``pages`` has ended normally are those that did not come marked gone. No
        transaction is open while the next page is waited for.
        """
        scope = Scope(kind, account, region)
        reading = Reading(self._resources[kind], scope, seen_at, "read")
        seen = array("q")
        for page in pages:
            seen.extend(writing.write(self._engine, reading, page, self._clock))
        gone.lose_absent(self._engine, scope, seen, seen_at, self._clock)
        with self._engine.begin() as connection:
            progress.completed(connection, scope, seen_at)

    def forget(
        self,
        kind: str,
        account: str,
        region: str,
        ids: Collection[str],
        seen_at: datetime,
        sure: bool = True,
        action: str = "",
    ) -> None:
        """Mark as gone what was deleted, or was not there when asked for at ``seen_at``.

        What was learnt of later stays. ``sure``: for a minute no background reading brings it
        back, else for as long as answers mostly lag. ``action``: the id of the action of ours that
        deleted it.
        """
        scope = Scope(kind, account, region)
        until = seen_at + (SETTLING if sure else LAG)
        for some in store.chunks(clean(resource_id) for resource_id in ids):
            with self._engine.begin() as connection:
                now = self._clock()
                these = (resources.c.id.in_(some), *gone.doubtful(seen_at, now))
                gone.lose(connection, scope, these, seen_at, until, now, action)

    def acted(
        self,
        kind: str,
        account: str,
        region: str,
        ids: Collection[str],
        action: str,
        until: datetime,
    ) -> None:
        """Put what is seen to change in ``ids`` until then down to that action of ours.

        Called before the action, so that a reading may show again what an earlier one changed.
        """
        scope = Scope(kind, account, region)
        for some in store.chunks(clean(resource_id) for resource_id in ids):
            with self._engine.begin() as connection:
                store.lock(connection, kind)
                connection.execute(
                    update(resources)
                    .where(*store.here(scope), resources.c.id.in_(some))
                    .values(acted_by=action, acted_until=until, prior=None)
                )

    def unsettled(
        self, kind: str, account: str, region: str, ids: Collection[str], at: datetime
    ) -> set[str]:
        """Those of ``ids`` that are too new, or too newly changed, to be doubted at ``at``."""
        statement = select(resources.c.id).where(
            *store.here(Scope(kind, account, region)), resources.c.sure_until > at
        )
        found: set[str] = set()
        with self._reading() as connection:
            for some in store.chunks(ids):
                found.update(connection.scalars(statement.where(resources.c.id.in_(some))))
        return found

    def keep(self, scopes: Collection[tuple[str, str]]) -> None:
        """Mark as gone what is in none of these (account, region): it is no longer collected."""
        with self._reading() as connection:
            places = progress.places(connection)
        for scope in places:
            if (scope.account, scope.region) not in scopes:
                gone.give_up(self._engine, scope, self._clock())
                with self._engine.begin() as connection:
                    progress.drop(connection, scope)

    def sweep(self, age: timedelta) -> int:
        """Forget for good what has been gone for ``age``, and changes that are as old.

        Returns how many resources.
        """
        return gone.sweep(self._engine, self._clock() - age)

    # What was seen to change

    def came_at(self, row: Row) -> datetime | None:
        """When a resource was first seen, or None: it was there at the first look, or long ago."""
        with self._reading() as connection:
            return timeline.came_at(connection, row.kind, row.id)

    def noted_since(self) -> datetime | None:
        """Since when changes are known, as far as they are kept; None before the first."""
        with self._reading() as connection:
            return timeline.first_at(connection)

    def reached(
        self, kind: str, states: Collection[str], since: datetime
    ) -> list[tuple[str, datetime]]:
        """Which resources were seen to come into one of some states, and when, newest first."""
        with self._reading() as connection:
            return timeline.reached(connection, kind, states, since)

    def timeline(
        self,
        kind: str,
        resource_id: str,
        limit: int = LIMIT,
        before_seq: int | None = None,
        *,
        within: Bounds | None = None,
    ) -> list[Change]:
        """What was seen to change in a resource, newest first; from before ``before_seq`` on."""
        with self._reading() as connection:
            return timeline.of_resource(connection, kind, resource_id, limit, before_seq, within)

    def activity(
        self,
        query: ActivityQuery,
        limit: int = LIMIT,
        before_seq: int | None = None,
        *,
        within: Bounds | None = None,
    ) -> list[Change]:
        """What was seen to change anywhere and fits the query, newest first."""
        with self._reading() as connection:
            return timeline.activity(connection, query, self._clock(), limit, before_seq, within)

    # Progress

    def collections(self) -> dict[Scope, progress.Collection]:
        """How far collecting is, of every scope that was ever tried."""
        with self._reading() as connection:
            return progress.all_collections(connection)

    def claim(self, scope: Scope, who: str, now: datetime) -> bool:
        """Take the refresh of a scope for ``who``; False if another process is at it."""
        with self._engine.begin() as connection:
            return progress.claim(connection, scope, who, now)

    def renew(self, who: str, read: Mapping[Scope, int], now: datetime) -> None:
        """Hold the claims of running refreshes for longer; ``read``: what each has read so far."""
        with self._engine.begin() as connection:
            progress.renew(connection, who, read, now)

    def release(self, who: str, scope: Scope | None = None) -> None:
        """Give back a claim, or all that ``who`` has."""
        with self._engine.begin() as connection:
            progress.release(connection, who, scope)

    def reserve(
        self, key: budget.Key, limit: budget.Limit, wanted: int, now: datetime
    ) -> tuple[int, float]:
        """Take up to ``wanted`` calls out of a budget; with none, seconds until there is one."""
        with self._engine.begin() as connection:
            return budget.reserve(connection, key, limit, wanted, now)

    def slow_down(self, key: budget.Key, limit: budget.Limit, now: datetime) -> None:
        """Halve a budget's rate, since AWS refused a call for their number."""
        with self._engine.begin() as connection:
            budget.slow_down(connection, key, limit, now)

    def failed(self, scope: Scope, error: AwsError, at: datetime) -> None:
        """Note why a refresh failed."""
        with self._engine.begin() as connection:
            progress.failed(connection, scope, error, at)

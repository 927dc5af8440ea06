"""What Encante knows: reads for the pages, writes for the collector. Makes no AWS call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, select

from app.aws.errors import AwsError
from app.aws.listing import Description
from app.db import now as db_now
from app.inventory import progress, store
from app.inventory.entry import clean
from app.inventory.reader import Reader
from app.inventory.store import SETTLING, Scope, Trust
from app.inventory.tables import resources
from app.resources.spec import Resource

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
        self._wanted: dict[str, float] = {}

    # Wishes

    def want(self, kind: str) -> None:
        """Note that somebody is looking at the list of a kind; written once in ten seconds."""
        with self._lock:
            present = time.monotonic()
            if present - self._wanted.get(kind, -_WANT_SECONDS) < _WANT_SECONDS:
                return
            self._wanted[kind] = present
        with self._engine.begin() as connection:
            progress.wish(connection, kind, wanted_at=self._clock())

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
    ) -> None:
        """Store some descriptions: an action's reply, or what was read by id at ``seen_at``.

        Keys that begin with ``_`` are extras of ours; they stay when a description comes without.
        """
        with self._engine.begin() as connection:
            self._write(connection, Scope(kind, account, region), descriptions, seen_at, trust)

    def _write(
        self,
        connection: Connection,
        scope: Scope,
        descriptions: Iterable[Description],
        seen_at: datetime,
        trust: Trust,
    ) -> set[int]:
        resource = self._resources[scope.kind]
        return store.write(connection, resource, scope, descriptions, seen_at, trust, self._clock())

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
        seen: set[int] = set()
        for page in pages:
            with self._engine.begin() as connection:
                seen |= self._write(connection, scope, page, seen_at, "read")
        now = self._clock()
        with self._engine.begin() as connection:
            absent = store.missing(connection, scope, seen, seen_at, now)
            store.mark_gone(connection, kind, absent, now, seen_at)
            progress.completed(connection, scope, seen_at)

    def forget(
        self,
        kind: str,
        account: str,
        region: str,
        ids: Collection[str],
        seen_at: datetime,
        sure: bool = True,
    ) -> None:
        """Mark as gone what was deleted, or was not there when asked for at ``seen_at``.

        What was learnt of later stays. ``sure``: for a minute no background reading brings it
        back.
        """
        scope = Scope(kind, account, region)
        with self._engine.begin() as connection:
            for some in store.chunks(ids):
                statement = select(resources.c.seq).where(
                    *store.here(scope),
                    *store.doubtful(seen_at, self._clock()),
                    resources.c.id.in_([clean(resource_id) for resource_id in some]),
                )
                seqs = list(connection.scalars(statement))
                until = seen_at + SETTLING if sure else seen_at
                store.mark_gone(connection, kind, seqs, seen_at, until)

    def unsettled(
        self, kind: str, account: str, region: str, ids: Collection[str], at: datetime
    ) -> tuple[set[str], set[str]]:
        """Of ``ids``: those of which only a reply has told, and those too new to doubt at ``at``.

        AWS may not show either of them yet.
        """
        scope = Scope(kind, account, region)
        statement = select(resources.c.id, resources.c.confirmed, resources.c.sure_until)
        unconfirmed: set[str] = set()
        new: set[str] = set()
        with self._reading() as connection:
            for some in store.chunks(ids):
                found = statement.where(*store.here(scope), resources.c.id.in_(some))
                for row in connection.execute(found):
                    if row.sure_until > at:
                        new.add(row.id)
                        if not row.confirmed:
                            unconfirmed.add(row.id)
        return unconfirmed, new

    def keep(self, scopes: Collection[tuple[str, str]]) -> None:
        """Mark as gone what is in none of these (account, region): it is no longer collected."""
        with self._engine.begin() as connection:
            progress.keep(connection, scopes, self._clock())

    def sweep(self, age: timedelta) -> int:
        """Forget for good what has been gone for ``age``. Returns how many."""
        with self._engine.begin() as connection:
            return store.sweep(connection, self._clock() - age)

    # Progress

    def collections(self) -> dict[Scope, progress.Collection]:
        """How far collecting is, of every scope that was ever tried."""
        with self._reading() as connection:
            return progress.all_collections(connection)

    def claim(self, scope: Scope, who: str, now: datetime) -> bool:
        """Take the refresh of a scope for ``who``; False if another process is at it."""
        with self._engine.begin() as connection:
            return progress.claim(connection, scope, who, now)

    def renew(self, scope: Scope, who: str, now: datetime) -> None:
        """Hold a claim for longer."""
        with self._engine.begin() as connection:
            progress.renew(connection, scope, who, now)

    def release(self, scope: Scope, who: str) -> None:
        """Give a claim back."""
        with self._engine.begin() as connection:
            progress.release(connection, scope, who)

    def failed(self, scope: Scope, error: AwsError, at: datetime) -> None:
        """Note why a refresh failed."""
        with self._engine.begin() as connection:
            progress.failed(connection, scope, error, at)

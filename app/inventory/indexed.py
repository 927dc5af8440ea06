"""The indexes of all kinds, and rows by what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy import Row as Record

from app.db import now as db_now
from app.inventory import progress, rows
from app.inventory.bounds import Bounds
from app.inventory.index import KindIndex, lists
from app.inventory.index.live import LiveIndex
from app.inventory.recent import Recent
from app.inventory.revisions import Revisions
from app.inventory.tables import resources
from app.resources.spec import Resource, Row

Tally = dict[tuple[str, str, str], int]  # by account, region, state
_STAMPS = 1000
_CATCH_UP = 60.0  # seconds, for an index that nobody asks


class Indexed:
    """What reading begins with.

    ``resources`` are the kinds by name; ``clock`` gives the present moment (tests set it).
    Methods that take a ``kind`` raise KeyError for one that is not among the resources.
    """

    def __init__(
        self,
        engine: Engine,
        resources: Mapping[str, Resource],
        clock: Callable[[], datetime] = db_now,
    ) -> None:
        self._engine = engine
        self._resources = resources
        self._clock = clock
        self._revisions = Revisions(engine)
        self._live = {kind: LiveIndex(engine, each) for kind, each in resources.items()}
        self._stamps: Recent[str] = Recent(_STAMPS)
        self._progress: Recent[list[Record[Any]]] = Recent(2 * len(resources))

    def now(self) -> datetime:
        """The present moment by the inventory's clock."""
        return self._clock()

    def written(self) -> int:
        """A number that is another one as soon as anything in the database has been written."""
        return self._revisions.now().number

    def warm(self, kind: str) -> bool:
        """Load the index of a kind, or let it catch up once in a while; False: nothing to do."""
        live = self._live[kind]
        if live.loaded and live.idle < _CATCH_UP:
            return False
        with self._index(kind) as index:
            index.order(self._resources[kind].sort.removeprefix("-"))
        return True

    def _reading(self) -> AbstractContextManager[Connection]:
        return self._engine.connect().execution_options(reading=True)

    def _index(self, kind: str) -> AbstractContextManager[KindIndex]:
        return self._live[kind].at(self._revisions.now().of(kind))

    def _tallied(self, kind: str, within: Bounds | None = None) -> Tally:
        """How many there are; also while the index is being loaded: no page waits for a list."""
        if self._live[kind].loaded:
            with self._index(kind) as index:

                def tally() -> Tally:
                    return index.tally(lists.within(index, within))

                return self._live[kind].remembered(("tally", within), tally)
        by = (resources.c.account, resources.c.region, resources.c.state)
        statement = select(*by, func.count()).where(
            resources.c.kind == kind, resources.c.gone_at.is_(None)
        )
        if within is not None:
            statement = statement.where(within.condition())
        with self._reading() as connection:
            found = connection.execute(statement.group_by(*by))
            return {(account, region, state): number for account, region, state, number in found}

    def _collected(self, kind: str, within: Bounds | None = None) -> list[Record[Any]]:
        def read() -> list[Record[Any]]:
            with self._reading() as connection:
                return progress.collected(connection, kind)

        # It changes without a revision, but never without a write.
        found = self._progress.get((kind, self._revisions.now().number), read)
        return [row for row in found if within is None or within.reach(row.account, row.region)]

    def _by_seq(self, kind: str, seqs: Sequence[int]) -> dict[int, Row]:
        if not seqs:
            return {}
        refreshed = {(row.account, row.region): row.seen_at for row in self._collected(kind)}
        with self._reading() as connection:
            return rows.by_seq(connection, self._resources[kind], seqs, refreshed)

    def _rows(self, kind: str, seqs: Sequence[int]) -> list[Row]:
        """The rows of ``seqs`` in that order, but for those that were forgotten meanwhile."""
        found = self._by_seq(kind, seqs)
        return [found[seq] for seq in seqs if seq in found]

    def _there(self, kind: str, seqs: Sequence[int]) -> list[Row]:
        """The same without those that have gone meanwhile."""
        return [row for row in self._rows(kind, seqs) if not row.gone]

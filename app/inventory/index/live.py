"""The index of a kind, kept true to the database and shared by threads."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, select

from app.aws.turns import give_way
from app.inventory.index.kind import IndexRow, KindIndex
from app.inventory.tables import kinds, resources
from app.resources.spec import Resource

Answer = TypeVar("Answer")
_CHUNK = 1000
# What has gone is told by its revision for as long as it is kept, which is a day at least: an index
# that has not looked for longer is loaded anew.
_FORGOTTEN = 12 * 3600.0
_REMEMBERED = 24
_COLUMNS = (
    resources.c.seq,
    resources.c.gone_at.is_(None),
    resources.c.id,
    resources.c.name,
    resources.c.account,
    resources.c.region,
    resources.c.state,
    resources.c.changed,
    resources.c.cells,
    resources.c.tags,
)


class LiveIndex:
    """One kind's index, for several threads; made when it is first asked for."""

    def __init__(self, engine: Engine, resource: Resource) -> None:
        self._engine = engine
        self._resource = resource
        self._index = KindIndex(resource)
        self._lock = threading.RLock()
        self._counting = threading.Lock()
        self._waiting = 0  # threads that wait for the index to be loaded
        self._loaded = False
        self._looked_at = -_FORGOTTEN
        self._version = -1
        self._answers: OrderedDict[Hashable, Any] = OrderedDict()

    @property
    def idle(self) -> float:
        """For how many seconds it has not looked at the database."""
        return time.monotonic() - self._looked_at

    @property
    def loaded(self) -> bool:
        """Whether it has been read from the database."""
        return self._loaded

    @contextmanager
    def at(self, revision: int) -> Iterator[KindIndex]:
        """The index as of ``revision`` of the kind, or later; others wait until it is let go."""
        with self._counting:
            self._waiting += 1
        self._lock.acquire()
        try:
            with self._counting:
                self._waiting -= 1
            if self.idle > _FORGOTTEN:
                self._loaded = False
            if not self._loaded or revision != self._index.revision:
                self._catch_up()
            self._looked_at = time.monotonic()
            yield self._index
        finally:
            self._lock.release()

    def remembered(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """The answer to ``key`` that was given since the index last changed, or a new one.

        To be called with the index held.
        """
        if self._version != self._index.version:
            self._answers.clear()
            self._version = self._index.version
        if key in self._answers:
            self._answers.move_to_end(key)
            found: Answer = self._answers[key]
            return found
        made = self._answers[key] = make()
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
        return made

    def _catch_up(self) -> None:
        # Revision and rows in one transaction: all rows up to the revision are seen.
        with self._engine.connect().execution_options(reading=True) as connection:
            revision = revision_of(connection, self._resource.kind)
            if revision < self._index.revision:  # a database made anew
                self._index = KindIndex(self._resource)
                self._loaded, self._version = False, -1
            if self._loaded:
                self._loaded = False  # unless it ends well: half a change would be nonsense
                for rows in self._rows(connection, self._index.revision):
                    self._index.apply(rows)
            else:
                self._load(connection)
            self._index.revision = revision
            self._loaded = True

    def _load(self, connection: Connection) -> None:
        index = KindIndex(self._resource)
        for rows in self._rows(connection, None):
            index.apply(rows)
            if not self._waiting:
                give_way()
        index.fit()
        self._index, self._version = index, -1

    def _rows(self, connection: Connection, since: int | None) -> Iterator[list[IndexRow]]:
        statement = select(*_COLUMNS).where(resources.c.kind == self._resource.kind)
        if since is None:
            statement = statement.where(resources.c.gone_at.is_(None)).order_by(resources.c.seq)
        else:
            statement = statement.where(resources.c.changed > since)
        found = connection.execution_options(yield_per=_CHUNK).execute(statement)
        for some in found.partitions():
            # One text for all is read faster than one text each.
            cells = json.loads(f"[{','.join(row.cells for row in some)}]")
            tags = json.loads(f"[{','.join(row.tags for row in some)}]")
            yield [IndexRow(*row[:-2], *held) for row, *held in zip(some, cells, tags, strict=True)]


def revision_of(connection: Connection, kind: str) -> int:
    """The kind's revision; 0 if nothing of it was ever written."""
    return connection.scalar(select(kinds.c.revision).where(kinds.c.kind == kind)) or 0

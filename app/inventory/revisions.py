"""The revisions of all kinds, asked for at no cost while nothing is written."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, select
from sqlalchemy.engine.interfaces import DBAPICursor

from app.inventory.tables import kinds

_ALL = select(kinds.c.kind, kinds.c.revision)


@dataclass(frozen=True, slots=True)
class Moment:
    """The database at a moment: another ``number`` than before if anything was written since."""

    number: int
    revisions: Mapping[str, int]

    def of(self, kind: str) -> int:
        """The revision of a kind; 0 if nothing of it was ever written."""
        return self.revisions.get(kind, 0)


class Revisions:
    """The revision of each kind as it is in the database at this moment.

    SQLite tells a connection whether any other one has written since. So one connection is kept
    that never writes, and the revisions are read anew only if it says so.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._cursor: DBAPICursor | None = None
        self._version: int | None = None
        self._moment = Moment(0, {})

    def now(self) -> Moment:
        """The present moment."""
        with self._lock:
            version = self._data_version()
            if version is None or version != self._version:
                with self._engine.connect().execution_options(reading=True) as connection:
                    found = {row.kind: row.revision for row in connection.execute(_ALL)}
                # Of before they were read: what is written meanwhile is seen the next time.
                self._version = version
                self._moment = Moment(self._moment.number + 1, found)
            return self._moment

    def _data_version(self) -> int | None:
        if self._engine.dialect.name != "sqlite":
            return None
        if self._cursor is None:
            connection = self._engine.raw_connection()
            connection.detach()
            self._cursor = connection.cursor()
        self._cursor.execute("PRAGMA data_version")
        [[version]] = self._cursor.fetchall()
        return int(version)

"""The revisions of all kinds, asked for at no cost while nothing is written."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection, select

from app.inventory.tables import kinds


class Revisions:
    """The revision of each kind as it is in the database at this moment.

    SQLite tells a connection whether any other one has written since. So one connection is kept
    that never writes, and the revisions are read anew only if it says so.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._connection: PoolProxiedConnection | None = None
        self._version = -1
        self._revisions: dict[str, int] = {}

    def get(self, kind: str) -> int:
        """The revision of a kind; 0 if nothing of it was ever written."""
        return self.all().get(kind, 0)

    def all(self) -> dict[str, int]:
        """The revision of every kind that was ever written."""
        with self._lock:
            version = self._data_version()
            if version is None or version != self._version:
                with self._engine.connect().execution_options(reading=True) as connection:
                    found = connection.execute(select(kinds.c.kind, kinds.c.revision))
                    self._revisions = {row.kind: row.revision for row in found}
                # Of before they were read: what is written meanwhile is seen the next time.
                self._version = -1 if version is None else version
            return self._revisions

    def _data_version(self) -> int | None:
        if self._engine.dialect.name != "sqlite":
            return None
        if self._connection is None:
            self._connection = self._engine.raw_connection()
            self._connection.detach()
        cursor = self._connection.cursor()
        cursor.execute("PRAGMA data_version")
        found: Any = cursor.fetchone()
        cursor.close()
        return int(found[0])

"""The revisions of all kinds, asked for at next to no cost while nothing is written."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, Text, cast, func, select
from sqlalchemy.engine.interfaces import DBAPICursor

from app.inventory.tables import kinds

_ALL = select(kinds.c.kind, kinds.c.revision)
_SEEN = select(
    cast(func.pg_current_snapshot(), Text),
    select(func.json_object_agg(kinds.c.kind, kinds.c.revision)).scalar_subquery(),
)


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
    that never writes, and the revisions are read anew only if it says so. PostgreSQL tells which
    transactions a statement sees: if these are the same, so is all that they have written.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._cursor: DBAPICursor | None = None
        self._version: int | str | None = None
        self._moment = Moment(0, {})

    def now(self) -> Moment:
        """The present moment."""
        with self._lock:
            version, found = self._ask()
            if version != self._version:
                self._version = version
                self._moment = Moment(
                    self._moment.number + 1, self._read() if found is None else found
                )
            return self._moment

    def _ask(self) -> tuple[int | str, dict[str, int] | None]:
        """What tells whether anything was written since; with the revisions where they come along.

        If they do not, it is of before they are read: what is written meanwhile is seen next time.
        """
        if self._engine.dialect.name == "sqlite":
            return self._data_version(), None
        # One statement, so that both are of the same moment. It needs no transaction around it.
        engine = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            seen, found = connection.execute(_SEEN).one()
        return seen, found or {}

    def _read(self) -> dict[str, int]:
        with self._engine.connect().execution_options(reading=True) as connection:
            return {row.kind: row.revision for row in connection.execute(_ALL)}

    def _data_version(self) -> int:
        if self._cursor is None:
            connection = self._engine.raw_connection()
            connection.detach()
            self._cursor = connection.cursor()
        self._cursor.execute("PRAGMA data_version")
        [[version]] = self._cursor.fetchall()
        return int(version)

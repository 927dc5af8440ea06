"""Empty databases as the migrations make them, of either sort, made fast.

A file of SQLite is copied. A database of PostgreSQL takes fifty times as long to make as to empty,
so those that are not needed any more are emptied and given to the next. Each is emptied by a
connection that is kept for it: one that has just been made takes three times as long.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, Engine, event

from app.db import make_engine
from app.migrate import latest, upgrade
from tests.postgres import PostgresServer

SORTS = ("sqlite", "postgresql")
# For a test of what only one of them does: how it goes about a question, what it holds.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_TABLES = """
SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""
_Connection = psycopg.Connection[tuple[object, ...]]
_COUNT_ANEW = "SELECT setval(sequencename::regclass, 1, false) FROM pg_sequences"


class Databases:
    """Gives out databases. One for a whole run of tests."""

    def __init__(self, folder: Path, server: Callable[[], PostgresServer]) -> None:
        """``server`` gives the PostgreSQL of the run; it is asked only when one is needed."""
        self._folder, self._server = folder, server
        self._numbers = itertools.count()
        self._free: list[tuple[str, _Connection]] = []  # PostgreSQL's, and what empties them

    def new(self, sort: str) -> AbstractContextManager[str]:
        """The address of a database of its own, empty and migrated, deleted afterwards."""
        return self._sqlite() if sort == "sqlite" else self._postgresql()

    @contextmanager
    def bare(self, sort: str) -> Iterator[str]:
        """The address of a database without any table, deleted afterwards."""
        name = f"bare_{next(self._numbers)}"
        if sort == "sqlite":
            yield f"sqlite:///{self._folder / name}.db"
            return
        server = self._server()
        server.create(name)
        yield server.local_url(name)
        server.drop(name)

    def migrated(self, path: Path) -> None:
        """Put an empty, migrated database of SQLite there."""
        template = self._folder / "migrated.db"
        if not template.exists():
            _upgrade(f"sqlite:///{template}")
        shutil.copy(template, path)

    @contextmanager
    def _sqlite(self) -> Iterator[str]:
        path = self._folder / f"{next(self._numbers)}.db"
        self.migrated(path)
        try:
            yield f"sqlite:///{path}"
        finally:
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)

    @contextmanager
    def _postgresql(self) -> Iterator[str]:
        server = self._server()
        if not self._free:
            made = f"test_{next(self._numbers)}"
            server.create(made)
            _upgrade(server.local_url(made))
            self._free.append((made, server.connect(made)))
        name, sweeper = self._free.pop()
        try:
            yield server.local_url(name)
        finally:
            self._free.append((name, sweeper))
            _empty(sweeper)

    def close(self) -> None:
        """Close what is still connected to PostgreSQL."""
        for _, sweeper in self._free:
            sweeper.close()


def _empty(connection: _Connection) -> None:
    """Delete every row, whatever refers to it, and throw out whoever is still connected."""
    connection.execute(_OTHERS)
    connection.execute("SET session_replication_role = replica")  # no foreign key, no trigger
    for (table,) in connection.execute(_TABLES).fetchall():
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(str(table))))
    connection.execute("INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '')")
    connection.execute(_COUNT_ANEW)
    connection.execute("UPDATE alembic_version SET version_num = %s", (latest(),))


def _upgrade(url: str) -> None:
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()


def open_engine(url: str) -> Engine:
    """An engine that leaves the writing to the disk to the system: no test cuts the power."""
    engine = make_engine(url)
    leave_writing_to_the_system(engine)
    return engine


def leave_writing_to_the_system(engine: Engine) -> None:
    """Let none of an engine's connections wait for the disk, if it is SQLite's."""
    if engine.dialect.name == "sqlite":
        event.listen(
            engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF").close()
        )
        engine.dispose()


def patient(engine: Engine) -> None:
    """Let an engine's connections wait for PostgreSQL's locks for a minute, as a slow machine may
    need where many write one thing at once.
    """

    def tell(connection: Any, *_: object) -> None:
        connection.execute("SET lock_timeout = 60000")
        connection.commit()

    event.listen(engine, "connect", tell)


def impatient(engine: Engine) -> None:
    """Let an engine's connections wait for a lock for 50 ms only."""
    told = "PRAGMA busy_timeout=50" if engine.dialect.name == "sqlite" else "SET lock_timeout = 50"

    def tell(connection: Any, *_: object) -> None:
        connection.execute(told)
        connection.commit()

    event.listen(engine, "checkout", tell)
    engine.dispose()


def lock(connection: Connection) -> None:
    """Let nobody else write what collectors write, until the connection is closed."""
    connection.begin()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE collections, kinds, resources IN EXCLUSIVE MODE")

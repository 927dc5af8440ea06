"""The database: engine and metadata. SQLite in WAL mode, or PostgreSQL.

What a transaction may rely on is the same on both:

- One that says that it reads (``connection.execution_options(reading=True)``) sees one moment of
  the database, however many statements it has.
- One that writes is alone on SQLite. On PostgreSQL others write at the same time (READ COMMITTED),
  so whoever decides by what it has read locks that first (``with_for_update``), and what may or
  may not be there is written by ``upsert`` or ``insert_new``.
- What was committed is on the disk.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Engine,
    Integer,
    MetaData,
    Table,
    TypeDecorator,
    create_engine,
    event,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


# What rows are counted by where there is no end to them; SQLite's own counter is as large.
Counter = BigInteger().with_variant(Integer, "sqlite")


class Moment(TypeDecorator[datetime]):
    """A point in time: aware UTC in Python, naive UTC in the database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


# The database is in trouble (away, full, locked), or another transaction was in the way: nothing
# is wrong with what was asked for, and it may be asked again.
DATABASE_FAULTS = (OperationalError, InterfaceError, InternalError, NoConnection)
CONNECTIONS = 24  # at most at a time, to PostgreSQL: all threads of a console, and some


def make_engine(url: str, connections: int = CONNECTIONS) -> Engine:
    """An engine for ``url``; makes the folder of a SQLite file. Every write is durable.

    ``connections``: how many a PostgreSQL is asked for at most. One that it has cut, as at its
    restart, is noticed before it is used, and replaced.
    """
    if url.startswith("sqlite:///"):
        return _sqlite_engine(url)
    engine = create_engine(
        url,
        hide_parameters=True,  # an error is logged; what was to be written is nobody's business
        pool_size=connections,
        max_overflow=0,
        pool_use_lifo=True,  # few are kept busy, rather than all of them a little
        pool_recycle=1800,
        pool_pre_ping=True,
        connect_args=_POSTGRESQL,
    )
    event.listen(engine, "connect", _prepare_postgresql)
    event.listen(engine, "begin", _begin_at_a_moment)
    return engine


def _sqlite_engine(url: str) -> Engine:
    if url != "sqlite:///:memory:":
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = create_engine(url, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    turns = _Turns()
    event.listen(engine, "begin", turns.take)
    event.listen(engine, "begin", _begin_immediate)
    event.listen(engine, "commit", turns.give_back)
    event.listen(engine, "rollback", turns.give_back)
    event.listen(engine, "checkin", lambda raw, record: turns.end(record))
    return engine


class _Turns:
    """Lets this process's threads write to SQLite in the order in which they asked.

    SQLite itself lets those who wait try again now and then, so that one who writes all the time
    keeps the others waiting for seconds. Whoever has waited in vain for long tries as well.
    """

    LONGEST = 30.0  # seconds

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._holder: object = None  # the record of a connection in the pool

    def take(self, connection: Connection) -> None:
        """Called when a transaction begins: wait for its turn, if it writes."""
        if connection.get_execution_options().get("reading"):
            return
        mine = threading.Event()
        with self._lock:
            if self._holder is None and not self._waiting:
                mine.set()
            else:
                self._waiting.append(mine)
            if mine.is_set():
                self._holder = _record(connection)
                return
        if mine.wait(self.LONGEST):
            with self._lock:
                self._holder = _record(connection)
        else:
            self._leave(mine)

    def _leave(self, mine: threading.Event) -> None:
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return
        self._next()  # its turn came just now

    def give_back(self, connection: Connection) -> None:
        """Called when a transaction ends; the next one waits for SQLite's own lock."""
        self.end(_record(connection))

    def end(self, record: object) -> None:
        """The transaction on a connection has ended, if there was any."""
        if record is not None and self._holder is record:
            self._next()

    def _next(self) -> None:
        with self._lock:
            self._holder = None
            if self._waiting:
                self._holder = first = self._waiting.popleft()
                first.set()


def _record(connection: Connection) -> object:
    return connection.connection._connection_record


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """A transaction of one statement, on PostgreSQL: without ways there and back to begin and end.

    It is committed when it has been executed.
    """
    with connection.begin():
        driver: Any = connection.connection.driver_connection
        driver.autocommit = True
        try:
            yield
        finally:
            if not driver.closed:
                driver.autocommit = False


def upsert(
    connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """Write ``values`` into the row of that primary key or other unique key, made if missing."""
    statement = _insert(connection)(table).values(**key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


def insert_new(connection: Connection, table: Table, key: Mapping[str, Any], **values: Any) -> bool:
    """Make the row of that unique key unless it is there; whether it was made."""
    statement = _insert(connection)(table).values(**key, **values)
    statement = statement.on_conflict_do_nothing(index_elements=list(key))
    # SQLAlchemy keeps an insert's number of rows only if asked for.
    made = connection.execute(statement, execution_options={"preserve_rowcount": True})
    return made.rowcount == 1


def _insert(connection: Connection) -> Any:
    # Each of the two has an INSERT of its own with ON CONFLICT, said in the same words.
    return import_module(f"sqlalchemy.dialects.{connection.dialect.name}").insert


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # autocommit at the driver: SQLAlchemy's begin event below opens each transaction
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    # A transaction that reads first and writes later cannot wait for another writer; one that
    # takes the write lock at once can. Readers say so: connection.execution_options(reading=True)
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


# A server that is away is told in seconds; so is one that has vanished without a word.
_POSTGRESQL = {
    "application_name": "encante",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
# Times in milliseconds. Whoever holds locks and says nothing (its machine hangs, or has vanished)
# must not keep the others from theirs for long.
_SESSION = """
SELECT set_config('timezone', 'UTC', false),
       set_config('default_transaction_isolation', 'read committed', false),
       set_config('lock_timeout', '10000', false),
       set_config('statement_timeout', '60000', false),
       set_config('idle_in_transaction_session_timeout', '30000', false),
       set_config('tcp_keepalives_idle', '10', false),
       set_config('tcp_keepalives_interval', '5', false),
       set_config('tcp_keepalives_count', '3', false),
       CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
            THEN set_config('synchronous_commit', 'on', false) END
"""


def _prepare_postgresql(connection: Any, _record: object) -> None:
    connection.adapters.register_dumper(str, _text_dumper())
    connection.execute(_SESSION)
    connection.commit()


@cache
def _text_dumper() -> type:
    """PostgreSQL's texts cannot hold NUL; wherever one comes from, it is no reason to fail."""
    usual: Any = import_module("psycopg.types.string").StrDumperUnknown

    class Text(usual):  # type: ignore[misc]
        def dump(self, text: str) -> Any:
            return super().dump(text.replace("\0", "\ufffd"))

    return Text


def _begin_at_a_moment(connection: Any) -> None:
    # psycopg puts these two into its BEGIN, so they cost nothing.
    reading = bool(connection.get_execution_options().get("reading"))
    driver = connection.connection.driver_connection
    level = import_module("psycopg").IsolationLevel
    driver.isolation_level = level.REPEATABLE_READ if reading else level.READ_COMMITTED
    driver.read_only = reading

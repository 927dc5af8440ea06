"""Brings the database up to date, with Alembic's migrations from migrations/."""

from __future__ import annotations

import time
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError

log = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
_PATIENCE = 30.0  # seconds
_TURN = 0x656E63616E7465  # "encante": no other program that shares the database takes this one


class NewerDatabase(Exception):
    """The database was brought up to date by a newer Encante than this one; the text says so."""


def latest() -> str:
    """The newest revision, told by the file names (0001_inventory.py is revision 0001)."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def upgrade(engine: Engine) -> None:
    """Bring the database of ``engine`` to the newest revision; does nothing if it is there.

    Safe when several processes start at once: all of it happens in one transaction that holds
    SQLite's write lock, or a lock of PostgreSQL's made for this, from its beginning, so the second
    one waits and finds nothing to do. A PostgreSQL that does not answer yet is waited for, half a
    minute at most. Raises OperationalError, and NewerDatabase.
    """
    if engine.dialect.name == "postgresql":
        _wait_for_server(engine)
    found = current(engine)
    if found > latest():
        raise NewerDatabase(
            f"The database is of a newer Encante (its revision is {found}, and this one knows "
            f"{latest()} at most). Start that one."
        )
    if found == latest():
        return  # without importing Alembic, which costs more than the rest of a start
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            _wait_for_turn(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _wait_for_server(engine: Engine) -> None:
    # Whoever starts everything at once does not start it in order.
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            engine.connect().close()
            return
        except OperationalError as error:
            if time.monotonic() > end:
                raise
            log.warning("the database does not answer yet", error=" ".join(str(error.orig).split()))
            time.sleep(1)


def _wait_for_turn(connection: Connection) -> None:
    # Large tables take their time, and so does whoever came first.
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SET LOCAL lock_timeout = 0"))
    connection.execute(text(f"SELECT pg_advisory_xact_lock({_TURN})"))


def current(engine: Engine) -> str:
    """The revision that the database is at; empty for one without tables."""
    with engine.connect().execution_options(reading=True) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        return connection.scalar(text("SELECT version_num FROM alembic_version")) or ""

"""Brings the database up to date, with Alembic's migrations from migrations/."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, inspect, text

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def latest() -> str:
    """The newest revision, told by the file names (0001_inventory.py is revision 0001)."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def upgrade(engine: Engine) -> None:
    """Bring the database of ``engine`` to the newest revision; does nothing if it is there.

    Safe when several processes start at once: all of it happens in one transaction that holds
    SQLite's write lock from its beginning, so the second one waits and finds nothing to do.
    """
    if _current(engine) == latest():
        return  # without importing Alembic, which costs more than the rest of a start
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _current(engine: Engine) -> str:
    with engine.connect().execution_options(reading=True) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        return connection.scalar(text("SELECT version_num FROM alembic_version")) or ""

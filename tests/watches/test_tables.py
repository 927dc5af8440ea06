"""The tables are those that the migrations make."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

from app.db import metadata
from app.watches.tables import events, notices, regions, watches

OURS = {table.name for table in (watches, notices, events, regions)}


def test_the_migrations_make_the_tables_as_they_are_declared(engine: Engine) -> None:
    def ours(thing: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
        return kind != "table" or name in OURS

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours})
        assert compare_metadata(context, metadata) == []

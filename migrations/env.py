"""Alembic's entry: runs the migrations on the connection that app/migrate.py hands over."""

from alembic import context
from sqlalchemy import Connection

from app.db import metadata

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by making it anew
    # The caller's transaction holds it all: either every migration is done, or none.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

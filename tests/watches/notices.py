"""Notices that are owed, and trouble with the database that keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event, select
from sqlalchemy.exc import OperationalError

from app.watches import NoticeView
from app.watches.tables import notices
from tests.watches.desk import Desk
from tests.watches.fakes import FakeAws


def owed(desk: Desk, aws: FakeAws, number: int = 1, **more: str) -> str:
    """A watch whose notice is owed but not sent; returns the watch's id."""
    watch = desk.waiting(number, **more)
    aws.finish(watch.resource_id or "")
    desk.later(seconds=5)
    while desk.watches.poll(desk.now):
        pass
    return watch.id


def notice(desk: Desk, watch_id: str) -> NoticeView:
    """The only notice of a watch."""
    (only,) = desk.view(watch_id).notices
    return only


def rows(engine: Engine) -> list[dict[str, Any]]:
    """All notices as they stand in the table."""
    with engine.connect() as connection:
        found = connection.execute(select(notices).order_by(notices.c.made_at, notices.c.id))
        return [dict(row) for row in found.mappings()]


@contextmanager
def at_commit(engine: Engine, number: int, befall: Callable[[Any], None]) -> Iterator[None]:
    """Something that befalls a transaction just before it commits (the first is 1)."""
    left = [number]

    def count(connection: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            befall(connection)

    event.listen(engine, "commit", count)
    try:
        yield
    finally:
        event.remove(engine, "commit", count)


@contextmanager
def trouble(engine: Engine, at: int = 1, written: bool = False) -> Iterator[None]:
    """The database fails at that commit; ``written``: all but its answer got through."""

    def fail(connection: Any) -> None:
        if written:
            connection.connection.dbapi_connection.commit()
        raise OperationalError("COMMIT", {}, Exception("disk I/O error"))

    with at_commit(engine, at, fail):
        yield


@contextmanager
def away(engine: Engine) -> Iterator[None]:
    """The database cannot be reached at all."""

    def fail(_: Any) -> None:
        raise OperationalError("BEGIN", {}, Exception("connection refused"))

    event.listen(engine, "begin", fail)
    try:
        yield
    finally:
        event.remove(engine, "begin", fail)

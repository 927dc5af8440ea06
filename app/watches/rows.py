"""The few statements by which every part writes a watch and its history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, and_, insert, update

from app.watches.outcomes import Finding
from app.watches.tables import events, watches

Record = Mapping[str, Any]  # a row, by the names of its columns


def apply(connection: Connection, watch: Record, finding: Finding, now: datetime) -> bool:
    """Write what was found of ``watch``; False, and nothing written, if it has changed meanwhile.

    ``watch`` is the row as it was when AWS was asked: a person may have cancelled since, another
    poller may have been faster.
    """
    values = dict(finding.values)
    if finding.state != watch["state"]:
        values["state"] = finding.state
        if finding.state != "waiting":
            values["ended_at"] = now
    if values and not change(connection, watch["id"], watch["state"], values):
        return False
    for kind, text in finding.told:
        tell(connection, watch["id"], now, kind, text)
    return True


def any_row(engine: Engine, query: Select[Any]) -> bool:
    """Whether ``query`` finds anything, asked without the lock that writers wait for.

    Most steps find nothing to do, and must not get in anybody's way.
    """
    with engine.connect().execution_options(reading=True) as connection:
        return connection.execute(query).first() is not None


def change(connection: Connection, watch_id: str, state: str, values: Mapping[str, Any]) -> bool:
    """Change a watch if it is (still) in ``state``; whether it was."""
    where = and_(watches.c.id == watch_id, watches.c.state == state)
    return connection.execute(update(watches).where(where).values(values)).rowcount == 1


def tell(
    connection: Connection,
    watch_id: str,
    at: datetime,
    kind: str,
    text: str,
    notice_id: str | None = None,
) -> None:
    """Add an event to a watch's history."""
    row = {"watch_id": watch_id, "at": at, "kind": kind, "text": text, "notice_id": notice_id}
    connection.execute(insert(events), row)


def tell_of(connection: Connection, notice: Record, at: datetime, kind: str, text: str) -> None:
    """Add an event of a notice to its watch's history, if a watch owes it."""
    if notice["watch_id"] is not None:
        tell(connection, notice["watch_id"], at, kind, text, notice["id"])

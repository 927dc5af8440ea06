"""The few statements by which every part writes a watch and its history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, and_, bindparam, insert, update

from app.watches.outcomes import Finding
from app.watches.tables import events, watches

Record = Mapping[str, Any]  # a row, by the names of its columns


def apply(connection: Connection, watch: Record, finding: Finding, now: datetime) -> bool:
    """Write what was found of ``watch``; False, and nothing written, if it has changed meanwhile.

    ``watch`` is the row as it was when AWS was asked: a person may have cancelled since.
    """
    values = changes(watch, finding, now)
    if values and not change(connection, watch["id"], watch["state"], values):
        return False
    for kind, text in finding.told:
        tell(connection, watch["id"], now, kind, text)
    return True


def changes(watch: Record, finding: Finding, now: datetime) -> dict[str, Any]:
    """The columns of ``watch`` that a finding changes, and to what."""
    values = dict(finding.values)
    if finding.state != watch["state"]:
        values["state"] = finding.state
        if finding.state != "waiting":
            values["ended_at"] = now
    return values


def any_row(
    engine: Engine, query: Select[Any], parameters: Mapping[str, Any] | None = None
) -> bool:
    """Whether ``query`` finds anything, asked without the lock that writers wait for.

    ``parameters``: of the query, if it has any. Most steps find nothing to do, and must not get
    in anybody's way.
    """
    with engine.connect().execution_options(reading=True) as connection:
        return connection.execute(query, parameters).first() is not None


def change(connection: Connection, watch_id: str, state: str, values: Mapping[str, Any]) -> bool:
    """Change a watch if it is (still) in ``state``; whether it was."""
    where = and_(watches.c.id == watch_id, watches.c.state == state)
    return connection.execute(update(watches).where(where).values(values)).rowcount == 1


def change_all(connection: Connection, changed: Mapping[str, Mapping[str, Any]]) -> None:
    """Change watches that are locked, by id, each in its own way; few statements for many."""
    alike = defaultdict(list)
    for watch_id, values in changed.items():
        alike[tuple(sorted(values))].append({"the_id": watch_id, **values})
    for names, rows in alike.items():
        if names:
            values = {name: bindparam(name) for name in names}
            mine = watches.c.id == bindparam("the_id")
            connection.execute(update(watches).where(mine).values(values), rows)


def tell(
    connection: Connection,
    watch_id: str,
    at: datetime,
    kind: str,
    text: str,
    notice_id: str | None = None,
) -> None:
    """Add an event to a watch's history."""
    tell_all(connection, [event(watch_id, at, kind, text, notice_id)])


def event(
    watch_id: str, at: datetime, kind: str, text: str, notice_id: str | None = None
) -> dict[str, Any]:
    """Something that happened to a watch, as ``tell_all`` takes it."""
    return {"watch_id": watch_id, "at": at, "kind": kind, "text": text, "notice_id": notice_id}


def tell_all(connection: Connection, told: Sequence[Mapping[str, Any]]) -> None:
    """Add events to the histories of watches."""
    if told:
        connection.execute(insert(events), list(told))


def tell_of(connection: Connection, notice: Record, at: datetime, kind: str, text: str) -> None:
    """Add an event of a notice to its watch's history, if a watch owes it."""
    if notice["watch_id"] is not None:
        tell(connection, notice["watch_id"], at, kind, text, notice["id"])

"""The audit log: only ever added to, each record with the hash of the one before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine, insert, select, update

from app.db import now
from app.people.tables import audit, audit_head, audit_resources

Outcome = Literal["", "done", "failed", "refused", "uncertain"]
Phase = Literal["begun", "ended", "once"]


@dataclass(frozen=True)
class By:
    """Whose deed it is: their name and id, how they signed in, from where, in which session."""

    actor: str
    user_id: str = ""
    method: str = ""
    address: str = ""
    session: str = ""


@dataclass(frozen=True)
class Entry:
    """What happened. ``event``: call, sign-in, refusal, or what was changed (``users.add``).

    ``action``: the token of the form. ``resources``: (kind, id). ``parameters`` and ``before``
    hold no secrets: whoever records has left them out.
    """

    event: str
    title: str = ""
    outcome: Outcome = "done"
    action: str = ""
    service: str = ""
    operation: str = ""
    account: str = ""
    region: str = ""
    resources: tuple[tuple[str, str], ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    message: str = ""
    request_id: str = ""


def record(engine: Engine, by: By, entry: Entry) -> int:
    """Commit something that has happened. Returns its number in the log."""
    with engine.begin() as connection:
        return add(connection, by, entry)


def begin(engine: Engine, by: By, entry: Entry) -> int:
    """Commit what is about to be done. Returns the number that ``end`` is told."""
    with engine.begin() as connection:
        return add(connection, by, replace(entry, outcome=""), "begun")


def end(engine: Engine, by: By, begun: int, entry: Entry) -> int:
    """Commit what became of what was begun as number ``begun``."""
    with engine.begin() as connection:
        return add(connection, by, entry, "ended", begun)


def add(
    connection: Connection, by: By, entry: Entry, phase: Phase = "once", begun_by: int | None = None
) -> int:
    """Add a record in a transaction of the caller's: it is there if what it tells of is."""
    locked = select(audit_head).where(audit_head.c.id == 1).with_for_update()
    head = connection.execute(locked).one()
    values: dict[str, Any] = {
        **asdict(by),
        **asdict(entry),
        "seq": head.seq + 1,
        "at": now(),
        "phase": phase,
        "begun_by": begun_by,
        "previous": head.hash,
    }
    for name in ("resources", "parameters", "before"):
        values[name] = json.dumps(values[name], sort_keys=True, default=str)
    values["hash"] = digest(values)
    connection.execute(insert(audit).values(values))
    about = [
        {"seq": values["seq"], "kind": kind, "resource_id": each}
        for kind, each in dict.fromkeys(entry.resources)
    ]
    if about:
        connection.execute(insert(audit_resources), about)
    newest = {"seq": values["seq"], "hash": values["hash"]}
    connection.execute(update(audit_head).where(audit_head.c.id == 1).values(newest))
    return int(values["seq"])


def digest(values: Mapping[str, Any]) -> str:
    """The hash of a record: SHA-256 of all its other fields, the hash before it among them."""
    names = [column.name for column in audit.c if column.name != "hash"]
    told = {name: _told(values[name]) for name in names}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _told(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value

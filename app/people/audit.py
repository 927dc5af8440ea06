"""The audit log: only ever added to, each record with the hash of the one before it.

docs/audit.md says how the hash is made, so that any other program can check the chain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

import structlog
from sqlalchemy import Connection, Engine, String, event, insert, select, update

from app.db import now
from app.people.redaction import redacted
from app.people.tables import audit, audit_head, audit_resources

Outcome = Literal["", "done", "failed", "refused", "uncertain"]
Phase = Literal["begun", "ended", "once"]
# Characters that are kept at most of each; what is longer is cut, and says so.
_LONGEST = {"title": 1_000, "message": 4_000, "parameters": 32_000, "before": 32_000}
_CUT = " … (cut)"
MOST_RESOURCES = 1_000
log = structlog.get_logger()


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

    ``action``: the token of the form. ``resources``: (kind, id). Secrets are taken out of
    ``parameters`` and ``before`` (what it was) here; of title and message those in addresses, and
    others by whoever records.
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
    return _commit(engine, by, entry, "once", None)


def begin(engine: Engine, by: By, entry: Entry) -> int:
    """Commit what is about to be done. Returns the number that ``end`` is told."""
    return _commit(engine, by, replace(entry, outcome=""), "begun", None)


def end(engine: Engine, by: By, begun: int, entry: Entry) -> int:
    """Commit what became of what was begun as number ``begun``."""
    return _commit(engine, by, entry, "ended", begun)


def add(
    connection: Connection, by: By, entry: Entry, phase: Phase = "once", begun_by: int | None = None
) -> int:
    """Add a record in a transaction of the caller's: it is there if what it tells of is.

    To be done last: until the transaction ends, nobody else can add a record.
    """
    values = _add(connection, by, entry, phase, begun_by)
    event.listen(connection, "commit", lambda _: _log(values), once=True)
    return int(values["seq"])


def digest(values: Mapping[str, Any]) -> str:
    """The hash of a record: SHA-256 of all its other fields, the hash before it among them.

    They are hashed as one JSON object in the form of RFC 8785.
    """
    told = {column.name: values[column.name] for column in audit.c if column.name != "hash"}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def moment(when: datetime) -> str:
    """A time as the log keeps it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _commit(engine: Engine, by: By, entry: Entry, phase: Phase, begun_by: int | None) -> int:
    with engine.begin() as connection:
        values = _add(connection, by, entry, phase, begun_by)
    _log(values)
    return int(values["seq"])


def _add(
    connection: Connection, by: By, entry: Entry, phase: Phase, begun_by: int | None
) -> dict[str, Any]:
    about = tuple(dict.fromkeys((kind, _clean(each)[:400]) for kind, each in entry.resources))
    about = about[:MOST_RESOURCES]
    told = {**asdict(by), **asdict(entry), "phase": phase, "resources": _json(about)}
    for name in ("parameters", "before"):
        told[name] = _json(redacted(told[name]))
    for name in ("title", "message"):
        told[name] = redacted(told[name])
    # the row is locked until the commit: one record follows upon the other
    head = connection.execute(select(audit_head).with_for_update()).one()
    values: dict[str, Any] = {name: _fitting(name, text) for name, text in told.items()}
    values |= {"seq": head.seq + 1, "at": moment(now()), "begun_by": begun_by}
    values["previous"] = head.hash
    values["hash"] = digest(values)
    connection.execute(insert(audit).values(values))
    if about:
        named = [{"seq": values["seq"], "kind": kind, "resource_id": each} for kind, each in about]
        connection.execute(insert(audit_resources), named)
    connection.execute(update(audit_head).values(seq=values["seq"], hash=values["hash"]))
    return values


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _clean(text: str) -> str:
    """A text as both databases keep it: no NUL, nothing that is no Unicode."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _fitting(name: str, text: str) -> str:
    text = _clean(text)
    kept = audit.c[name].type
    most = (kept.length if isinstance(kept, String) else None) or _LONGEST.get(name)
    if most is None or len(text) <= most:
        return text
    if name in ("parameters", "before"):  # stays JSON
        return _json({"cut": text[: most // 2]})
    return text[:most] if most < 500 else text[: most - len(_CUT)] + _CUT


def _log(values: Mapping[str, Any]) -> None:
    """The record as a line of the log: a copy outside the database, with its hash."""
    short = {name: values[name] for name in ("seq", "actor", "title", "outcome", "hash")}
    log.info("audit", what=values["event"], **short, record=values)

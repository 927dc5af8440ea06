"""What the audit log tells: a call and what became of it are one deed, newest first."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, Select, and_, exists, func, or_, select

from app.db import now
from app.people.tables import audit, audit_head, audit_resources

OPEN = "open"  # an outcome: no end is recorded
UNDER_WAY = timedelta(minutes=5)  # for so long a call without an end may still be made
_BEGUN = audit.alias("begun")
_ENDED = audit.alias("ended")


@dataclass(frozen=True)
class AuditQuery:
    """What is asked for; what is empty narrows nothing.

    ``event``: also those of which it is the first word (``users`` is ``users.add``, too). ``kind``
    and ``of``: which resources. ``since`` and ``before_day``: days, the second not in it.
    ``text``: part of the title, or a whole id, operation, AWS request id or address.
    """

    actor: str = ""
    event: str = ""
    kind: str = ""
    of: str = ""
    account: str = ""
    region: str = ""
    operation: str = ""
    outcome: str = ""
    action: str = ""
    text: str = ""
    since: str = ""
    before_day: str = ""


@dataclass(frozen=True)
class Deed:
    """A record, and of a call the record of its end with it.

    ``seq`` and ``hash`` are of the record, ``ended_seq`` and ``ended_hash`` of that of the end.
    ``resources``: what it touched and made. ``open``: no end is recorded.
    """

    seq: int
    at: datetime
    event: str
    actor: str
    method: str
    address: str
    session: str
    action: str
    title: str
    service: str
    operation: str
    account: str
    region: str
    outcome: str
    code: str
    message: str
    request_id: str
    hash: str
    previous: str
    resources: tuple[tuple[str, str], ...] = ()
    parameters: Any = field(default_factory=dict)
    before: Any = field(default_factory=dict)
    open: bool = False
    ended_seq: int | None = None
    ended_at: datetime | None = None
    ended_hash: str = ""

    @property
    def under_way(self) -> bool:
        """Whether it has no end, but so recently begun that it may be going on."""
        return self.open and now() - self.at < UNDER_WAY

    @property
    def only(self) -> bool:
        """Whether it is about one resource only."""
        return len(self.resources) == 1


def head(engine: Engine) -> tuple[int, str]:
    """The number and the hash of the last record; 0 and an empty text before there is one."""
    with engine.connect().execution_options(reading=True) as connection:
        row = connection.execute(select(audit_head)).one()
    return row.seq, row.hash


def deeds(engine: Engine, query: AuditQuery, limit: int, before: int | None = None) -> list[Deed]:
    """What fits, newest first; ``before``: of lower numbers only."""
    statement = _statement().where(*_conditions(query)).order_by(_BEGUN.c.seq.desc()).limit(limit)
    if before is not None:
        statement = statement.where(_BEGUN.c.seq < before)
    with engine.connect().execution_options(reading=True) as connection:
        return [_deed(row) for row in connection.execute(statement)]


def deed(engine: Engine, seq: int) -> Deed | None:
    """The record of a number; of the end of a call, the call."""
    begun = select(func.coalesce(audit.c.begun_by, audit.c.seq)).where(audit.c.seq == seq)
    statement = _statement().where(_BEGUN.c.seq == begun.scalar_subquery())
    with engine.connect().execution_options(reading=True) as connection:
        row = connection.execute(statement).one_or_none()
    return None if row is None else _deed(row)


def of_resource(engine: Engine, kind: str, resource_id: str, limit: int) -> list[Deed]:
    """What was done with one resource, or made it, newest first."""
    return deeds(engine, AuditQuery(kind=kind, of=resource_id), limit)


def actors(engine: Engine) -> list[str]:
    """Whoever did something, by name."""
    query = select(audit.c.actor).distinct().where(audit.c.actor != "").order_by(audit.c.actor)
    with engine.connect().execution_options(reading=True) as connection:
        return list(connection.scalars(query))


def _statement() -> Select[Any]:
    ends = [
        _ENDED.c[name].label(f"ended_{name}")
        for name in ("seq", "at", "hash", "outcome", "code", "message", "request_id", "resources")
    ]
    joined = _BEGUN.outerjoin(_ENDED, _ENDED.c.begun_by == _BEGUN.c.seq)
    return select(_BEGUN, *ends).select_from(joined).where(_BEGUN.c.phase != "ended")


def _conditions(query: AuditQuery) -> Iterable[ColumnElement[bool]]:
    for name in ("actor", "account", "region", "operation", "action"):
        if wanted := getattr(query, name):
            yield _BEGUN.c[name] == wanted
    if query.event:
        starts = _BEGUN.c.event.startswith(f"{query.event}.", autoescape=True)
        yield or_(_BEGUN.c.event == query.event, starts)
    if query.outcome == OPEN:
        yield and_(_BEGUN.c.phase == "begun", _ENDED.c.seq.is_(None))
    elif query.outcome:
        became = func.coalesce(_ENDED.c.outcome, _BEGUN.c.outcome)
        yield became == query.outcome
    if query.kind or query.of:
        yield _about(query.kind, query.of)
    if query.text:
        yield _told(query.text)
    if query.since:
        yield _BEGUN.c.at >= query.since
    if query.before_day:
        yield _BEGUN.c.at < query.before_day


def _about(kind: str, resource_id: str) -> ColumnElement[bool]:
    """Those that touch a resource or made it, by the number under which the deed was begun."""
    about = audit_resources.alias()
    record = audit.alias()
    numbers = select(func.coalesce(record.c.begun_by, record.c.seq)).join_from(
        about, record, record.c.seq == about.c.seq
    )
    if kind:
        numbers = numbers.where(about.c.kind == kind)
    if resource_id:
        numbers = numbers.where(about.c.resource_id == resource_id)
    return _BEGUN.c.seq.in_(numbers)


def _told(text: str) -> ColumnElement[bool]:
    about = audit_resources.alias()
    touched = exists().where(about.c.seq == _BEGUN.c.seq, about.c.resource_id == text)
    made = exists().where(about.c.seq == _ENDED.c.seq, about.c.resource_id == text)
    whole = [_BEGUN.c[name] == text for name in ("operation", "address", "request_id", "actor")]
    title = _BEGUN.c.title.icontains(text, autoescape=True)
    return or_(title, touched, made, _ENDED.c.request_id == text, *whole)


def _deed(row: Row[Any]) -> Deed:
    values = row._mapping
    found = Deed(
        **{name: values[name] for name in _SAME},
        at=datetime.fromisoformat(values["at"]),
        resources=_pairs(values["resources"]),
        parameters=json.loads(values["parameters"]),
        before=json.loads(values["before"]),
        open=values["phase"] == "begun",
    )
    if values["ended_seq"] is None:
        return found
    outcome = {name: values[f"ended_{name}"] for name in ("outcome", "code", "message")}
    made = _pairs(values["ended_resources"])
    return replace(
        found,
        **outcome,
        request_id=values["ended_request_id"],
        resources=tuple(dict.fromkeys((*found.resources, *made))),
        open=False,
        ended_seq=values["ended_seq"],
        ended_at=datetime.fromisoformat(values["ended_at"]),
        ended_hash=values["ended_hash"],
    )


_SAME = (
    "seq",
    "event",
    "actor",
    "method",
    "address",
    "session",
    "action",
    "title",
    "service",
    "operation",
    "account",
    "region",
    "outcome",
    "code",
    "message",
    "request_id",
    "hash",
    "previous",
)


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((kind, each) for kind, each in json.loads(text))

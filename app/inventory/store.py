"""What a reading is worth against what is known: scopes, trust, and what seems to differ.

An unchanged page costs a reading transaction and a digest per resource. What differs is made
ready here, outside any transaction that writes; ``writing`` compares it once more and writes it in
short ones, so that nobody waits long for the write lock.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal, NamedTuple, TypeVar

import structlog
from sqlalchemy import Connection, Engine, Row, select, update

from app.aws.listing import Description
from app.aws.turns import give_way
from app.db import insert_new
from app.inventory.entry import Entry, clean, make_document, make_entry
from app.inventory.tables import documents, kinds, resources
from app.resources.spec import Resource

log = structlog.get_logger(__name__)

# How much a description is worth against what is known:
Trust = Literal[
    "reply",  # an action's own reply: true, though readings may not show it yet
    "reread",  # read at once after an action
    "read",  # read in the background: may lag behind for a while
]
# AWS's answers agree with what was done within seconds; this leaves room.
SETTLING = timedelta(seconds=60)
LAG = timedelta(seconds=15)  # mostly they do within that
_CHUNK = 1000
_ATTRIBUTED = timedelta(hours=1)  # beyond that, the clock was set back since
Item = TypeVar("Item")


class Scope(NamedTuple):
    """A kind in an account and region."""

    kind: str
    account: str
    region: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of some descriptions: where and when they were read, and why.

    ``action``: the id of the action of ours that they are the outcome of.
    """

    resource: Resource
    scope: Scope
    seen_at: datetime
    trust: Trust
    action: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is to be written; ``kept``, as JSON: what of the known description was put into it."""

    id: str
    kept: str
    description: Description
    entry: Entry


def chunks(items: Iterable[Item], size: int = _CHUNK) -> Iterator[list[Item]]:
    """``items`` in lists of at most ``size``."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def here(scope: Scope) -> tuple[Any, ...]:
    """The conditions under which a row of ``resources`` belongs to ``scope``."""
    return (
        resources.c.kind == scope.kind,
        resources.c.account == scope.account,
        resources.c.region == scope.region,
    )


def compare(
    engine: Engine, reading: Reading, descriptions: Mapping[str, Description], now: datetime
) -> tuple[list[Candidate], list[int]]:
    """What of ``descriptions`` (by id) seems to differ, and the ``seq`` of what does not."""
    with engine.connect().execution_options(reading=True) as connection:
        known = known_rows(connection, reading, list(descriptions))
    suspects, settled = [], []
    for resource_id, description in descriptions.items():
        give_way()
        row = known.get(resource_id)
        if row is not None and not believed(row, reading, now):
            settled.append(row.seq)
            continue
        kept = kept_of(row, reading.trust)
        if kept != "{}":
            description = {**json.loads(kept), **description}
        document = make_document(description)
        if row is not None and _is_settled(row, reading, document.digest, now):
            settled.append(row.seq)
        else:
            entry = make_entry(reading.resource, document)
            suspects.append(Candidate(resource_id, kept, document.description, entry))
    return suspects, settled


def by_id(resource: Resource, descriptions: Iterable[Description]) -> dict[str, Description]:
    """The descriptions by id; of several with one id the last, and none of those without."""
    found = {}
    without = 0
    for description in descriptions:
        resource_id = description.get(resource.id_key)
        if resource_id:
            found[clean(str(resource_id))] = description
        else:
            without += 1
    if without:
        log.warning("descriptions without an id", kind=resource.kind, number=without)
    return found


def known_rows(
    connection: Connection, reading: Reading, ids: Sequence[str], whole: bool = False
) -> dict[str, Row[Any]]:
    """The rows of ``ids``; with their descriptions if ``whole``, or if a reply needs them.

    ``whole`` also keeps others from writing them until the transaction ends.
    """
    columns = ("seq", "id", "digest", "prior", "extras", "seen_at", "sure_until", "confirmed")
    found = select(*(resources.c[name] for name in columns), resources.c.gone_at)
    if whole or reading.trust == "reply":
        found = found.add_columns(
            *(resources.c[name] for name in ("whole", "acted_by", "acted_until")),
            documents.c.description,
        ).join(documents, documents.c.seq == resources.c.seq)
    if whole:
        found = found.with_for_update(of=resources)  # SQLite's transaction is locked as a whole
    rows: Iterable[Any] = connection.execute(
        found.where(*here(reading.scope), resources.c.id.in_(ids))
    )
    return {row.id: row for row in rows}


def kept_of(row: Row[Any] | None, trust: Trust) -> str:
    """What of a known description stays where a new one does not tell, as JSON.

    A reading tells everything but our extras; a reply may be no more than an id.
    """
    if row is None:
        return "{}"
    text: str = row.description if trust == "reply" and row.gone_at is None else row.extras
    return text


def believed(row: Row[Any], reading: Reading, now: datetime) -> bool:
    """Whether a reading may say otherwise than ``row``."""
    if reading.seen_at < row.seen_at <= now:
        return False
    if reading.trust == "reply" or row.gone_at is None:
        return True
    return not reading.seen_at < row.sure_until <= now + SETTLING


def lags(row: Row[Any], reading: Reading, digest: str, now: datetime) -> bool:
    """Whether a reading shows what was there before an action of ours, as if it had not been."""
    if reading.trust == "reply" or row.gone_at is not None or row.prior != digest:
        return False
    return is_new(row, reading, now)


def is_new(row: Row[Any], reading: Reading, now: datetime) -> bool:
    """Whether what is known of ``row`` is so new that AWS's answers often lag behind it."""
    new: bool = row.seen_at <= now and reading.seen_at < row.seen_at + LAG
    return new


def _is_settled(row: Row[Any], reading: Reading, digest: str, now: datetime) -> bool:
    """Whether there is nothing to write."""
    if lags(row, reading, digest, now):
        return True
    same = row.digest == digest and row.gone_at is None
    return same and not reading.action and (row.confirmed or reading.trust == "reply")


def attributed(row: Row[Any], now: datetime) -> str | None:
    """The action of ours that what is now seen of ``row`` is put down to."""
    until = row.acted_until
    return row.acted_by if until is not None and now <= until <= now + _ATTRIBUTED else None


def lock(connection: Connection, kind: str) -> None:
    """Let other writers of the kind wait until the transaction ends.

    To be called before it reads or writes a row of a resource.
    """
    held = select(kinds.c.kind).where(kinds.c.kind == kind).with_for_update()
    if connection.scalar(held) is None:
        # Begins with the time, so that a database made anew repeats no revision of the old one.
        insert_new(connection, kinds, {"kind": kind}, revision=int(time.time()))
        connection.execute(held)


def bump(connection: Connection, kind: str) -> int:
    """Take a kind's next revision, and lock the kind."""
    lock(connection, kind)
    taken = connection.scalars(
        update(kinds)
        .where(kinds.c.kind == kind)
        .values(revision=kinds.c.revision + 1)
        .returning(kinds.c.revision)
    )
    return int(taken.one())

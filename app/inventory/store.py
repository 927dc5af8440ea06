"""Writing what was read: only differences are written, each with what is remembered of it.

An unchanged page costs a reading transaction and a digest per resource. What differs is made
ready outside any transaction, then compared once more and written in short ones, so that nobody
waits long for the write lock.
"""

from __future__ import annotations

import json
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal, NamedTuple, TypeVar

import structlog
from sqlalchemy import (
    Connection,
    Engine,
    Row,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from app.aws.listing import Description
from app.aws.turns import give_way
from app.inventory import timeline
from app.inventory.entry import Entry, clean, make_document, make_entry, told_of
from app.inventory.tables import cells, collections, documents, kinds, resources
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
_CHUNK = 1000
_WRITTEN_AT_ONCE = 250  # rows, in one transaction
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
class _Candidate:
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


def write(
    engine: Engine,
    reading: Reading,
    descriptions: Iterable[Description],
    clock: Callable[[], datetime],
) -> array[int]:
    """Store descriptions. Returns the ``seq`` of all of them.

    What was learnt later than the reading stays, unless it claims to come from the future (the
    clock was set back). Takes a new revision if anything changed.
    """
    waiting = _by_id(reading.resource, descriptions)
    seqs = array("q")
    while waiting:
        again: list[str] = []
        for ids in chunks(waiting):
            suspects, settled = _compare(engine, reading, {i: waiting[i] for i in ids}, clock())
            seqs.extend(settled)
            for some in chunks(suspects, _WRITTEN_AT_ONCE):
                written, outrun = _write(engine, reading, some, clock)
                seqs.extend(written)
                again += outrun
        waiting = {resource_id: waiting[resource_id] for resource_id in again}
    return seqs


def _compare(
    engine: Engine, reading: Reading, by_id: Mapping[str, Description], now: datetime
) -> tuple[list[_Candidate], list[int]]:
    """What seems to differ from what is known, and the ``seq`` of what does not."""
    with engine.connect().execution_options(reading=True) as connection:
        known = _known(connection, reading, list(by_id))
    suspects, settled = [], []
    for resource_id, description in by_id.items():
        give_way()
        row = known.get(resource_id)
        if row is not None and not _believed(row, reading, now):
            settled.append(row.seq)
            continue
        kept = _kept(row, reading.trust)
        if kept != "{}":
            description = {**json.loads(kept), **description}
        document = make_document(description)
        if row is not None and _is_settled(row, reading, document.digest):
            settled.append(row.seq)
        else:
            entry = make_entry(
                reading.resource, reading.scope.account, reading.scope.region, document
            )
            suspects.append(_Candidate(resource_id, kept, document.description, entry))
    return suspects, settled


def _by_id(resource: Resource, descriptions: Iterable[Description]) -> dict[str, Description]:
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


def _known(
    connection: Connection, reading: Reading, ids: Sequence[str], whole: bool = False
) -> dict[str, Row[Any]]:
    """The rows of ``ids``; with their descriptions if ``whole``, or if a reply needs them."""
    columns = ("seq", "id", "digest", "extras", "seen_at", "sure_until", "confirmed", "gone_at")
    found = select(*(resources.c[name] for name in columns))
    if whole or reading.trust == "reply":
        found = found.add_columns(
            *(resources.c[name] for name in ("whole", "acted_by", "acted_until")),
            documents.c.description,
        ).join(documents, documents.c.seq == resources.c.seq)
    rows = connection.execute(found.where(*here(reading.scope), resources.c.id.in_(ids)))
    return {row.id: row for row in rows}


def _kept(row: Row[Any] | None, trust: Trust) -> str:
    """What of a known description stays where a new one does not tell, as JSON.

    A reading tells everything but our extras; a reply may be no more than an id.
    """
    if row is None:
        return "{}"
    text: str = row.description if trust == "reply" and row.gone_at is None else row.extras
    return text


def _believed(row: Row[Any], reading: Reading, now: datetime) -> bool:
    if reading.seen_at < row.seen_at <= now:
        return False
    if reading.trust == "reply" or row.gone_at is None:
        return True
    return not reading.seen_at < row.sure_until <= now + SETTLING


def _is_settled(row: Row[Any], reading: Reading, digest: str) -> bool:
    """Whether there is nothing to write."""
    same = row.digest == digest and row.gone_at is None
    return same and not reading.action and (row.confirmed or reading.trust == "reply")


def _write(
    engine: Engine,
    reading: Reading,
    suspects: Sequence[_Candidate],
    clock: Callable[[], datetime],
) -> tuple[list[int], list[str]]:
    """Write what still differs, and remember how.

    Returns the ``seq`` of all of them, and the ids that somebody else has written meanwhile in a
    way that what was made ready does not fit any more.
    """
    new: list[Entry] = []
    differing: list[tuple[Row[Any], _Candidate]] = []
    same: list[int] = []
    seqs: list[int] = []
    outrun: list[str] = []
    with engine.begin() as connection:
        now = clock()
        known = _known(connection, reading, [each.id for each in suspects], whole=True)
        for candidate in suspects:
            row = known.get(candidate.id)
            if row is not None:
                seqs.append(row.seq)
                if not _believed(row, reading, now):
                    continue
            if _kept(row, reading.trust) != candidate.kept:
                outrun.append(candidate.id)
            elif row is None:
                new.append(candidate.entry)
            elif row.digest != candidate.entry.digest or row.gone_at is not None:
                differing.append((row, candidate))
            else:
                same.append(row.seq)
        if new or differing:
            revision = bump(connection, reading.scope.kind)
            seqs += _insert(connection, reading, new, revision)
            _update(connection, reading, differing, revision)
            timeline.record(connection, _changes(connection, reading, new, differing, now))
        _touch(connection, reading, same)
    return seqs, outrun


def _changes(
    connection: Connection,
    reading: Reading,
    new: Sequence[Entry],
    differing: Sequence[tuple[Row[Any], _Candidate]],
    now: datetime,
) -> Iterator[timeline.Change]:
    """What the timelines tell of a write.

    What appears before the first complete refresh of its scope has ended was there already.
    """
    scope = reading.scope
    came = bool(reading.action) or _was_refreshed(connection, scope)
    for entry in new:
        if came:
            subject = timeline.Subject(*scope, entry.id, entry.name, reading.action or None)
            yield subject.change(now, timeline.RESOURCE, None, timeline.THERE)
    for row, candidate in differing:
        action = reading.action or attributed(row, now)
        subject = timeline.Subject(*scope, candidate.id, candidate.entry.name, action)
        if came and row.gone_at is not None:
            yield subject.change(now, timeline.RESOURCE, timeline.GONE, timeline.THERE)
        before = told_of(reading.resource, _before(row, candidate.description))
        after = candidate.entry.told
        for field in dict.fromkeys((*after, *before)):
            if before.get(field) != after.get(field):
                yield subject.change(now, field, before.get(field), after.get(field))


def _before(row: Row[Any], after: Description) -> Description:
    """What was known; where nothing was, as it is ``after``: to learn of it is no change.

    It is read from the description rather than from the cells, so that no column that was added
    or is read otherwise since makes a change.
    """
    known: Description = json.loads(row.description)
    unknown = {
        key: value
        for key, value in after.items()
        if key not in known and (key.startswith("_") or not row.whole)
    }
    return {**unknown, **known}


def _was_refreshed(connection: Connection, scope: Scope) -> bool:
    statement = select(collections.c.seen_at).where(
        collections.c.kind == scope.kind,
        collections.c.account == scope.account,
        collections.c.region == scope.region,
    )
    return connection.scalar(statement) is not None


def attributed(row: Row[Any], now: datetime) -> str | None:
    """The action of ours that what is now seen of ``row`` is put down to."""
    until = row.acted_until
    return row.acted_by if until is not None and now <= until <= now + _ATTRIBUTED else None


def _stamp(reading: Reading) -> dict[str, Any]:
    # What it leads to within a minute is put down to it as well.
    if not reading.action:
        return {}
    return {"acted_by": reading.action, "acted_until": reading.seen_at + SETTLING}


def _values(reading: Reading, entry: Entry, revision: int, whole: bool) -> dict[str, Any]:
    seen_at = reading.seen_at
    return {
        "name": entry.name,
        "state": entry.state,
        "state_class": entry.state_class,
        "digest": entry.digest,
        "seen_at": seen_at,
        "gone_at": None,
        "sure_until": seen_at if reading.trust == "read" else seen_at + SETTLING,
        "confirmed": reading.trust != "reply",
        "whole": whole,
        "extras": entry.extras,
        "cells": entry.cells,
        "tags": entry.tags,
        "changed": revision,
        "search": entry.search,
        **_stamp(reading),
    }


def _insert(
    connection: Connection, reading: Reading, new: Sequence[Entry], revision: int
) -> list[int]:
    if not new:
        return []
    whole = reading.trust != "reply"
    rows = [
        {**reading.scope._asdict(), "id": entry.id, **_values(reading, entry, revision, whole)}
        for entry in new
    ]
    made = connection.execute(insert(resources).returning(resources.c.seq, resources.c.id), rows)
    seq = {row.id: row.seq for row in made}
    connection.execute(
        insert(documents),
        [{"seq": seq[entry.id], "description": entry.document} for entry in new],
    )
    _insert_values(connection, [(seq[entry.id], entry) for entry in new])
    return list(seq.values())


def _update(
    connection: Connection,
    reading: Reading,
    differing: Sequence[tuple[Row[Any], _Candidate]],
    revision: int,
) -> None:
    if not differing:
        return
    rows = []
    for row, candidate in differing:
        whole = reading.trust != "reply" or (row.whole and row.gone_at is None)
        rows.append({"at": row.seq, **_values(reading, candidate.entry, revision, whole)})
    names: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "at"}
    connection.execute(
        update(resources).where(resources.c.seq == bindparam("at")).values(names), rows
    )
    connection.execute(
        update(documents)
        .where(documents.c.seq == bindparam("at"))
        .values(description=bindparam("text")),
        [{"at": row.seq, "text": candidate.entry.document} for row, candidate in differing],
    )
    connection.execute(delete(cells).where(cells.c.seq.in_([row.seq for row, _ in differing])))
    _insert_values(connection, [(row.seq, candidate.entry) for row, candidate in differing])


def _insert_values(connection: Connection, entries: Sequence[tuple[int, Entry]]) -> None:
    names = ("field", "pos", "rank", "number", "folded", "text")
    connection.execute(
        insert(cells),
        [
            {"seq": seq, "id": entry.id, **dict(zip(names, cell, strict=True))}
            for seq, entry in entries
            for cell in entry.values
        ],
    )


def _touch(connection: Connection, reading: Reading, seqs: Sequence[int]) -> None:
    values = _stamp(reading) | (
        {} if reading.trust == "reply" else {"confirmed": True, "whole": True}
    )
    if seqs and values:
        connection.execute(update(resources).where(resources.c.seq.in_(seqs)).values(values))


def bump(connection: Connection, kind: str) -> int:
    """Take a kind's next revision; other writers of the kind wait until the transaction ends."""
    taken = connection.scalar(
        update(kinds)
        .where(kinds.c.kind == kind)
        .values(revision=kinds.c.revision + 1)
        .returning(kinds.c.revision)
    )
    if taken is None:
        # Begins with the time, so that a database made anew repeats no revision of the old one.
        taken = int(time.time())
        connection.execute(insert(kinds).values(kind=kind, revision=taken))
    return int(taken)

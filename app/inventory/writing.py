"""Writing what differs, each difference with what its timeline tells of it."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, insert, select, update

from app.aws.listing import Description
from app.inventory import timeline
from app.inventory.entry import Entry, told_of
from app.inventory.store import (
    LAG,
    SETTLING,
    Candidate,
    Reading,
    Scope,
    attributed,
    believed,
    bump,
    by_id,
    chunks,
    compare,
    is_new,
    kept_of,
    known_rows,
    lags,
    lock,
)
from app.inventory.tables import collections, documents, resources

_AT_ONCE = 250  # rows, in one transaction


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
    waiting = by_id(reading.resource, descriptions)
    seqs = array("q")
    while waiting:
        again: list[str] = []
        for ids in chunks(waiting):
            suspects, settled = compare(engine, reading, {i: waiting[i] for i in ids}, clock())
            seqs.extend(settled)
            for some in chunks(suspects, _AT_ONCE):
                written, outrun = _write(engine, reading, some, clock)
                seqs.extend(written)
                again += outrun
        waiting = {resource_id: waiting[resource_id] for resource_id in again}
    return seqs


def _write(
    engine: Engine,
    reading: Reading,
    suspects: Sequence[Candidate],
    clock: Callable[[], datetime],
) -> tuple[list[int], list[str]]:
    """Write what still differs, and remember how.

    Returns the ``seq`` of all of them, and the ids that somebody else has written meanwhile in a
    way that what was made ready does not fit any more.
    """
    new: list[Entry] = []
    differing: list[tuple[Row[Any], Candidate]] = []
    same: list[int] = []
    seqs: list[int] = []
    outrun: list[str] = []
    with engine.begin() as connection:
        lock(connection, reading.scope.kind)
        now = clock()
        known = known_rows(connection, reading, [each.id for each in suspects], whole=True)
        for candidate in suspects:
            row = known.get(candidate.id)
            if row is not None:
                seqs.append(row.seq)
                if not believed(row, reading, now):
                    continue
            if kept_of(row, reading.trust) != candidate.kept:
                outrun.append(candidate.id)
            elif row is None:
                new.append(candidate.entry)
            elif lags(row, reading, candidate.entry.digest, now):
                continue
            elif row.digest != candidate.entry.digest or row.gone_at is not None:
                differing.append((row, candidate))
            else:
                same.append(row.seq)
        if new or differing:
            revision = bump(connection, reading.scope.kind)
            # What appears before the first complete refresh of its scope was there already.
            fresh = bool(reading.action) or _was_refreshed(connection, reading.scope)
            seqs += _insert(connection, reading, new, revision, fresh)
            _update(connection, reading, differing, revision, now)
            timeline.record(connection, _changes(reading, new, differing, now, fresh))
        _touch(connection, reading, same)
    return seqs, outrun


def _changes(
    reading: Reading,
    new: Sequence[Entry],
    differing: Sequence[tuple[Row[Any], Candidate]],
    now: datetime,
    fresh: bool,
) -> Iterator[timeline.Change]:
    """What the timelines tell of a write; ``fresh``: what appears was not there before."""
    scope = reading.scope
    for entry in new:
        if fresh:
            subject = timeline.Subject(*scope, entry.id, entry.name, reading.action or None)
            yield subject.change(now, timeline.RESOURCE, None, timeline.THERE)
    for row, candidate in differing:
        action = reading.action or attributed(row, now)
        subject = timeline.Subject(*scope, candidate.id, candidate.entry.name, action)
        if fresh and row.gone_at is not None:
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


def _stamp(reading: Reading) -> dict[str, Any]:
    # What it leads to within a minute is put down to it as well.
    if not reading.action:
        return {}
    return {"acted_by": reading.action, "acted_until": reading.seen_at + SETTLING}


def _values(
    reading: Reading, entry: Entry, revision: int, whole: bool, fresh: bool
) -> dict[str, Any]:
    seen_at = reading.seen_at
    # What comes may be missing in an answer or two yet; what was there already is not doubted.
    sure = (LAG if fresh else timedelta(0)) if reading.trust == "read" else SETTLING
    return {
        "name": entry.name,
        "state": entry.state,
        "state_class": entry.state_class,
        "digest": entry.digest,
        "seen_at": seen_at,
        "gone_at": None,
        "sure_until": seen_at + sure,
        "confirmed": reading.trust != "reply",
        "whole": whole,
        "extras": entry.extras,
        "cells": entry.cells,
        "tags": entry.tags,
        "changed": revision,
        **_stamp(reading),
    }


def _insert(
    connection: Connection,
    reading: Reading,
    new: Sequence[Entry],
    revision: int,
    fresh: bool,
) -> list[int]:
    if not new:
        return []
    whole = reading.trust != "reply"
    rows = [
        {
            **reading.scope._asdict(),
            "id": entry.id,
            **_values(reading, entry, revision, whole, fresh),
        }
        for entry in new
    ]
    made = connection.execute(insert(resources).returning(resources.c.seq, resources.c.id), rows)
    seq = {row.id: row.seq for row in made}
    connection.execute(
        insert(documents),
        [{"seq": seq[entry.id], "description": entry.document} for entry in new],
    )
    return list(seq.values())


def _update(
    connection: Connection,
    reading: Reading,
    differing: Sequence[tuple[Row[Any], Candidate]],
    revision: int,
    now: datetime,
) -> None:
    if not differing:
        return
    rows = []
    for row, candidate in differing:
        whole = reading.trust != "reply" or (row.whole and row.gone_at is None)
        values = _values(reading, candidate.entry, revision, whole, row.gone_at is not None)
        rows.append({"at": row.seq, "prior": _prior(row, reading, now), **values})
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


def _prior(row: Row[Any], reading: Reading, now: datetime) -> str | None:
    # Of several answers to one action, what was before the first.
    if reading.trust == "read":
        return None
    held: str | None = row.prior if is_new(row, reading, now) else None
    return held or row.digest


def _touch(connection: Connection, reading: Reading, seqs: Sequence[int]) -> None:
    values = _stamp(reading) | (
        {} if reading.trust == "reply" else {"confirmed": True, "whole": True}
    )
    if seqs and values:
        connection.execute(update(resources).where(resources.c.seq.in_(seqs)).values(values))

"""What is not there any more: marked gone, findable for a while, then forgotten for good."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy
from sqlalchemy import ColumnElement, Connection, Engine, delete, select, update

from app.aws.turns import give_way
from app.inventory import timeline
from app.inventory.store import LAG, SETTLING, Scope, attributed, bump, chunks, here, lock
from app.inventory.tables import documents, resources

_AT_ONCE = 1000  # rows, in one transaction


def lose(
    connection: Connection,
    scope: Scope,
    conditions: Sequence[ColumnElement[bool]],
    at: datetime,
    sure_until: datetime,
    now: datetime,
    action: str = "",
) -> None:
    """Mark what of a scope meets the conditions as gone as of ``at``, and remember it.

    ``action``: the id of the action of ours that has removed it.
    """
    lock(connection, scope.kind)
    columns = ("seq", "id", "name", "acted_by", "acted_until")
    found = connection.execute(
        select(*(resources.c[name] for name in columns))
        .where(*here(scope), resources.c.gone_at.is_(None), *conditions)
        .with_for_update()
    ).all()

    def changes() -> Iterator[timeline.Change]:
        for row in found:
            by = action or attributed(row, now)
            subject = timeline.Subject(*scope, row.id, row.name, by)
            yield subject.change(now, timeline.RESOURCE, timeline.THERE, timeline.GONE)

    mark_gone(connection, scope.kind, [row.seq for row in found], at, sure_until)
    timeline.record(connection, changes())


def mark_gone(
    connection: Connection, kind: str, seqs: Collection[int], at: datetime, sure_until: datetime
) -> None:
    """Mark rows gone as of ``at``: they leave lists and counts. No timeline tells of it."""
    if not seqs:
        return
    revision = bump(connection, kind)
    values = {"gone_at": at, "seen_at": at, "sure_until": sure_until, "changed": revision}
    for some in chunks(sorted(seqs)):
        connection.execute(update(resources).where(resources.c.seq.in_(some)).values(values))


def doubtful(seen_at: datetime, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions under which a reading of ``seen_at`` may say that a row is not there.

    Nothing was learnt of it later; times in the future come from a clock that was set back.
    """
    later = resources.c.seen_at.between(seen_at, now) & (resources.c.seen_at != seen_at)
    return (resources.c.gone_at.is_(None), ~later)


def lose_absent(
    engine: Engine,
    scope: Scope,
    seen: array[int],
    seen_at: datetime,
    clock: Callable[[], datetime],
) -> None:
    """Mark gone what a complete refresh, begun at ``seen_at``, should have shown but did not.

    ``seen``: the ``seq`` of what it has shown. Not what was learnt of after it began, or so
    shortly before that AWS may not list it yet.
    """
    now = clock()
    settling = resources.c.sure_until.between(seen_at, now + SETTLING)
    conditions = (*doubtful(seen_at, now), ~(settling & (resources.c.sure_until != seen_at)))
    known = array("q")
    with engine.connect().execution_options(reading=True) as connection:
        statement = select(resources.c.seq).where(*here(scope), *conditions)
        for some in connection.scalars(statement).partitions(_AT_ONCE):
            known.extend(some)
            give_way()
    absent: list[int] = numpy.setdiff1d(_numbers(known), _numbers(seen)).tolist()
    for some in chunks(absent, _AT_ONCE):
        with engine.begin() as connection:
            still = (resources.c.seq.in_(some), *conditions)
            # An answer from before may still show it.
            lose(connection, scope, still, now, now + LAG, clock())
        give_way()


def give_up(engine: Engine, scope: Scope, at: datetime) -> None:
    """Mark gone all of a scope, which is no longer collected. In short transactions."""
    there = (*here(scope), resources.c.gone_at.is_(None))
    with engine.connect().execution_options(reading=True) as connection:
        seqs = list(connection.scalars(select(resources.c.seq).where(*there)))
    for some in chunks(seqs, _AT_ONCE):
        with engine.begin() as connection:
            mark_gone(connection, scope.kind, some, at, at)
        give_way()


def _numbers(seqs: array[int]) -> Any:
    return numpy.frombuffer(seqs, dtype=numpy.int64)


def sweep(engine: Engine, before: datetime) -> int:
    """Forget for good what was marked gone, and what was seen to change, before ``before``.

    In short transactions. Returns how many resources.
    """
    old = (
        select(resources.c.seq)
        .where(resources.c.gone_at < before)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)  # what somebody writes now is not that old any more
    )
    swept = 0
    while True:
        with engine.begin() as connection:
            seqs = list(connection.scalars(old))
            connection.execute(delete(documents).where(documents.c.seq.in_(seqs)))
            connection.execute(delete(resources).where(resources.c.seq.in_(seqs)))
            thinned = timeline.thin(connection, before, _AT_ONCE)
        give_way()
        swept += len(seqs)
        if len(seqs) < _AT_ONCE and thinned < _AT_ONCE:
            return swept

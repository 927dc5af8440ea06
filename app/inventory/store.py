"""Writing what was read: only differences are written."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal, NamedTuple, TypeVar

import structlog
from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, insert, select, update

from app.aws.listing import Description
from app.inventory.entry import Entry, clean, make_document, make_entry
from app.inventory.tables import cells, documents, kinds, resources
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
_CHUNK = 500
Item = TypeVar("Item")


class Scope(NamedTuple):
    """A kind in an account and region."""

    kind: str
    account: str
    region: str


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
    connection: Connection,
    resource: Resource,
    scope: Scope,
    descriptions: Iterable[Description],
    seen_at: datetime,
    trust: Trust,
    now: datetime,
) -> set[int]:
    """Store descriptions that were read at ``seen_at``. Returns the ``seq`` of all of them.

    What was learnt later than ``seen_at`` stays, unless it claims to come from the future (the
    clock was set back). Bumps the kind's revision if anything changed.
    """
    by_id = _by_id(resource, descriptions)
    seqs: set[int] = set()
    changed = False
    for ids in chunks(by_id):
        known = {row.id: row for row in connection.execute(_known(scope, ids))}
        seqs.update(row.seq for row in known.values())
        kept = _kept(connection, known.values(), trust)
        new: list[Entry] = []
        differing: list[tuple[int, Entry]] = []
        unconfirmed: list[int] = []
        for resource_id in ids:
            row = known.get(resource_id)
            if row is not None and not _believed(row, seen_at, trust, now):
                continue
            document = make_document({**kept.get(resource_id, {}), **by_id[resource_id]})
            if row is None:
                new.append(make_entry(resource, scope.account, scope.region, document))
            elif row.digest != document.digest or row.gone_at is not None:
                entry = make_entry(resource, scope.account, scope.region, document)
                differing.append((row.seq, entry))
            elif trust != "reply" and not row.confirmed:
                unconfirmed.append(row.seq)
        seqs |= _insert(connection, scope, new, seen_at, trust)
        _update(connection, differing, seen_at, trust)
        _confirm(connection, unconfirmed)
        changed = changed or bool(new or differing)
    if changed:
        bump(connection, scope.kind)
    return seqs


def _by_id(resource: Resource, descriptions: Iterable[Description]) -> dict[str, Description]:
    found = {}
    for description in descriptions:
        resource_id = description.get(resource.id_key)
        if resource_id:
            found[clean(str(resource_id))] = description
        else:
            log.warning("a description without an id", kind=resource.kind, key=resource.id_key)
    return found


def _known(scope: Scope, ids: Sequence[str]) -> Any:
    return select(
        resources.c.seq,
        resources.c.id,
        resources.c.digest,
        resources.c.extras,
        resources.c.seen_at,
        resources.c.sure_until,
        resources.c.confirmed,
        resources.c.gone_at,
    ).where(*here(scope), resources.c.id.in_(ids))


def _kept(
    connection: Connection, known: Collection[Row[Any]], trust: Trust
) -> dict[str, Description]:
    """What of the known descriptions stays where a new one does not tell.

    A reading tells everything but our extras; a reply may be no more than an id.
    """
    if trust != "reply":
        return {row.id: json.loads(row.extras) for row in known if row.extras != "{}"}
    ids = {row.seq: row.id for row in known if row.gone_at is None}
    statement = select(documents).where(documents.c.seq.in_(ids))
    return {ids[row.seq]: json.loads(row.description) for row in connection.execute(statement)}


def _believed(row: Row[Any], seen_at: datetime, trust: Trust, now: datetime) -> bool:
    if seen_at < row.seen_at <= now:
        return False
    if trust == "reply" or row.gone_at is None:
        return True
    return not seen_at < row.sure_until <= now + SETTLING


def _values(entry: Entry, seen_at: datetime, trust: Trust) -> dict[str, Any]:
    return {
        "name": entry.name,
        "state": entry.state,
        "state_class": entry.state_class,
        "digest": entry.digest,
        "seen_at": seen_at,
        "gone_at": None,
        "sure_until": seen_at if trust == "read" else seen_at + SETTLING,
        "confirmed": trust != "reply",
        "extras": entry.extras,
        "search": entry.search,
    }


def _insert(
    connection: Connection, scope: Scope, new: Sequence[Entry], seen_at: datetime, trust: Trust
) -> set[int]:
    if not new:
        return set()
    place = {"kind": scope.kind, "account": scope.account, "region": scope.region}
    rows = [{**place, "id": entry.id, **_values(entry, seen_at, trust)} for entry in new]
    made = connection.execute(insert(resources).returning(resources.c.seq, resources.c.id), rows)
    seq = {row.id: row.seq for row in made}
    _insert_parts(connection, [(seq[entry.id], entry) for entry in new])
    return set(seq.values())


def _update(
    connection: Connection,
    differing: Sequence[tuple[int, Entry]],
    seen_at: datetime,
    trust: Trust,
) -> None:
    if not differing:
        return
    rows = [{"at": seq, **_values(entry, seen_at, trust)} for seq, entry in differing]
    names: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "at"}
    connection.execute(
        update(resources).where(resources.c.seq == bindparam("at")).values(names), rows
    )
    seqs = [seq for seq, _ in differing]
    connection.execute(delete(documents).where(documents.c.seq.in_(seqs)))
    connection.execute(delete(cells).where(cells.c.seq.in_(seqs)))
    _insert_parts(connection, differing)


def _insert_parts(connection: Connection, entries: Sequence[tuple[int, Entry]]) -> None:
    connection.execute(
        insert(documents),
        [{"seq": seq, "description": entry.document} for seq, entry in entries],
    )
    names = ("field", "pos", "rank", "number", "folded", "text")
    connection.execute(
        insert(cells),
        [
            {"seq": seq, "id": entry.id, **dict(zip(names, cell, strict=True))}
            for seq, entry in entries
            for cell in entry.cells
        ],
    )


def _confirm(connection: Connection, seqs: Sequence[int]) -> None:
    if seqs:
        connection.execute(
            update(resources).where(resources.c.seq.in_(seqs)).values(confirmed=True)
        )


def mark_gone(
    connection: Connection, kind: str, seqs: Collection[int], at: datetime, sure_until: datetime
) -> None:
    """Mark rows gone as of ``at``: they leave lists and counts, and only ``get`` gives them."""
    for some in chunks(sorted(seqs)):
        connection.execute(
            update(resources)
            .where(resources.c.seq.in_(some))
            .values(gone_at=at, seen_at=at, sure_until=sure_until)
        )
        connection.execute(delete(cells).where(cells.c.seq.in_(some)))
    if seqs:
        bump(connection, kind)


def doubtful(seen_at: datetime, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions under which a reading of ``seen_at`` may say that a row is not there.

    Nothing was learnt of it later; times in the future come from a clock that was set back.
    """
    later = resources.c.seen_at.between(seen_at, now) & (resources.c.seen_at != seen_at)
    return (resources.c.gone_at.is_(None), ~later)


def missing(
    connection: Connection, scope: Scope, seen: set[int], seen_at: datetime, now: datetime
) -> list[int]:
    """The ``seq`` of rows that a complete refresh, begun at ``seen_at``, should have shown.

    Not those that were learnt of after it began, or so shortly before that AWS may not list
    them yet.
    """
    settling = resources.c.sure_until.between(seen_at, now + SETTLING)
    statement = select(resources.c.seq).where(
        *here(scope), *doubtful(seen_at, now), ~(settling & (resources.c.sure_until != seen_at))
    )
    return [seq for seq in connection.scalars(statement) if seq not in seen]


def bump(connection: Connection, kind: str) -> None:
    """Give a kind a new revision."""
    change = update(kinds).where(kinds.c.kind == kind)
    if not connection.execute(change.values(revision=kinds.c.revision + 1)).rowcount:
        # Begins with the time, so that a database made anew repeats no revision of the old one.
        connection.execute(insert(kinds).values(kind=kind, revision=int(time.time())))


def sweep(connection: Connection, before: datetime) -> int:
    """Forget for good what was marked gone before ``before``. Returns how many."""
    old = select(resources.c.seq).where(resources.c.gone_at < before)
    connection.execute(delete(documents).where(documents.c.seq.in_(old)))
    return connection.execute(delete(resources).where(resources.c.gone_at < before)).rowcount

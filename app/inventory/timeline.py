"""What was seen to change: kept beside what it changed, read newest first."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, or_, select

from app.inventory.bounds import Bounds
from app.inventory.entry import clean
from app.inventory.tables import changes

# The field of a resource's coming and going, and what stands before and after. None before: it
# was never seen until then.
RESOURCE, THERE, GONE = "resource", "there", "gone"
TAGS = "tag:"  # the field of a tag is this and its key
BY_US, BY_OTHERS = "any", "none"  # instead of an action's id
LIMIT = 100
MOST = 20_000
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Change:
    """One difference that was seen in a resource; ``at``: when.

    ``field``: the name of a column, ``tag:Key``, or RESOURCE. ``before`` and ``after``: as a list
    would show it, None where there was nothing. ``action``: the id of the action of this console
    that it is put down to. ``seq``: its place among all changes, 0 before it is kept.
    """

    seq: int
    at: datetime
    kind: str
    account: str
    region: str
    id: str
    name: str
    field: str
    before: str | None
    after: str | None
    action: str | None


@dataclass(frozen=True, slots=True)
class Subject:
    """What a change is of, and whose deed it is."""

    kind: str
    account: str
    region: str
    id: str
    name: str
    action: str | None

    def change(self, at: datetime, field: str, before: str | None, after: str | None) -> Change:
        """The change of one of its fields."""
        place = (self.kind, self.account, self.region, self.id, self.name)
        return Change(0, at, *place, field, before, after, self.action)


@dataclass(frozen=True)
class ActivityQuery:
    """Which changes are asked for; what is empty does not narrow.

    ``field``: as in Change, or TAGS for every tag. ``text``: an id, or a part of ids and names.
    ``action``: the id of an action, BY_US for whatever this console did, or BY_OTHERS.
    ``days``: how far back; 0: as far as is kept.
    """

    kind: str = ""
    account: str = ""
    region: str = ""
    field: str = ""
    text: str = ""
    action: str = ""
    days: float = 0


def record(connection: Connection, found: Iterable[Change]) -> None:
    """Keep changes, in the transaction that writes what has changed."""
    names = [column.name for column in changes.c if column.name != "seq"]
    rows = [{name: getattr(change, name) for name in names} for change in found]
    if rows:
        connection.execute(insert(changes), rows)


def of_resource(
    connection: Connection,
    kind: str,
    resource_id: str,
    limit: int,
    before_seq: int | None,
    within: Bounds | None,
) -> list[Change]:
    """The changes of one resource, newest first; those older than ``before_seq`` if given."""
    statement = select(changes).where(changes.c.kind == kind, changes.c.id == clean(resource_id))
    return _newest(connection, statement, limit, before_seq, within)


def came_at(connection: Connection, kind: str, resource_id: str) -> datetime | None:
    """When a resource was last seen to have come, as far as that is kept."""
    came = select(changes.c.at).where(
        changes.c.kind == kind,
        changes.c.id == clean(resource_id),
        changes.c.field == RESOURCE,
        changes.c.after == THERE,
    )
    return connection.scalar(came.order_by(changes.c.seq.desc()).limit(1))


def first_at(connection: Connection) -> datetime | None:
    """When the first change was seen that is still kept."""
    return connection.scalar(select(changes.c.at).order_by(changes.c.at).limit(1))


def reached(
    connection: Connection, kind: str, states: Collection[str], since: datetime
) -> list[tuple[str, datetime]]:
    """Which resources came into one of some states, and when, newest first; 20,000 at most."""
    came = (changes.c.kind == kind, changes.c.field == "state", changes.c.after.in_(states))
    found = select(changes.c.id, changes.c.at).where(*came, *_since(since))
    return [
        (resource_id, at)
        for resource_id, at in connection.execute(found.order_by(changes.c.seq.desc()).limit(MOST))
    ]


def activity(
    connection: Connection,
    query: ActivityQuery,
    now: datetime,
    limit: int,
    before_seq: int | None,
    within: Bounds | None,
) -> list[Change]:
    """The changes of all resources that fit the query, newest first."""
    statement = select(changes).where(*_conditions(query))
    if query.text:
        statement = statement.where(_named(connection, clean(query.text)))
    if query.days:
        statement = statement.where(*_since(now - timedelta(days=query.days)))
    return _newest(connection, statement, limit, before_seq, within)


def _newest(
    connection: Connection,
    statement: Select[Any],
    limit: int,
    before_seq: int | None,
    within: Bounds | None,
) -> list[Change]:
    if within is not None:  # whose the resource is goes by its tags as they are, or last were
        names = ("kind", "account", "region", "id")
        statement = statement.where(within.has(**{name: changes.c[name] for name in names}))
    if before_seq is not None:
        statement = statement.where(changes.c.seq < before_seq)
    found = connection.execute(statement.order_by(changes.c.seq.desc()).limit(limit))
    return [Change(**row._mapping) for row in found]


def _conditions(query: ActivityQuery) -> list[ColumnElement[bool]]:
    exact = {"kind": query.kind, "account": query.account, "region": query.region}
    found = [changes.c[name] == clean(value) for name, value in exact.items() if value]
    if query.field == TAGS:
        # Not a range of the index: changes of tags are so many that sorting them takes longer.
        found.append(func.substr(changes.c.field, 1, len(TAGS)) == TAGS)
    elif query.field:
        found.append(changes.c.field == clean(query.field))
    if query.action == BY_OTHERS:
        found.append(changes.c.action.is_(None))
    elif query.action:
        found.append(_by(query.action))
    return found


def _by(action: str) -> ColumnElement[bool]:
    if action == BY_US:
        return changes.c.action.is_not(None)
    return changes.c.action == clean(action)


def _named(connection: Connection, text: str) -> ColumnElement[bool]:
    exact = changes.c.id == text
    if connection.scalar(select(changes.c.seq).where(exact).limit(1)) is not None:
        return exact  # read along the index
    return or_(
        changes.c.id.icontains(text, autoescape=True),
        changes.c.name.icontains(text, autoescape=True),
    )


def _since(moment: datetime) -> tuple[ColumnElement[bool], ...]:
    # Times follow seq but for a clock that was set back, hence the day of leeway. The column is
    # hidden in a function, so that no database sorts by time first what it can read by seq.
    last_before = (
        select(changes.c.seq)
        .where(changes.c.at < moment - _DAY)
        .order_by(changes.c.at.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        changes.c.seq > func.coalesce(last_before, 0),
        func.coalesce(changes.c.at, changes.c.at) >= moment,
    )


def thin(connection: Connection, before: datetime, most: int) -> int:
    """Forget what was seen before ``before``, at most ``most`` of it. Returns how many."""
    old = select(changes.c.seq).where(changes.c.at < before).order_by(changes.c.at).limit(most)
    seqs = list(connection.scalars(old.with_for_update(skip_locked=True)))
    connection.execute(delete(changes).where(changes.c.seq.in_(seqs)))
    return len(seqs)

"""Reading what the pages show of watches, in one go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, func, select, union

from app.inventory.bounds import Bounds
from app.watches.messages import notice_of
from app.watches.outcomes import OPEN
from app.watches.rows import Record
from app.watches.seeing import watches_within
from app.watches.tables import events, notices, rules, watches
from app.watches.views import UNSENT, EventView, NoticeView, WatchView


@dataclass(frozen=True)
class Wanted:
    """Which watches: those that are all of what is given.

    ``state`` may be ``open``: still waiting, or with a notice unsent. ``of``: on that resource,
    on what is made of it, or publishing to it.
    """

    state: str = ""
    kind: str = ""
    topic_arn: str = ""
    rule_id: str = ""
    of: str = ""


_WATCH = tuple(name for name in WatchView.__dataclass_fields__ if name in watches.c)
_NOTICE = tuple(name for name in NoticeView.__dataclass_fields__ if name in notices.c)


class Views:
    """Reads watches, as far as ``within``. Waits for no writer.

    Whoever does not see all of them sees no rule either: they are for everything.
    """

    def __init__(self, engine: Engine, within: Bounds | None = None) -> None:
        self._engine = engine.execution_options(reading=True)
        self._within = within

    def get(self, watch_id: str) -> WatchView | None:
        """The watch with all its history, or None."""
        with self._engine.connect().execution_options(reading=True) as connection:
            this = watches.c.id == watch_id
            found = _load(connection, self._seen(this), limit=1, history=True)
        return self._told(found[0]) if found else None

    def count(self, wanted: Wanted) -> int:
        """How many ``list`` would give without a limit."""
        with self._engine.connect().execution_options(reading=True) as connection:
            seen = self._seen(_condition(wanted))
            query = select(func.count()).select_from(watches).where(seen)
            return connection.execute(query).scalar_one()

    def list(self, wanted: Wanted, limit: int, offset: int = 0) -> list[WatchView]:
        """The newest first."""
        with self._engine.connect().execution_options(reading=True) as connection:
            seen = self._seen(_condition(wanted))
            found = _load(connection, seen, limit=limit, offset=offset)
        return [self._told(each) for each in found]

    def waiting(self, ids: Sequence[str]) -> int:
        """How many watches wait for some resources, or to publish to some topics."""
        columns = (watches.c.resource_id, watches.c.source_id, watches.c.topic_arn)
        each = (select(watches.c.id).where(column.in_(ids)) for column in columns)
        among = and_(watches.c.state.in_(OPEN), watches.c.id.in_(union(*each)))
        query = select(func.count()).select_from(watches).where(among)
        with self._engine.connect().execution_options(reading=True) as connection:
            return connection.execute(query).scalar_one()

    def rules_by(self, topic_arns: Sequence[str]) -> int:
        """How many rules tell by some topics."""
        query = select(func.count()).select_from(rules).where(rules.c.topic_arn.in_(topic_arns))
        with self._engine.connect().execution_options(reading=True) as connection:
            return connection.execute(query).scalar_one()

    def topics(self, limit: int) -> Sequence[str]:
        """The topics that watches publish to, in order of their ARNs."""
        query = select(watches.c.topic_arn).distinct().where(self._seen())
        query = query.order_by(watches.c.topic_arn).limit(limit)
        with self._engine.connect().execution_options(reading=True) as connection:
            return connection.scalars(query).all()

    def topics_used(self, actor: str, among: int = 1000) -> Sequence[str]:
        """The topics for which people put on watches that are ``among`` the newest of all.

        The actor's own come first, and of each the latest.
        """
        columns = (watches.c.id, watches.c.actor, watches.c.topic_arn, watches.c.rule_id)
        newest = select(*columns).order_by(watches.c.id.desc()).limit(among).subquery()
        query = select(newest.c.actor, newest.c.topic_arn).where(newest.c.rule_id.is_(None))
        query = query.order_by(newest.c.id.desc())
        with self._engine.connect().execution_options(reading=True) as connection:
            found = connection.execute(query).all()
        own_first = sorted(found, key=lambda row: row.actor != actor)
        return list(dict.fromkeys(row.topic_arn for row in own_first))

    def _seen(self, *asked: ColumnElement[bool]) -> ColumnElement[bool]:
        own = () if self._within is None else (watches_within(self._within),)
        return and_(True, *asked, *own)

    def _told(self, view: WatchView) -> WatchView:
        if self._within is None or view.rule_id is None:
            return view
        return replace(view, rule_id=None, actor="a rule")


def _condition(wanted: Wanted) -> ColumnElement[bool]:
    # Each by an index of its own, and put together by id: an OR would look at every watch.
    names = ("kind", "topic_arn", "rule_id")
    given = {name: getattr(wanted, name) for name in names}
    conditions = [watches.c[name] == value for name, value in given.items() if value]
    if wanted.state == "open":
        waiting = select(watches.c.id).where(watches.c.state.in_(OPEN))
        unsent = select(notices.c.watch_id).where(
            notices.c.state.in_(UNSENT), notices.c.watch_id.is_not(None)
        )
        conditions.append(watches.c.id.in_(union(waiting, unsent)))
    elif wanted.state:
        conditions.append(watches.c.state == wanted.state)
    if wanted.of:
        columns = (watches.c.resource_id, watches.c.source_id, watches.c.topic_arn)
        each = (select(watches.c.id).where(column == wanted.of) for column in columns)
        conditions.append(watches.c.id.in_(union(*each)))
    return and_(True, *conditions)


def _load(
    connection: Connection,
    condition: ColumnElement[bool],
    limit: int,
    offset: int = 0,
    history: bool = False,
) -> list[WatchView]:
    query = select(watches).where(condition).order_by(watches.c.id.desc())
    found = connection.execute(query.limit(limit).offset(offset)).mappings()
    rows = [dict(row) for row in found]
    owed = _notices(connection, rows)
    told = _events(connection, rows) if history else {}
    return [
        WatchView(
            **{name: row[name] for name in _WATCH if name not in {"outcomes", "passed"}},
            outcomes=tuple(row["outcomes"]),
            passed=tuple(row["passed"]),
            notices=tuple(owed[each] for each in _owed(row) if each in owed),
            events=tuple(told.get(row["id"], ())),
        )
        for row in rows
    ]


def _owed(watch: Record) -> list[str]:
    # By the derived ids and not by watch_id: two watches can owe the same notice.
    told = [name for name in (*watch["passed"], watch["state"]) if name in watch["outcomes"]]
    return [notice_of(watch, name) for name in dict.fromkeys(told)]


def _notices(connection: Connection, rows: Sequence[Record]) -> dict[str, NoticeView]:
    wanted = {identity for row in rows for identity in _owed(row)}
    if not wanted:
        return {}
    found = connection.execute(select(notices).where(notices.c.id.in_(wanted))).mappings()
    return {row["id"]: NoticeView(**{name: row[name] for name in _NOTICE}) for row in found}


def _events(connection: Connection, rows: Iterable[Record]) -> dict[str, list[EventView]]:
    query = select(events).where(events.c.watch_id.in_([row["id"] for row in rows]))
    told: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(query.order_by(events.c.id)).mappings():
        told[row["watch_id"]].append(
            EventView(row["at"], row["kind"], row["text"], row["notice_id"])
        )
    return told

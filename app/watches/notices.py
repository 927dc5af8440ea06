"""All notices: those that wait, that were sent, that need a person; and what a person may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, func, insert, or_, select, update

from app.inventory.bounds import Bounds
from app.watches import lanes
from app.watches.harmless import harmless
from app.watches.messages import trial_row
from app.watches.rows import Record, tell_of
from app.watches.seeing import notices_within
from app.watches.store import WatchError
from app.watches.tables import OVER, events, notices, watches
from app.watches.topic_settings import settings_for
from app.watches.views import UNSENT, EventView, NoticeView

STATES = (*UNSENT, *OVER)
FOR_A_PERSON = ("held", "parked")  # nothing happens to these until somebody decides
_VIEWED = tuple(name for name in NoticeView.__dataclass_fields__ if name in notices.c)


@dataclass(frozen=True)
class NoticeQuery:
    """Which notices: of these states (any, if there are none), of a topic, of a kind."""

    states: tuple[str, ...] = ()
    topic_arn: str = ""
    kind: str = ""

    def condition(self) -> ColumnElement[bool]:
        """What SQL is to look for."""
        wanted: list[ColumnElement[bool]] = [notices.c.id.is_not(None)]
        if self.states:
            wanted.append(notices.c.state.in_(self.states))
        if self.topic_arn:
            wanted.append(notices.c.topic_arn == self.topic_arn)
        if self.kind:
            wanted.append(notices.c.kind == self.kind)
        return and_(*wanted)


@dataclass(frozen=True)
class Owed:
    """A notice with the row of the watch that owed it, as that is now."""

    notice: NoticeView
    watch: Mapping[str, Any]


class NoticeReader:
    """Reads notices for the pages, as far as ``within``. Waits for no writer."""

    def __init__(self, engine: Engine, within: Bounds | None = None) -> None:
        self._engine = engine
        self._seen = () if within is None else (notices_within(within),)

    def page(
        self, query: NoticeQuery, limit: int, before: tuple[datetime, str] | None = None
    ) -> list[NoticeView]:
        """Notices, newest first; ``before``: older than the one of that time and id."""
        found = select(notices).where(query.condition(), *self._seen)
        if before:
            at, identity = before
            older = or_(notices.c.made_at < at, notices.c.id < identity)
            found = found.where(notices.c.made_at <= at, older)
        found = found.order_by(notices.c.made_at.desc(), notices.c.id.desc()).limit(limit)
        with self._reading() as connection:
            return [_view(dict(row)) for row in connection.execute(found).mappings()]

    def ids(self, query: NoticeQuery, limit: int) -> list[str]:
        """The ids of those that fit, oldest first."""
        found = select(notices.c.id).where(query.condition(), *self._seen)
        found = found.order_by(notices.c.made_at, notices.c.id).limit(limit)
        with self._reading() as connection:
            return list(connection.execute(found).scalars())

    def counts(self) -> dict[str, int]:
        """How many there are of each state in which something is still to be done."""
        unsent = notices.c.state.in_(UNSENT)
        query = select(notices.c.state, func.count()).where(unsent, *self._seen)
        query = query.group_by(notices.c.state)
        with self._reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def for_a_person(self) -> int:
        """How many wait for somebody to decide."""
        query = select(func.count()).where(notices.c.state.in_(FOR_A_PERSON), *self._seen)
        with self._reading() as connection:
            return connection.execute(query).scalar_one()

    def get(self, notice_id: str) -> NoticeView | None:
        """A notice, or None."""
        query = select(notices).where(notices.c.id == notice_id, *self._seen)
        with self._reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else _view(dict(row))

    def history(self, notice: NoticeView) -> list[EventView]:
        """What happened to it, oldest first. A test has no watch and so no history."""
        if notice.watch_id is None:
            return []
        of_it = and_(events.c.watch_id == notice.watch_id, events.c.notice_id == notice.id)
        query = select(events).where(of_it).order_by(events.c.id)
        with self._reading() as connection:
            found = connection.execute(query).mappings()
            return [
                EventView(row["at"], row["kind"], row["text"], row["notice_id"]) for row in found
            ]

    def kept_waiting(self, notice: NoticeView) -> datetime | None:
        """When SNS is tried again where its topic is, if it is in trouble there; else None."""
        with self._reading() as connection:
            given = {"topic_arn": notice.topic_arn, "account": notice.account}
            return lanes.next_try(connection, given)

    def newest(self, topic_arn: str = "") -> Owed | None:
        """The newest notice of a topic (of all, if it is empty) that a watch owed."""
        wanted = NoticeQuery(topic_arn=topic_arn).condition()
        query = select(notices).where(wanted, notices.c.watch_id.is_not(None), *self._seen)
        query = query.order_by(notices.c.made_at.desc(), notices.c.id.desc()).limit(1)
        with self._reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
            if row is None:
                return None
            of_it = select(watches).where(watches.c.id == row["watch_id"])
            watch = dict(connection.execute(of_it).mappings().one())
        return Owed(_view(dict(row)), watch)

    def _reading(self) -> Connection:
        return self._engine.connect().execution_options(reading=True)


class NoticeBook(NoticeReader):
    """Reads all notices, and writes what a person asks for."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime], public_url: str = "") -> None:
        super().__init__(engine)
        self._clock = clock
        self._public_url = public_url

    def test(self, topic_arn: str, account: str, region: str) -> str:
        """Owe a topic a test, which goes the way of every notice; returns its id."""
        with self._engine.begin() as connection:
            wording = settings_for(connection, topic_arn).wording
            now, home = self._clock(), self._public_url
            row = trial_row(topic_arn, account, region, now, wording, home)
            connection.execute(insert(notices).values(row))
            lanes.ask_again(connection, row, row["made_at"])
        return str(row["id"])

    def repeat(self, notice_id: str, actor: str) -> None:
        """Publish once more what was sent, with the same id, on purpose. Raises WatchError."""
        now = self._clock()
        with self._engine.begin() as connection:
            row = _locked(connection, notice_id)
            if row is None:
                raise WatchError(f"There is no notice {notice_id[:60]}.", "notice_id")
            if row["state"] != "sent":
                raise WatchError(f"The notice {notice_id} is {row['state']}, not sent yet.")
            again = {"state": "waiting", "due_at": now, "due_set_at": now}
            again |= {"owner": "", "fence": row["fence"] + 1, "uncertain_since": None}
            connection.execute(update(notices).where(notices.c.id == notice_id).values(again))
            lanes.ask_again(connection, row, now)
            text = f"{harmless(actor) or 'A person'} asked to publish it once more."
            tell_of(connection, row, now, "retried", text)


def _locked(connection: Connection, notice_id: str) -> Record | None:
    query = select(notices).where(notices.c.id == notice_id)
    found = connection.execute(query.with_for_update()).mappings()
    row = found.one_or_none()
    return None if row is None else dict(row)


def _view(row: Record) -> NoticeView:
    return NoticeView(**{name: row[name] for name in _VIEWED})

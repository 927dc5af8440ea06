"""What the pages show of watches and notices: frozen, read in one go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, exists, func, or_, select

from app.resources.spec import StateClass
from app.watches.messages import notice_of
from app.watches.outcomes import OPEN, ended
from app.watches.rows import Record
from app.watches.tables import events, notices, watches

_CLASSES: dict[str, StateClass] = {
    "intended": "changing",
    "waiting": "changing",
    "sending": "changing",
    "completed": "ok",
    "sent": "ok",
    "failed": "failed",
    "vanished": "failed",
    "held": "failed",
    "parked": "failed",
    "abandoned": "off",
    "cancelled": "off",
}


@dataclass(frozen=True)
class NoticeView:
    """One message owed. ``state``: waiting, sending, sent; held or parked until a person retries.

    ``due_at``: the next try, or when the running one is given up. ``uncertain``: how many tries
    may have been delivered although nobody could say so. ``error`` and ``advice``: what the last
    try came to, in words; empty when it went well.
    """

    id: str
    watch_id: str | None
    account: str
    region: str
    kind: str
    resource_id: str
    outcome: str
    topic_arn: str
    subject: str
    message: str
    state: str
    made_at: datetime
    due_at: datetime
    attempts: int
    uncertain: int
    last_tried_at: datetime | None
    error_code: str
    error: str
    advice: str
    sent_at: datetime | None
    sns_message_id: str

    @property
    def state_class(self) -> StateClass:
        """For the badge: a waiting one that was tried in vain has failed so far."""
        return "failed" if self.state == "waiting" and self.error else _CLASSES[self.state]

    @property
    def can_retry(self) -> bool:
        """Whether ``Watches.retry`` has something to do."""
        return self.state == "parked" or (self.state == "waiting" and self.attempts > 0)


@dataclass(frozen=True)
class EventView:
    """Something that happened to a watch, in words.

    ``kind``: made, bound, state, progress, owed, sent, trouble, retried, cancelled, abandoned or
    ended.
    """

    at: datetime
    kind: str
    text: str
    notice_id: str | None


@dataclass(frozen=True)
class WatchView:
    """A watch with its notices and, from ``Watches.get`` only, its events, oldest first.

    ``state``: intended, waiting, completed, failed, vanished, abandoned or cancelled.
    ``last_error``: why AWS could not be asked last time; empty when it could.
    """

    id: str
    account: str
    region: str
    kind: str
    resource_id: str | None
    source_id: str
    source_name: str
    description: str
    topic_arn: str
    outcomes: tuple[str, ...]
    actor: str
    state: str
    made_at: datetime
    ended_at: datetime | None
    aws_state: str
    progress: str
    state_message: str
    started_at: datetime | None
    completed_at: datetime | None
    size_gib: int | None
    polls: int
    last_polled_at: datetime | None
    absent_since: datetime | None
    last_error: str
    notices: tuple[NoticeView, ...] = ()
    events: tuple[EventView, ...] = ()

    @property
    def state_class(self) -> StateClass:
        """For the badge."""
        return _CLASSES.get(self.state, "changing")

    @property
    def is_open(self) -> bool:
        """Whether the promise is still to be kept: something to wait for, or to send."""
        return self.state in OPEN or any(notice.state != "sent" for notice in self.notices)

    @property
    def can_cancel(self) -> bool:
        """Whether ``Watches.cancel`` is allowed."""
        return self.state == "waiting"


_WATCH = tuple(name for name in WatchView.__dataclass_fields__ if name in watches.c)
_NOTICE = tuple(name for name in NoticeView.__dataclass_fields__ if name in notices.c)


class Views:
    """Reads watches. Waits for no writer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(reading=True)

    def get(self, watch_id: str) -> WatchView | None:
        """The watch with all its history, or None."""
        with self._engine.connect().execution_options(reading=True) as connection:
            found = _load(connection, watches.c.id == watch_id, limit=1, history=True)
        return found[0] if found else None

    def count(self, state: str | None) -> int:
        """How many ``list`` would give without a limit."""
        with self._engine.connect().execution_options(reading=True) as connection:
            query = select(func.count()).select_from(watches).where(_in_state(state))
            return connection.execute(query).scalar_one()

    def of_resource(self, resource_id: str, limit: int) -> list[WatchView]:
        """Those on a snapshot, on snapshots of a volume, or that publish to a topic."""
        columns = (watches.c.resource_id, watches.c.source_id, watches.c.topic_arn)
        with self._engine.connect().execution_options(reading=True) as connection:
            condition = or_(*(column == resource_id for column in columns))
            return _load(connection, condition, limit=limit)

    def list(self, state: str | None, limit: int, offset: int) -> list[WatchView]:
        """The newest first; ``state`` may be ``open``."""
        with self._engine.connect().execution_options(reading=True) as connection:
            return _load(connection, _in_state(state), limit=limit, offset=offset)


def _in_state(state: str | None) -> ColumnElement[bool]:
    if state is None:
        return watches.c.id.is_not(None)
    if state != "open":
        return watches.c.state == state
    unsent = exists().where(notices.c.watch_id == watches.c.id, notices.c.state != "sent")
    return or_(watches.c.state.in_(OPEN), unsent)


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
            **{name: row[name] for name in _WATCH if name != "outcomes"},
            outcomes=tuple(row["outcomes"]),
            notices=owed.get(_owed(row), ()),
            events=tuple(told.get(row["id"], ())),
        )
        for row in rows
    ]


def _owed(watch: Record) -> str:
    # By the derived id and not by watch_id: two watches can owe the same notice.
    return notice_of(watch, watch["state"]) if ended(watch) else ""


def _notices(connection: Connection, rows: Sequence[Record]) -> dict[str, tuple[NoticeView, ...]]:
    wanted = {identity for identity in map(_owed, rows) if identity}
    if not wanted:
        return {}
    found = connection.execute(select(notices).where(notices.c.id.in_(wanted))).mappings()
    return {row["id"]: (NoticeView(**{name: row[name] for name in _NOTICE}),) for row in found}


def _events(connection: Connection, rows: Iterable[Record]) -> dict[str, list[EventView]]:
    query = select(events).where(events.c.watch_id.in_([row["id"] for row in rows]))
    told: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(query.order_by(events.c.id)).mappings():
        told[row["watch_id"]].append(
            EventView(row["at"], row["kind"], row["text"], row["notice_id"])
        )
    return told

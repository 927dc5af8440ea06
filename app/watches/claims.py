"""Who may publish a notice, as the rows say it.

A process claims some notices that are due: each gets its name and a higher fence, and stays
``waiting``. Before it publishes one it commits that this one is ``sending``, if the fence is still
what it made it. So at any moment at most one notice of a process is between SNS's deed and our
commit, and the rows say which: only that one is in doubt when the process dies. The others are
simply due again a little later.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from app.db import alone
from app.watches import lanes
from app.watches.rows import Record
from app.watches.tables import events, is_due, notices

MOST = 50
# So long other processes keep away from what was claimed. Should one not (its clock is another)
# the fence decides, and nothing is published twice.
HOLD = timedelta(seconds=20)
# A try whose process is not heard of for so long is taken over.
LEASE = timedelta(seconds=25)


def _claimed(which: str, state: str) -> ColumnElement[bool]:
    mine = and_(notices.c.id == bindparam(f"{which}_id"), notices.c.state == state)
    return and_(mine, notices.c.fence == bindparam(f"{which}_fence"))


_begin = (
    update(notices)
    .where(_claimed("next", "waiting"))
    .values(
        state="sending",
        last_tried_at=bindparam("begun_at"),
        due_at=bindparam("ends_at"),
        due_set_at=bindparam("begun_at"),
    )
)
_is_sent: dict[str, Any] = {
    "state": "sent",
    "owner": "",
    "uncertain_since": None,
    "sent_at": bindparam("ended_at"),
    "sns_message_id": bindparam("message_id"),
    "error_code": "",
    "error": "",
    "advice": "",
}
_sent = (
    update(notices)
    .where(_claimed("last", "sending"))
    .values(**_is_sent, attempts=notices.c.attempts + 1)
)
# The try was taken over, which raised the fence by one, and nobody has tried again since.
_sent_after_all = (
    update(notices)
    .where(
        notices.c.id == bindparam("last_id"),
        notices.c.fence == bindparam("last_fence") + 1,
        notices.c.state.in_(("waiting", "held")),
        notices.c.uncertain > 0,
    )
    .values(**_is_sent)
)
# All that a good end of one and the beginning of the next amount to, or nothing of it. PostgreSQL
# only: on SQLite, which has no such statement, several cost no more than one.
_both = (
    select(notices.c.id)
    .where(notices.c.id.in_((bindparam("last_id"), bindparam("next_id"))))
    .where(or_(_claimed("last", "sending"), _claimed("next", "waiting")))
    .order_by(notices.c.id)
    .with_for_update()
    .cte("both")
)
_hold = select(func.count() == 2).select_from(_both)
_told = insert(events).from_select(
    [each.name for each in events.c if each is not events.c.id],
    select(
        *(bindparam(f"told_{each.name}", type_=each.type) for each in events.c if each.name != "id")
    ).where(_hold.scalar_subquery()),
)
_go_on = _hold.add_cte(
    *(
        each.where(_hold.scalar_subquery()).cte(name)
        for name, each in (("last", _sent), ("next", _begin))
    ),
    _told.cte("told"),
)


def any_due(engine: Engine, now: datetime) -> bool:
    """Whether there is anything to claim; asked without the lock that writers wait for."""
    with engine.connect().execution_options(reading=True) as connection:
        closed, open_again = lanes.troubled(connection, now)
        probes = (way for lane in open_again for way in lanes.ways(lane, closed))
        ways = [lanes.outside(closed), *probes]
        found = (exists().where(_due(now), way) for way in ways)
        return any(connection.execute(select(each)).scalar() for each in found)


def take(connection: Connection, owner: str, now: datetime) -> list[Record]:
    """Claim up to ``MOST`` notices, those due longest first, and one more of a lane to be tried.

    The rows, and ``probes``: whether it is that one.
    """
    closed, open_again = lanes.troubled(connection, now)
    found = _some(connection, lanes.outside(closed), now, MOST)
    for lane in open_again:
        tried = (_some(connection, way, now, 1) for way in lanes.ways(lane, closed))
        one = next(filter(None, tried), None)
        if one and lanes.probe(connection, lane, now):
            found.append({**one[0], "probes": True})
            break
    claimed = update(notices).where(notices.c.id.in_([row["id"] for row in found]))
    values = {"owner": owner, "fence": notices.c.fence + 1, "due_at": now + HOLD, "due_set_at": now}
    if found:
        connection.execute(claimed.values(values))
    return [{**row, "fence": row["fence"] + 1} for row in found]


def _some(
    connection: Connection, way: ColumnElement[bool], now: datetime, most: int
) -> list[dict[str, Any]]:
    query = select(notices).where(_due(now), way).order_by(notices.c.due_at, notices.c.id)
    found = connection.execute(query.limit(most).with_for_update(skip_locked=True))
    return [{**row, "probes": False} for row in found.mappings()]


def _due(now: datetime) -> ColumnElement[bool]:
    return and_(notices.c.state == "waiting", is_due(notices, now))


def begin(connection: Connection, notice: Record, now: datetime) -> bool:
    """Say that a claimed notice is being published; False if the claim holds no more."""
    return connection.execute(_begin, _beginning(notice, now)).rowcount == 1


def _beginning(notice: Record, now: datetime) -> dict[str, Any]:
    values = {"next_id": notice["id"], "next_fence": notice["fence"]}
    return {**values, "begun_at": now, "ends_at": now + LEASE}


def sent(connection: Connection, notice: Record, message_id: str, now: datetime) -> bool:
    """Say that it was published; False if another try was begun since, or this was said before.

    Also when the try was taken for lost meanwhile: now nothing is in doubt any more.
    """
    values = _ended(notice, message_id, now)
    said = (connection.execute(each, values).rowcount == 1 for each in (_sent, _sent_after_all))
    return any(said)


def _ended(notice: Record, message_id: str, now: datetime) -> dict[str, Any]:
    values = {"last_id": notice["id"], "last_fence": notice["fence"]}
    return {**values, "ended_at": now, "message_id": message_id}


def go_on(
    connection: Connection,
    last: Record,
    message_id: str,
    told: Mapping[str, Any],
    following: Record,
    now: datetime,
) -> bool:
    """As ``sent``, with an event for the watch's history, and ``begin`` of the following notice.

    A transaction of its own, of one way to PostgreSQL and back. False, and nothing written, on
    SQLite, and where either claim holds no more.
    """
    if connection.dialect.name != "postgresql":
        return False
    event = {f"told_{name}": value for name, value in told.items()}
    values = {**_ended(last, message_id, now), **_beginning(following, now), **event}
    with alone(connection):
        return bool(connection.execute(_go_on, values).scalar())


def change(
    connection: Connection, notice: Record, values: Mapping[str, Any], state: str = "sending"
) -> bool:
    """Say what else became of a notice that is in ``state``; False as for ``sent``."""
    mine = and_(notices.c.id == notice["id"], notices.c.fence == notice["fence"])
    changed = update(notices).where(mine, notices.c.state == state)
    return connection.execute(changed.values({**values, "owner": ""})).rowcount == 1


def is_still(connection: Connection, notice: Record) -> bool:
    """Whether nobody has claimed a notice since."""
    query = select(notices.c.fence).where(notices.c.id == notice["id"])
    return bool(connection.execute(query).scalar() == notice["fence"])


def release(connection: Connection, owner: str, now: datetime) -> None:
    """Give back whatever is claimed, untried; also what was to be published next and was not."""
    mine = and_(notices.c.owner == owner, notices.c.state.in_(("waiting", "sending")))
    values = {"state": "waiting", "owner": "", "due_at": now, "due_set_at": now}
    connection.execute(update(notices).where(mine).values(values))


def put_off(connection: Connection, notice: Record, values: Mapping[str, Any]) -> None:
    """Let all that waits for the same topic wait with the same words and till the same time.

    Claims on them end by it: whoever holds one does not try what has just failed.
    """
    same = and_(notices.c.topic_arn == notice["topic_arn"], notices.c.state == "waiting")
    ids = select(notices.c.id).where(same).order_by(notices.c.id).with_for_update(skip_locked=True)
    waiting = update(notices).where(notices.c.id.in_(ids))
    names = ("due_at", "due_set_at", "error_code", "error", "advice")
    same_words = {name: values[name] for name in names}
    connection.execute(waiting.values(**same_words, owner="", fence=notices.c.fence + 1))


def bring_on(connection: Connection, notice: Record, now: datetime) -> None:
    """What waits because of the same trouble with the same topic is due: that is over."""
    same = and_(
        notices.c.topic_arn == notice["topic_arn"],
        notices.c.state == "waiting",
        notices.c.error_code == notice["error_code"],
        notices.c.due_at > now,
    )
    ids = select(notices.c.id).where(same).order_by(notices.c.id).with_for_update(skip_locked=True)
    waiting = update(notices).where(notices.c.id.in_(ids))
    connection.execute(waiting.values(due_at=now, due_set_at=now))

"""Sessions: opaque tokens in cookies, of which only the digest is in the database.

A session ends by signing out, by being ended from the list of somebody's sessions, with the user
being disabled, when it was not used for long (idle), and in any case some hours after the sign-in.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from app.people import grants
from app.people.tables import sessions, users
from app.people.tokens import digest
from app.people.who import OWNER, Grant, Method, Person
from app.settings import Settings

SEEN_EVERY = timedelta(minutes=1)  # how often at most it is written down that one was used
# Ended ones stay for a while: a form that comes back is shown to the same person only.
KEPT = timedelta(days=7)
MAX_AGENT = 400


@dataclass(frozen=True)
class Ends:
    """How long sessions last at most, unused and in all.

    ``links``: whether start links count; whoever opened one has no idle end.
    ``admin_group``: whoever is in this group of the OpenID provider's is an admin.
    """

    idle: timedelta
    absolute: timedelta
    links: bool = True
    admin_group: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Ends:
        """Those of the settings."""
        return cls(
            timedelta(minutes=settings.idle_minutes),
            timedelta(hours=settings.session_hours),
            settings.loopback,
            settings.oidc_admin_group,
        )


@dataclass(frozen=True)
class Session:
    """One that goes on. ``handle`` is what pages call it; ``agent`` what the browser says it is."""

    handle: str
    method: Method
    made_at: datetime
    seen_at: datetime
    ends_at: datetime
    address: str
    agent: str


@dataclass(frozen=True)
class Found:
    """Whose session a token is of, and when it was last used."""

    person: Person
    seen_at: datetime


def start(
    connection: Connection,
    user_id: str | None,
    method: Method,
    ends: Ends,
    at: datetime,
    address: str = "",
    agent: str = "",
    proved_at: datetime | None = None,
) -> tuple[str, str]:
    """Begin a session of a user, or of whoever opened the start link (None).

    ``proved_at``: when they proved who they are, if not ``at``. Returns its token, of 256 random
    bits, and its handle.
    """
    token, handle = secrets.token_urlsafe(32), secrets.token_hex(8)
    connection.execute(
        insert(sessions).values(
            digest=digest(token),
            handle=handle,
            user_id=user_id,
            method=method,
            made_at=at,
            signed_in_at=proved_at or at,
            seen_at=at,
            ends_at=at + ends.absolute,
            address=address[:64],
            agent=agent[:MAX_AGENT],
        )
    )
    return token, handle


def renew(connection: Connection, token: str, ends: Ends, at: datetime) -> str | None:
    """The same person has proved again who they are: another token for the session.

    None if it has been ended, or got another token, meanwhile.
    """
    fresh = secrets.token_urlsafe(32)
    changed = connection.execute(
        update(sessions)
        .where(sessions.c.digest == digest(token), sessions.c.ended_at.is_(None))
        .values(digest=digest(fresh), signed_in_at=at, seen_at=at, ends_at=at + ends.absolute)
    )
    return fresh if changed.rowcount == 1 else None


def find(engine: Engine, token: str, ends: Ends, at: datetime) -> Found | None:
    """Whose session it is; None if there is none, or it has ended."""
    with engine.connect().execution_options(reading=True) as connection:
        row = connection.execute(_FOUND, {"digest": digest(token)}).mappings().one_or_none()
        if row is None or not _goes_on(row, ends, at):
            return None
        return Found(_person(connection, row, ends), row["seen_at"])


def whose(engine: Engine, token: str) -> str | None:
    """The user (or OWNER) of a session that may have ended; None if it is not known any more."""
    query = select(sessions.c.handle, sessions.c.user_id)
    with engine.connect().execution_options(reading=True) as connection:
        row = connection.execute(query.where(sessions.c.digest == digest(token))).one_or_none()
    return None if row is None else row.user_id or OWNER


def seen(engine: Engine, token: str, at: datetime) -> None:
    """Commit that it was used; it is no less used if another process wrote something later."""
    with engine.begin() as connection:
        connection.execute(
            update(sessions)
            .where(sessions.c.digest == digest(token), sessions.c.seen_at < at)
            .values(seen_at=at)
        )


def of(engine: Engine, user_id: str | None, ends: Ends, at: datetime) -> list[Session]:
    """The sessions of somebody that go on, the last used first."""
    query = (
        select(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None))
        .order_by(sessions.c.seen_at.desc(), sessions.c.handle)
    )
    with engine.connect().execution_options(reading=True) as connection:
        rows = connection.execute(query).mappings().all()
    return [
        Session(**{name: row[name] for name in Session.__dataclass_fields__})
        for row in rows
        if _lasts(row, ends, at)
    ]


def end(
    connection: Connection,
    user_id: str | None,
    at: datetime,
    handle: str | None = None,
    but: str | None = None,
) -> list[str]:
    """End sessions of somebody: all, or the one with ``handle``, or all ``but`` one.

    Returns the handles of those that were ended by this.
    """
    theirs = [sessions.c.user_id == user_id, sessions.c.ended_at.is_(None)]
    if handle is not None:
        theirs.append(sessions.c.handle == handle)
    if but is not None:
        theirs.append(sessions.c.handle != but)
    locked = select(sessions.c.handle).where(*theirs).with_for_update()
    handles = list(connection.scalars(locked))
    connection.execute(update(sessions).where(*theirs).values(ended_at=at))
    return handles


def end_token(connection: Connection, token: str, at: datetime) -> None:
    """End the session with this token, if it goes on."""
    connection.execute(
        update(sessions)
        .where(sessions.c.digest == digest(token), sessions.c.ended_at.is_(None))
        .values(ended_at=at)
    )


def sweep(engine: Engine, at: datetime) -> None:
    """Forget those that ended long ago."""
    old = or_(sessions.c.ends_at < at - KEPT, sessions.c.ended_at < at - KEPT)
    with engine.begin() as connection:
        connection.execute(delete(sessions).where(old))


_FOUND = (
    select(
        sessions.c.handle,
        sessions.c.user_id,
        sessions.c.method,
        sessions.c.signed_in_at,
        sessions.c.seen_at,
        sessions.c.ends_at,
        sessions.c.ended_at,
        users.c.name,
        users.c.full_name,
        users.c.groups,
        users.c.disabled_at,
    )
    .select_from(sessions.outerjoin(users, sessions.c.user_id == users.c.id))
    .where(sessions.c.digest == bindparam("digest"))
)


def _goes_on(row: RowMapping, ends: Ends, at: datetime) -> bool:
    return row["ended_at"] is None and row["disabled_at"] is None and _lasts(row, ends, at)


def _lasts(row: RowMapping, ends: Ends, at: datetime) -> bool:
    if at >= row["ends_at"]:
        return False
    if row["user_id"] is None:  # whoever opened the start link, on their own machine
        return ends.links
    return bool(at - row["seen_at"] < ends.idle)


def _person(connection: Connection, row: RowMapping, ends: Ends) -> Person:
    how = (row["method"], row["handle"], row["signed_in_at"])
    if row["user_id"] is None:
        return Person(OWNER, OWNER, (Grant("admin"),), *how)
    held = grants.held(connection, row["user_id"], row["groups"], ends.admin_group)
    return Person(row["user_id"], row["name"], held, *how, full_name=row["full_name"])

"""Links by which a user chooses a password: for seven days, once. Only digests are kept."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, insert, select

from app.db import now
from app.people import audit, passwords, users
from app.people.audit import By, Entry
from app.people.tables import invitations
from app.people.tokens import digest
from app.people.users import User, UserError

LIFETIME = timedelta(days=7)


def invite(engine: Engine, by: By, user_id: str) -> str:
    """Make the token of a link; one that was made for the user before is good no more.

    Raises UserError: there is no such user, or they are disabled.
    """
    user = users.get(engine, user_id)
    if user is None or user.disabled_at is not None:
        raise UserError(f"{user.name} is disabled." if user else "There is no such user.")
    token, at = secrets.token_urlsafe(32), now()
    with engine.begin() as connection:
        connection.execute(
            delete(invitations).where(
                (invitations.c.user_id == user_id) | (invitations.c.ends_at < at)
            )
        )
        connection.execute(
            insert(invitations).values(
                digest=digest(token),
                user_id=user_id,
                made_at=at,
                made_by=by.actor,
                ends_at=at + LIFETIME,
            )
        )
        told = {"id": user_id, "name": user.name}
        title = f"Invite {user.name} to choose a password"
        audit.add(connection, by, Entry("users.invite", title, parameters=told))
    return token


def of(engine: Engine, token: str) -> User | None:
    """Whom a link that is still good invites; None: it is not."""
    with engine.connect().execution_options(reading=True) as connection:
        user_id = connection.scalar(select(invitations.c.user_id).where(_good(token)))
    user = users.get(engine, user_id) if user_id else None
    return user if user and user.disabled_at is None else None


def accept(engine: Engine, by: By, token: str, password: str) -> User | None:
    """Use a link up: its user has that password now. None: the link is not good (any more).

    Raises passwords.PasswordError and passwords.Busy; the link stays good then.
    """
    user = of(engine, token)
    if user is None:
        return None
    passwords.check(password, user.name, user.full_name)
    kept = passwords.hashed(password)
    with engine.begin() as connection:
        if not _used_up(connection, token):
            return None
        who = By(user.name, user.id, "link", by.address)
        users.put_password(connection, who, user, kept)
    return user


def _used_up(connection: Connection, token: str) -> bool:
    return connection.execute(delete(invitations).where(_good(token))).rowcount == 1


def _good(token: str) -> ColumnElement[bool]:
    return and_(invitations.c.digest == digest(token), invitations.c.ends_at > now())

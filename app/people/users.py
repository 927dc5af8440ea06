"""Users: who may sign in by a password or an OpenID provider. They are disabled, never deleted."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.db import now
from app.people import audit, grants, passwords, sessions
from app.people.audit import By, Entry
from app.people.tables import invitations, users
from app.people.who import OWNER

# Such as can stand in an AWS session's name, in a log, and in an address.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{1,63}")
_RESERVED = {OWNER, "encante"}
MAX_FULL_NAME = 200


class UserError(Exception):
    """Why it cannot be done to a user, in words; ``field``: where it stands, if any."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class User:
    """Somebody who may sign in unless ``disabled_at``.

    ``password``: whether they have one. ``issuer`` and ``subject``: of the OpenID provider, if any.
    """

    id: str
    name: str
    full_name: str
    password: bool
    issuer: str
    subject: str
    groups: tuple[str, ...]
    made_at: datetime
    made_by: str
    disabled_at: datetime | None
    signed_in_at: datetime | None


def add(engine: Engine, by: By, name: str, full_name: str = "") -> str:
    """Make a user who cannot sign in yet, and may nothing. Returns the id. Raises UserError."""
    with engine.begin() as connection:
        return make(connection, by, name, full_name)


def make(
    connection: Connection, by: By, name: str, full_name: str, issuer: str = "", subject: str = ""
) -> str:
    """Make a user in a transaction of the caller's. Raises UserError."""
    name, full_name = name.strip(), full_name.strip()
    problem = wrong_with(name, full_name)
    if problem:
        raise problem
    user_id = secrets.token_hex(8)
    try:
        with connection.begin_nested():
            connection.execute(
                insert(users).values(
                    id=user_id,
                    name=name,
                    name_key=key_of(name),
                    full_name=full_name,
                    password="",  # it has none
                    issuer=issuer or None,
                    subject=subject or None,
                    groups=[],
                    made_at=now(),
                    made_by=by.actor,
                )
            )
    except IntegrityError:
        raise UserError(
            f"There is, or was, a user {name}; a name is one person's.", "name"
        ) from None
    told = {"id": user_id, "name": name, "full_name": full_name, "issuer": issuer}
    audit.add(connection, by, Entry("users.add", f"Add the user {name}", parameters=told))
    return user_id


def wrong_with(name: str, full_name: str = "") -> UserError | None:
    """Why nobody can be called so; None if somebody can."""
    if not NAME.fullmatch(name):
        return UserError(
            "A name has 2 to 64 letters (a to z), digits and . _ @ + -, and begins with one of the "
            "first two.",
            "name",
        )
    if key_of(name) in _RESERVED:
        return UserError(f"{name} is what the console calls itself, or who has its link.", "name")
    if len(full_name) > MAX_FULL_NAME or not full_name.isprintable():
        return UserError(f"It has {MAX_FULL_NAME} characters at most, in one line.", "full_name")
    return None


def key_of(name: str) -> str:
    """What tells names apart: upper and lower case are the same."""
    return name.strip().casefold()[:64]


def get(engine: Engine, user_id: str) -> User | None:
    """One user, or None."""
    with engine.connect().execution_options(reading=True) as connection:
        row = connection.execute(select(users).where(users.c.id == user_id)).one_or_none()
    return None if row is None else _user(row)


def named(engine: Engine, name: str) -> User:
    """The user of that name. Raises UserError if there is none."""
    with engine.connect().execution_options(reading=True) as connection:
        query = select(users).where(users.c.name_key == key_of(name))
        row = connection.execute(query).one_or_none()
    if row is None:
        raise UserError(f"There is no user {name[:64]!r}.", "name")
    return _user(row)


def all_users(engine: Engine) -> list[User]:
    """Every user, by name."""
    with engine.connect().execution_options(reading=True) as connection:
        rows = connection.execute(select(users).order_by(users.c.name_key)).all()
    return [_user(row) for row in rows]


def any_password(engine: Engine) -> bool:
    """Whether anybody could sign in with a password."""
    query = select(users.c.id).where(users.c.password != "", users.c.disabled_at.is_(None))
    with engine.connect().execution_options(reading=True) as connection:
        return connection.execute(query.limit(1)).first() is not None


def look(engine: Engine, name: str, password: str) -> tuple[User | None, bool]:
    """The user of that name, if there is one, and whether that is their password.

    Takes as long, and as many queries, for a name that nobody has, for somebody who is disabled
    and for somebody who has no password: it is right for none of them. Raises passwords.Busy.
    """
    with engine.connect().execution_options(reading=True) as connection:
        query = select(users).where(users.c.name_key == key_of(name))
        row = connection.execute(query).one_or_none()
    fits = passwords.fits(row.password if row else "", password)
    if row is None:
        return None, False
    right = fits and row.disabled_at is None
    if right and passwords.is_outdated(row.password):
        again = passwords.hashed(password)
        with engine.begin() as connection:
            same = (users.c.id == row.id) & (users.c.password == row.password)
            connection.execute(update(users).where(same).values(password=again))
    return _user(row), right


def set_password(
    engine: Engine, by: By, user_id: str, password: str, but: str | None = None
) -> None:
    """Give a user another password; all their sessions end, ``but`` the one with that handle.

    Raises UserError (there is no such user), passwords.PasswordError, passwords.Busy.
    """
    user = get(engine, user_id)
    if user is None:
        raise UserError("There is no such user.")
    passwords.check(password, user.name, user.full_name)
    kept = passwords.hashed(password)
    with engine.begin() as connection:
        put_password(connection, by, user, kept, but)


def put_password(
    connection: Connection, by: By, user: User, kept: str, but: str | None = None
) -> None:
    """Write down what is kept of another password, in a transaction of the caller's."""
    at = now()
    values = {"password": kept, "password_set_at": at}
    connection.execute(update(users).where(users.c.id == user.id).values(**values))
    connection.execute(delete(invitations).where(invitations.c.user_id == user.id))
    ended = sessions.end(connection, user.id, at, but=but)
    told = {"id": user.id, "name": user.name, "sessions_ended": len(ended)}
    title = f"Set the password of {user.name}"
    audit.add(connection, by, Entry("users.password", title, parameters=told))


def disable(engine: Engine, by: By, user_id: str, admin_group: str = "") -> bool:
    """Let a user in no more; their sessions and invitations end. False: they are disabled already.

    Raises UserError: there is no such user, or nobody else could give roles any more.
    """
    with engine.begin() as connection:
        before = grants.admins(connection, admin_group)
        at = now()
        user = _switched(connection, user_id, at)
        if user is None:
            return False
        if user_id in before and before == {user_id}:
            raise UserError(f"{user.name} is the last who is an admin: make another one first.")
        connection.execute(delete(invitations).where(invitations.c.user_id == user_id))
        ended = sessions.end(connection, user_id, at)
        told = {"id": user_id, "name": user.name, "sessions_ended": len(ended)}
        title = f"Disable the user {user.name}"
        audit.add(connection, by, Entry("users.disable", title, parameters=told))
    return True


def enable(engine: Engine, by: By, user_id: str) -> bool:
    """Let a disabled user in again. False: they are not disabled. Raises UserError."""
    with engine.begin() as connection:
        user = _switched(connection, user_id, None)
        if user is None:
            return False
        told = {"id": user_id, "name": user.name}
        title = f"Enable the user {user.name}"
        audit.add(connection, by, Entry("users.enable", title, parameters=told))
    return True


def _switched(connection: Connection, user_id: str, disabled_at: datetime | None) -> User | None:
    """Disable or enable. The user; None if they are so already. Raises UserError."""
    query = select(users).where(users.c.id == user_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise UserError("There is no such user.")
    if (row.disabled_at is None) == (disabled_at is None):
        return None
    which = users.c.id == user_id
    connection.execute(update(users).where(which).values(disabled_at=disabled_at))
    return _user(row)


def _user(row: object) -> User:
    names = (name for name in User.__dataclass_fields__)
    values = {name: getattr(row, name) for name in names}
    values["password"] = bool(values["password"])
    values["groups"] = tuple(values["groups"])
    values["issuer"], values["subject"] = values["issuer"] or "", values["subject"] or ""
    return User(**values)

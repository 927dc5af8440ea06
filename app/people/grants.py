"""Who has which role: grants to a user, or to everybody in a group of the OpenID provider's."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, or_, select

from app.db import now
from app.people import audit
from app.people.audit import By, Entry
from app.people.tables import grants, users
from app.people.who import Grant, Limits


@dataclass(frozen=True)
class Given:
    """A grant as it is kept: to whom (a user's id, or a group), since when and by whom."""

    grant: Grant
    user_id: str
    made_at: datetime
    made_by: str


class GrantError(Exception):
    """Why a grant cannot be made or taken away, in words; ``field``: where it stands, if any."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def held(
    connection: Connection, user_id: str, groups: Collection[str], admin_group: str = ""
) -> tuple[Grant, ...]:
    """What a user may: their own grants, and those of the groups that they are in.

    ``admin_group``: whoever is in it is an admin (ENCANTE_OIDC_ADMIN_GROUP).
    """
    theirs = grants.c.user_id == user_id
    if groups:
        theirs = or_(theirs, grants.c.group.in_(groups))
    rows = connection.execute(select(grants).where(theirs).order_by(grants.c.made_at, grants.c.id))
    found = tuple(_grant(row) for row in rows)
    if admin_group and admin_group in groups:
        found = (Grant("admin", group=admin_group), *found)
    return found


def all_given(engine: Engine) -> list[Given]:
    """Every grant, the oldest first."""
    query = select(grants).order_by(grants.c.made_at, grants.c.id)
    with engine.connect().execution_options(reading=True) as connection:
        return [_given(row) for row in connection.execute(query)]


def get(engine: Engine, grant_id: str) -> Given | None:
    """One grant, or None."""
    with engine.connect().execution_options(reading=True) as connection:
        row = connection.execute(select(grants).where(grants.c.id == grant_id)).one_or_none()
    return None if row is None else _given(row)


def add(engine: Engine, by: By, grant: Grant, user_id: str = "") -> str:
    """Give a role to a user, or to ``grant.group``. Returns the grant's id.

    Raises GrantError: there is no such user, they have it already, or an admin's role is narrowed.
    """
    if grant.role == "admin" and not (grant.limits.none and not grant.aws_role):
        raise GrantError(
            "An admin's role cannot be narrowed: an admin could widen it again. Give the role "
            "operator.",
            "role",
        )
    values = _values(grant, user_id)
    with engine.begin() as connection:
        whose = _whose(connection, user_id, grant.group)
        if grant_id := _same(connection, values):
            raise GrantError(f"{whose} has exactly this role already.", "role")
        grant_id = secrets.token_hex(8)
        made = {"id": grant_id, "made_at": now(), "made_by": by.actor}
        connection.execute(insert(grants).values({**values, **made}))
        title = f"Give {whose} the role {words_of(grant)}"
        audit.add(connection, by, Entry("grants.add", title, parameters={"id": grant_id, **values}))
    return grant_id


def remove(engine: Engine, by: By, grant_id: str, admin_group: str = "") -> bool:
    """Take a role away; False: there is none of that id.

    Raises GrantError: nobody else could give roles any more.
    """
    with engine.begin() as connection:
        before = admins(connection, admin_group)
        query = select(grants).where(grants.c.id == grant_id).with_for_update()
        row = connection.execute(query).one_or_none()
        if row is None:
            return False
        given = _given(row)
        whose = _whose(connection, given.user_id, given.grant.group)
        connection.execute(delete(grants).where(grants.c.id == grant_id))
        if before and not admins(connection, admin_group):
            raise GrantError(f"{whose} is the last who is an admin: make another one first.")
        title = f"Take the role {words_of(given.grant)} from {whose}"
        values = {"id": grant_id, **_values(given.grant, given.user_id)}
        audit.add(connection, by, Entry("grants.remove", title, before=values))
    return True


def admins(connection: Connection, admin_group: str = "") -> set[str]:
    """The ids of the users, not disabled, who are admins, by whatever grant.

    Whoever goes by it to change something asks first: it locks the grants and the users that count
    until the transaction ends, so that two admins cannot take each other's role, or disable each
    other, at the same time.
    """
    query = select(grants).where(grants.c.role == "admin").order_by(grants.c.id).with_for_update()
    rows = [_given(row) for row in connection.execute(query)]
    own = {row.user_id for row in rows if row.grant.limits.none}
    groups = {row.grant.group for row in rows if row.grant.limits.none} | {admin_group}
    groups.discard("")
    enabled = select(users.c.id, users.c.groups).where(users.c.disabled_at.is_(None))
    # all in the order of their ids, so that no ring of waiting arises
    people = connection.execute(enabled.order_by(users.c.id).with_for_update(key_share=True))
    return {row.id for row in people if row.id in own or groups & set(row.groups)}


def words_of(grant: Grant) -> str:
    """A grant as people say it: ``operator for team = web in eu-central-1``."""
    limits = grant.limits
    told: str = grant.role
    if limits.tag_key:
        told += f" for {limits.tag_key} = {limits.tag_value}"
    if limits.regions:
        told += f" in {_listed(limits.regions)}"
    if limits.accounts:
        told += f" of {'account' if len(limits.accounts) == 1 else 'accounts'} "
        told += _listed(limits.accounts)
    if grant.aws_role:
        told += f", through the IAM role {grant.aws_role}"
    return told


def _listed(names: tuple[str, ...]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _whose(connection: Connection, user_id: str, group: str) -> str:
    if not user_id:
        return f"the group {group}"
    name = connection.execute(select(users.c.name).where(users.c.id == user_id)).scalar()
    if name is None:
        raise GrantError("There is no such user.")
    return str(name)


def _values(grant: Grant, user_id: str) -> dict[str, Any]:
    return {
        "user_id": user_id or None,
        "group": grant.group or None,
        "role": grant.role,
        "accounts": list(grant.limits.accounts),
        "regions": list(grant.limits.regions),
        "tag_key": grant.limits.tag_key,
        "tag_value": grant.limits.tag_value,
        "aws_role": grant.aws_role,
    }


def _same(connection: Connection, values: dict[str, Any]) -> str:
    whose = (
        (grants.c.user_id == values["user_id"]) if values["user_id"] else grants.c.user_id.is_(None)
    )
    group = (grants.c.group == values["group"]) if values["group"] else grants.c.group.is_(None)
    for row in connection.execute(select(grants).where(whose, group)):
        given = _given(row)
        if _values(given.grant, given.user_id) == values:
            return given.grant.id
    return ""


def _grant(row: Any) -> Grant:
    limits = Limits(tuple(row.accounts), tuple(row.regions), row.tag_key, row.tag_value)
    return Grant(row.role, limits, row.aws_role, row.group or "", row.id)


def _given(row: Any) -> Given:
    return Given(_grant(row), row.user_id or "", row.made_at, row.made_by)

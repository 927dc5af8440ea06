"""The users that people are who sign in with the provider: made at the first time.

Only issuer and subject say who somebody is. Names and addresses are given anew to others, and
some providers let people choose them: by them nobody becomes a user who is there already.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.people import audit
from app.people.audit import By, Entry
from app.people.openid.provider import Identity
from app.people.tables import users
from app.people.who import OWNER

LONGEST_NAME = 60  # some characters are left for a number
LONGEST_FULL_NAME = 200
_TRIES = 5  # two who arrive at the same moment may want the same name


@dataclass(frozen=True)
class Arrived:
    """The user that somebody is; ``disabled``: they are not let in."""

    user_id: str
    name: str
    disabled: bool


def arrive(engine: Engine, identity: Identity, address: str, at: datetime) -> Arrived:
    """Find the user, or make one; commit their full name and groups as the provider tells them."""
    for _ in range(_TRIES - 1):
        try:
            return _arrive(engine, identity, address, at)
        except IntegrityError:  # another process has just made them, or one of that name
            continue
    return _arrive(engine, identity, address, at)


def _arrive(engine: Engine, identity: Identity, address: str, at: datetime) -> Arrived:
    told = {"full_name": _line(identity.full_name), "groups": list(identity.groups)}
    theirs = (users.c.issuer == identity.issuer, users.c.subject == identity.subject)
    with engine.begin() as connection:
        row = connection.execute(select(users).where(*theirs).with_for_update()).one_or_none()
        if row is not None:
            if row.full_name != told["full_name"] or row.groups != told["groups"]:
                connection.execute(update(users).where(users.c.id == row.id).values(told))
            return Arrived(row.id, row.name, row.disabled_at is not None)
        user_id, name = secrets.token_hex(8), _free_name(connection, identity.username)
        made = {
            "id": user_id,
            "name": name,
            "name_key": name.casefold(),
            "password": "",
            "issuer": identity.issuer,
            "subject": identity.subject,
            "made_at": at,
            "made_by": name,
        }
        connection.execute(insert(users).values({**made, **told}))
        by = By(name, user_id, "oidc", address)
        about = {"issuer": identity.issuer, "subject": identity.subject, **told}
        audit.add(
            connection, by, Entry("users.add", "The first sign-in made the user", parameters=about)
        )
    return Arrived(user_id, name, disabled=False)


def _free_name(connection: Connection, wanted: str) -> str:
    """A name that nobody has: what is wanted in plain letters, with a number if need be."""
    plain = name_from(wanted)
    like = users.c.name_key.startswith(plain.casefold(), autoescape=True)
    taken = {OWNER, *connection.scalars(select(users.c.name_key).where(like))}
    number, name = 1, plain
    while name.casefold() in taken:
        number += 1
        name = f"{plain}-{number}"
    return name


def name_from(text: str) -> str:
    """A user's name of plain letters, digits and ``.@+_-``: no two look alike. Never empty."""
    letters = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    name = re.sub(r"[^A-Za-z0-9.@+_-]+", "-", plain).strip("-.")[:LONGEST_NAME]
    return name if re.search(r"[A-Za-z0-9]", name) else "user"


def _line(text: str) -> str:
    """A name as it is shown in one line."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.split())[:LONGEST_FULL_NAME]

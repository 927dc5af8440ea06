"""The users that people are who sign in with the provider: made at the first time.

Only issuer and subject say who somebody is. Names and addresses are given anew to others, and
some providers let people choose them: by them nobody becomes a user who is there already.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import IntegrityError

from app.people.audit import By
from app.people.openid.provider import Identity
from app.people.tables import users
from app.people.users import MAX_FULL_NAME, UserError, key_of, make, wrong_with

LONGEST_NAME = 60  # some characters are left for a number
_TRIES = 5  # two who arrive at the same moment may want the same name


@dataclass(frozen=True)
class Arrived:
    """The user that somebody is; ``disabled``: they are not let in."""

    user_id: str
    name: str
    disabled: bool


def arrive(engine: Engine, identity: Identity, address: str) -> Arrived:
    """Find the user, or make one; commit their full name and groups as the provider tells them."""
    for _ in range(_TRIES - 1):
        with suppress(UserError, IntegrityError):  # another has just become them, or their name
            return _arrive(engine, identity, address)
    return _arrive(engine, identity, address)


def _arrive(engine: Engine, identity: Identity, address: str) -> Arrived:
    full_name = _line(identity.full_name)
    told = {"full_name": full_name, "groups": list(identity.groups)}
    theirs = (users.c.issuer == identity.issuer, users.c.subject == identity.subject)
    with engine.begin() as connection:
        found = connection.execute(select(users).where(*theirs).with_for_update()).one_or_none()
        if found is None:
            name = _free_name(connection, identity.username)
            by = By(name, "", "oidc", address)
            issuer, subject = identity.issuer, identity.subject
            made = make(connection, by, name, full_name, issuer, subject)
            found = connection.execute(select(users).where(users.c.id == made)).one()
        if found.full_name != told["full_name"] or found.groups != told["groups"]:
            connection.execute(update(users).where(users.c.id == found.id).values(told))
    return Arrived(found.id, found.name, found.disabled_at is not None)


def _free_name(connection: Connection, wanted: str) -> str:
    """A name that nobody has: what is wanted in plain letters, with a number if need be."""
    plain = name_from(wanted)
    like = users.c.name_key.startswith(key_of(plain), autoescape=True)
    taken = set(connection.scalars(select(users.c.name_key).where(like)))
    number, name = 1, plain
    while key_of(name) in taken or wrong_with(name):
        number += 1
        name = f"{plain}-{number}"
    return name


def name_from(text: str) -> str:
    """A user's name of plain letters, digits and ``.@+_-``: no two look alike. Never empty."""
    letters = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    name = re.sub(r"[^A-Za-z0-9.@+_-]+", "-", plain).lstrip("-.@+_")[:LONGEST_NAME].rstrip("-.")
    return name or "user"


def _line(text: str) -> str:
    """A name as it is shown in one line."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.split())[:MAX_FULL_NAME]

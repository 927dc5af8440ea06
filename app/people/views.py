"""Saved views, which are addresses of lists by name, and how a person wants to see a list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import Engine, bindparam, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.db import insert_new, now, upsert
from app.people.tables import preferences, saved_views

MOST = 100  # views that a person can have of a kind
LONGEST = 80  # characters of a name
# Every list asks these; made once, they cost half.
_OF = select(saved_views).where(
    saved_views.c.kind == bindparam("kind"),
    or_(saved_views.c.actor == bindparam("actor"), saved_views.c.shared),
)
_PREFERENCE = select(preferences).where(
    preferences.c.actor == bindparam("actor"), preferences.c.kind == bindparam("kind")
)


class ViewError(Exception):
    """Why a view cannot be saved, in words for the person who wanted it."""


@dataclass(frozen=True)
class View:
    """The address (query string) of a list of ``kind``, saved under a name by ``actor``.

    ``shared``: everybody sees it; it remains the actor's to change.
    """

    id: int
    kind: str
    name: str
    actor: str
    shared: bool
    address: str
    made_at: datetime

    @property
    def told(self) -> str:
        """The address as one reads it."""
        return ", ".join(f"{key}: {value}" for key, value in parse_qsl(self.address))


@dataclass(frozen=True)
class Preference:
    """How a person wants to see the lists of a kind; empty and None: as it comes."""

    columns: tuple[str, ...] = ()
    per_page: int | None = None


def checked_name(name: str) -> str:
    """The name as it is kept: blanks at its ends taken away. Raises ViewError."""
    name = " ".join(name.split())
    if not name:
        raise ViewError("A view needs a name.")
    if len(name) > LONGEST:
        raise ViewError(f"A view's name can have {LONGEST} characters; this one has {len(name)}.")
    if not name.isprintable():
        raise ViewError("A view's name cannot have control characters.")
    return name


def save(engine: Engine, kind: str, actor: str, name: str, address: str, shared: bool) -> bool:
    """Save an address under a name of the actor's; True if the name had another one before.

    Raises ViewError: the name is no name, or there are too many already.
    """
    name = checked_name(name)
    own = (saved_views.c.kind == kind, saved_views.c.actor == actor)
    values = {"address": address, "shared": shared, "made_at": now()}
    with engine.begin() as connection:
        statement = update(saved_views).where(*own, saved_views.c.name == name).values(**values)
        if connection.execute(statement).rowcount:
            return True
        there = connection.scalar(select(func.count()).select_from(saved_views).where(*own)) or 0
        if there >= MOST:
            raise ViewError(f"There are {MOST} views of this list already; delete one first.")
        upsert(connection, saved_views, {"kind": kind, "actor": actor, "name": name}, values)
    return False


def rename(engine: Engine, view_id: int, actor: str, name: str) -> bool:
    """Give a view of the actor's another name; False if there is no such view of theirs.

    Raises ViewError: the name is no name, or another view's.
    """
    name = checked_name(name)
    own = (saved_views.c.id == view_id, saved_views.c.actor == actor)
    try:
        with engine.begin() as connection:
            done = connection.execute(update(saved_views).where(*own).values(name=name))
    except IntegrityError:
        raise ViewError(f"Another view is called {name}.") from None
    return done.rowcount == 1


def remove(engine: Engine, view_id: int, actor: str) -> bool:
    """Delete a view of the actor's; False if there is no such view of theirs."""
    with engine.begin() as connection:
        done = connection.execute(
            delete(saved_views).where(saved_views.c.id == view_id, saved_views.c.actor == actor)
        )
    return done.rowcount == 1


def get(engine: Engine, view_id: int, actor: str) -> View | None:
    """A view that the actor may open: their own, or a shared one."""
    statement = select(saved_views).where(saved_views.c.id == view_id, _visible(actor))
    with engine.connect().execution_options(reading=True) as connection:
        return _view(connection.execute(statement).one_or_none())


def of(engine: Engine, kind: str, actor: str) -> list[View]:
    """The views of a kind's list that the actor may open, their own first, by name."""
    with engine.connect().execution_options(reading=True) as connection:
        rows = connection.execute(_OF, {"kind": kind, "actor": actor})
        found = [View(**row._mapping) for row in rows]
    # Not in SQL: each database has an order of its own.
    return sorted(found, key=lambda view: (view.actor != actor, view.name.casefold(), view.id))


def preference(engine: Engine, kind: str, actor: str) -> Preference:
    """How the actor wants to see the lists of a kind."""
    with engine.connect().execution_options(reading=True) as connection:
        row = connection.execute(_PREFERENCE, {"kind": kind, "actor": actor}).one_or_none()
    return Preference(tuple(json.loads(row.columns)), row.per_page) if row else Preference()


def remember_columns(engine: Engine, kind: str, actor: str, columns: Sequence[str]) -> None:
    """Remember which columns the actor wants to see, in their order; none: as they come."""
    _remember(engine, kind, actor, {"columns": json.dumps(list(columns))})


def remember_per_page(engine: Engine, kind: str, actor: str, per_page: int) -> None:
    """Remember how many rows the actor wants on a page."""
    _remember(engine, kind, actor, {"per_page": per_page})


def _remember(engine: Engine, kind: str, actor: str, values: dict[str, Any]) -> None:
    key = {"actor": actor, "kind": kind}
    with engine.begin() as connection:
        if not insert_new(connection, preferences, key, **{"columns": "[]", **values}):
            own = (preferences.c.actor == actor, preferences.c.kind == kind)
            connection.execute(update(preferences).where(*own).values(**values))


def _visible(actor: str) -> Any:
    return or_(saved_views.c.actor == actor, saved_views.c.shared)


def _view(row: Any) -> View | None:
    return View(**row._mapping) if row is not None else None

"""Changes in words: what was seen of one resource at one moment stands together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from app.inventory.timeline import GONE, RESOURCE, TAGS, THERE, Change
from app.people import actions
from app.resources import RESOURCES
from app.resources.spec import Resource, StateClass
from app.web.context import house


@dataclass(frozen=True)
class Difference:
    """One field: its title, what it was and what it is; empty texts stand for no value.

    ``look`` and ``looked``: the classes of two states, for their badges; empty for other fields.
    """

    title: str
    before: str
    after: str
    looked: StateClass | str = ""
    look: StateClass | str = ""


@dataclass(frozen=True)
class Told:
    """What was seen of one resource at one moment.

    ``came`` and ``went``: it appeared, it is gone. ``seq``: of its newest change. ``action``: the
    id of the console's action that it is put down to, with its ``title`` and ``actor`` if that is
    on record.
    """

    seq: int
    at: datetime
    resource: Resource
    account: str
    region: str
    id: str
    name: str
    came: bool
    went: bool
    differences: tuple[Difference, ...]
    action: str
    title: str
    actor: str


def tell(changes: Iterable[Change]) -> list[Told]:
    """Changes, newest first, in words; those of a kind that there is no more are left out."""
    known = [change for change in changes if change.kind in RESOURCES]
    titles = actions.titles(house().engine, {change.action for change in known if change.action})
    return [_told(list(some), titles) for _, some in groupby(known, _moment)]


def _moment(change: Change) -> tuple[object, ...]:
    return (
        change.kind,
        change.account,
        change.region,
        change.id,
        change.at,
        change.action,
    )


def _told(some: Sequence[Change], titles: dict[str, tuple[str, str]]) -> Told:
    newest = some[0]
    resource = RESOURCES[newest.kind]
    title, actor = titles.get(newest.action or "", ("", ""))
    fates = {change.after for change in some if change.field == RESOURCE}
    return Told(
        seq=newest.seq,
        at=newest.at,
        resource=resource,
        account=newest.account,
        region=newest.region,
        id=newest.id,
        name=newest.name,
        came=THERE in fates,
        went=GONE in fates,
        differences=tuple(
            _difference(resource, change) for change in some if change.field != RESOURCE
        ),
        action=newest.action or "",
        title=title,
        actor=actor,
    )


def _difference(resource: Resource, change: Change) -> Difference:
    before, after = change.before or "", change.after or ""
    column = next((each for each in resource.columns if each.name == change.field), None)
    if column is not None and column.cell == "state":
        looks = (resource.state_class(before), resource.state_class(after))
        return Difference(column.title, before, after, *looks)
    return Difference(field_title(resource, change.field), before, after)


def field_title(resource: Resource, field: str) -> str:
    """What a changed field is called; the name of a column that there is no more is its own."""
    if field.startswith(TAGS):
        return f"Tag {field.removeprefix(TAGS)}"
    return next((column.title for column in resource.columns if column.name == field), field)

"""What a kind of resource is made of, as data: columns, states, facets, relations, actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

from app.aws.listing import Description, Listing
from app.aws.tags import REQUEST_TAG, part_of, tag_dict

if TYPE_CHECKING:
    from app.resources.forms import ActionForm

# ok: as it should be. off: at rest on purpose (stopped). changing: on its way to another state.
StateClass = Literal["ok", "off", "changing", "failed", "gone"]
Cell = Literal[
    "text", "code", "id", "ids", "state", "tags", "time", "number", "size", "percent", "flag"
]


@dataclass(frozen=True)
class State:
    """A state as AWS names it, and its class; badge, polling and actions derive from the class."""

    name: str
    state_class: StateClass


@dataclass(frozen=True)
class Column:
    """One thing told of a resource, in its list and on its page.

    ``value`` reads it from AWS's description: a str, number, bool, ISO time, list of str (``ids``)
    or None. ``cell`` says how it is drawn; ``of`` names the kind that an id leads to. ``facet``:
    offered as a facet. ``shown``: stands in the list, not only on the page. ``tracked``: what is
    seen to change in it is remembered in the resource's timeline (tags are without asking).
    """

    name: str
    title: str
    value: Callable[[Description], Any]
    cell: Cell = "text"
    of: str = ""
    facet: bool = False
    shown: bool = True
    tracked: bool = False


@dataclass(frozen=True)
class Row:
    """One resource as the inventory knows it. ``cells`` holds each column's value by name."""

    kind: str
    id: str
    name: str
    account: str
    region: str
    state: str
    state_class: StateClass
    tags: Mapping[str, str]
    cells: Mapping[str, Any]
    described: Callable[[], Description] = field(repr=False, compare=False)
    seen_at: datetime
    gone: bool = False

    @cached_property
    def description(self) -> Description:
        """What AWS gave; of a row of the inventory it is read when it is first asked for."""
        return self.described()

    @property
    def label(self) -> str:
        """Its name with its id, or its id alone."""
        return f"{self.name} ({self.id})" if self.name and self.name != self.id else self.id


@dataclass(frozen=True)
class Relation:
    """What a resource is tied to: the resources of ``kind`` whose ``column`` has one of ``values``.

    ``column`` may be ``id``. ``way``: ``from`` what it comes from or rests on, or ``on``: what
    hangs on it. ``near``: only those of its own account and region, since a name is unique only
    there. Every relation has its inverse at the other kind.
    """

    title: str
    kind: str
    column: str
    values: Callable[[Row], Sequence[str]]
    way: Literal["from", "on"]
    near: bool = False


def refers(title: str, kind: str, column: str) -> Relation:
    """What a resource comes from: the ids of ``kind`` that stand in its own ``column``."""

    def ids(row: Row) -> Sequence[str]:
        value = row.cells.get(column) or []
        return [value] if isinstance(value, str) else value

    return Relation(title, kind, "id", ids, "from")


def referred(title: str, kind: str, column: str) -> Relation:
    """What hangs on a resource: those of ``kind`` that have its id in their ``column``."""
    return Relation(title, kind, column, lambda row: [row.id], "on")


@dataclass(frozen=True)
class Action:
    """Something that can be done, with the form that asks for it.

    ``refusal`` gives the reason why a row does not allow it now, or None. ``on``: ``none`` (makes
    something new: ``/volumes/new``), ``one`` row, or ``many``.
    ``link``: instead of a form of its own, the address of another resource's form, prefilled.
    ``listed``: offered with the list of its kind; else another page leads to it.
    """

    name: str
    title: str
    form: type[ActionForm] | None = None
    refusal: Callable[[Row], str | None] = lambda row: None
    on: Literal["none", "one", "many"] = "one"
    link: Callable[[Row], str] | None = None
    listed: bool = True

    @property
    def danger(self) -> bool:
        """Whether it has to be confirmed by typing: its form is a DangerForm."""
        return self.form is not None and self.form.danger


@dataclass(frozen=True)
class Outcome:
    """What a watch can tell of. ``states``: those of AWS's states that are it.

    ``subject`` is the message's, ``told`` the end of the sentence that begins with the resource:
    ``is completed``. ``ends``: nothing more is waited for once it is reached, whether it is to be
    told or not. One that does not end is passed: a modification that is optimizing will yet be
    completed. One without states is known in other ways: VANISHED and LATE. ``between``: what goes
    from the one state to the other has been it on the way, though nobody saw it. ``before_start``:
    so has what was started anew since (its started_at is a later one).
    """

    name: str
    subject: str
    told: str
    states: tuple[str, ...] = ()
    ends: bool = True
    state_class: StateClass = "ok"
    between: tuple[tuple[str, str], ...] = ()
    before_start: bool = False


VANISHED = "vanished"  # not listed by AWS for long: deleted, or gone
LATE = "late"  # takes longer than a person said, or than is usual


def vanished(subject: str, told: str, states: tuple[str, ...] = ()) -> Outcome:
    """The outcome VANISHED of a kind; ``states``: those in which AWS still lists what is gone."""
    return Outcome(VANISHED, subject, told, states, state_class="failed")


def late(subject: str) -> Outcome:
    """The outcome LATE of a kind. It ends nothing: what is late may still come."""
    told = "is not done yet, and takes longer than expected"
    return Outcome(LATE, subject, told, ends=False, state_class="failed")


@dataclass(frozen=True)
class Awaited:
    """What can be waited for: how it is read, what is told of it, and its outcomes.

    ``kind`` is the watch's, ``resource`` the kind of resource whose id it has; ``one`` names one
    in a sentence. ``listing`` reads some by id, ``find`` (where AWS keeps a tag with the request)
    those that were made for some requests. ``facts`` gives what a description tells: resource_id,
    source_id (what it was made of), description, aws_state, progress, state_message, started_at,
    completed_at, size_gib, as far as it does; ``part``: which one of a request for several it is.
    ``repeats``: the same resource can reach the same outcome again, at another time. ``dated``:
    then AWS tells of the latest time only, and started_at says when that began. ``gone``: the
    outcome that it is to be no longer listed. ``backwards``: pairs of states of which the first
    does not become the second at once; AWS tells so while it still tells of what was before.
    """

    kind: str
    resource: str
    one: str
    listing: Listing
    facts: Callable[[Description], Mapping[str, Any]]
    outcomes: tuple[Outcome, ...]
    find: Callable[[Sequence[str]], tuple[str, Mapping[str, object], str]] | None = None
    repeats: bool = False
    dated: bool = False
    gone: str = VANISHED
    backwards: tuple[tuple[str, str], ...] = ()

    def requested(self, description: Description) -> str:
        """The request that something was made for, by its tag; empty if it has none."""
        request = tags_of(description).get(REQUEST_TAG, "")
        part = self.facts(description).get("part")
        return part_of(request, part) if request and part is not None else request

    def outcome(self, name: str) -> Outcome:
        """The outcome of that name. Raises KeyError."""
        for outcome in self.outcomes:
            if outcome.name == name:
                return outcome
        raise KeyError(name)

    def outcome_of(self, aws_state: str) -> Outcome | None:
        """The outcome that a state of AWS's is, or None while there is something to wait for."""
        return next((each for each in self.outcomes if aws_state in each.states), None)


@dataclass(frozen=True)
class Resource:
    """A kind of resource, everything the console needs to list, show and act on it.

    ``group``: the heading that it stands under in the navigation. ``icon``: a symbol of
    static/icons.svg. ``awaited``: what a watch can be put on.
    """

    kind: str
    slug: str
    title: str
    one: str
    prefix: str
    id_key: str
    listing: Listing
    columns: tuple[Column, ...]
    states: tuple[State, ...] = ()
    state: Callable[[Description], str] = lambda description: ""
    name: Callable[[Description], str] = field(default=lambda description: tag_name(description))
    tags: Callable[[Description], dict[str, str]] = field(
        default=lambda description: tags_of(description)
    )
    relations: tuple[Relation, ...] = ()
    actions: tuple[Action, ...] = ()
    empty: str = ""
    sort: str = "name"
    group: str = "Other"
    icon: str = "other"
    awaited: tuple[Awaited, ...] = ()

    @property
    def many(self) -> str:
        """What they are called within a sentence: volumes, images (AMIs)."""
        return self.title[:1].lower() + self.title[1:]

    def state_class(self, state: str) -> StateClass:
        """The class of a state; one that AWS has added since counts as changing: we look again."""
        if not self.states:
            return "ok"
        return next((known.state_class for known in self.states if known.name == state), "changing")

    def action(self, name: str) -> Action:
        """The action of that name. Raises KeyError."""
        for action in self.actions:
            if action.name == name:
                return action
        raise KeyError(name)


class Known(Protocol):
    """What forms may ask the inventory."""

    def get(self, kind: str, resource_id: str) -> Row | None:
        """The resource of that kind and id, or None."""

    def find(
        self, kind: str, column: str, values: Sequence[str], region: str | None = None
    ) -> list[Row]:
        """The resources of ``kind`` whose ``column`` (or ``id``) has one of ``values``."""

    def all(self, kind: str, region: str | None = None, limit: int = 1000) -> list[Row]:
        """The resources of a kind, by name, at most ``limit``."""


def tags_of(description: Description) -> dict[str, str]:
    """The tags in an EC2 description."""
    return tag_dict(description.get("Tags"))


def tag_name(description: Description) -> str:
    """The value of the tag ``Name``, or an empty string."""
    return tags_of(description).get("Name", "")

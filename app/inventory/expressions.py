"""What a filter asks for, as data."""

from __future__ import annotations

from dataclasses import dataclass


class FilterError(Exception):
    """Something in a list's address that cannot be understood.

    ``field`` is the key of the address (``q``, ``page``, ``sort``, …); ``position`` the place in
    its value, counted from 0, or None.
    """

    def __init__(self, field: str, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.message = message
        self.position = position


@dataclass(frozen=True)
class Word:
    """Free text, in whatever case: in the id, name, account, region, a tag or a shown column."""

    text: str


@dataclass(frozen=True)
class Equals:
    """One of the key's values is exactly ``text``; an empty one: there is no value."""

    key: str
    text: str


@dataclass(frozen=True)
class Contains:
    """One of the key's values contains ``folded``, which is case-folded, as the value is then."""

    key: str
    folded: str


@dataclass(frozen=True)
class Starts:
    """One of the key's values starts with ``folded``, in whatever case."""

    key: str
    folded: str


@dataclass(frozen=True)
class Between:
    """One of the key's values is a number in that range; times are seconds since 1970."""

    key: str
    low: float
    high: float
    low_included: bool
    high_included: bool


@dataclass(frozen=True)
class HasTag:
    """The tag is there, with whatever value; ``key`` is ``tag:`` and the tag's key."""

    key: str


@dataclass(frozen=True)
class Not:
    """``of`` does not hold."""

    of: Expression


@dataclass(frozen=True)
class All:
    """Each of them holds."""

    of: tuple[Expression, ...]


@dataclass(frozen=True)
class Some:
    """At least one of them holds."""

    of: tuple[Expression, ...]


Expression = Word | Equals | Contains | Starts | Between | HasTag | Not | All | Some

"""What a filter means: whether it holds for a resource. The index is tested against this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from app.inventory.cells import matched, texts
from app.inventory.filters import (
    All,
    Between,
    Contains,
    Equals,
    Expression,
    HasTag,
    Not,
    Some,
    Starts,
    Word,
)
from app.inventory.keys import TAG, cell_of
from app.resources.spec import Resource


class Subject(Protocol):
    """What a filter is held against; a Row is one."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def cells(self) -> Mapping[str, Any]: ...
    @property
    def tags(self) -> Mapping[str, str]: ...


def holds(expression: Expression, resource: Resource, subject: Subject) -> bool:
    """Whether ``expression`` holds for ``subject``, which is of the kind ``resource``."""
    if isinstance(expression, Word):
        word = expression.text.casefold()
        return any(word in text.casefold() for text in _searched(resource, subject))
    if isinstance(expression, HasTag):
        return expression.key.removeprefix(TAG) in subject.tags
    if isinstance(expression, Not):
        return not holds(expression.of, resource, subject)
    if isinstance(expression, All):
        return all(holds(one, resource, subject) for one in expression.of)
    if isinstance(expression, Some):
        return any(holds(one, resource, subject) for one in expression.of)
    found = values(expression.key, resource, subject)
    return any(_fits(expression, text, number) for text, number in found)


def _fits(wanted: Equals | Contains | Starts | Between, text: str, number: float | None) -> bool:
    if isinstance(wanted, Equals):
        return text == wanted.text
    if isinstance(wanted, Contains):
        return wanted.folded in text.casefold()
    if isinstance(wanted, Starts):
        return text.casefold().startswith(wanted.folded)
    if number is None:
        return False
    above = number > wanted.low or (wanted.low_included and number == wanted.low)
    below = number < wanted.high or (wanted.high_included and number == wanted.high)
    return above and below


def values(key: str, resource: Resource, subject: Subject) -> list[tuple[str, float | None]]:
    """The values of a key, each as text and, if it is one, as number.

    A column without a value has one empty text; a tag that is not there has none.
    """
    if key.startswith(TAG):
        value: Any = subject.tags.get(key.removeprefix(TAG))
        return [] if value is None else matched(value, cell_of(resource, key))
    if any(column.name == key for column in resource.columns):
        value = subject.cells.get(key)
    else:
        value = getattr(subject, key)
    return matched(value, cell_of(resource, key))


def _searched(resource: Resource, subject: Subject) -> list[str]:
    """The texts that words are looked for in."""
    shown = [subject.cells.get(column.name) for column in resource.columns if column.shown]
    built_in = [subject.id, subject.name, subject.account, subject.region]
    return [text for value in (*built_in, dict(subject.tags), *shown) for text in texts(value)]

"""How far somebody may see, as Python, as a filter of the index and as a condition of SQL.

The three mean the same; a test holds them against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Boolean, ColumnElement, and_, exists, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from app.inventory.entry import clean
from app.inventory.expressions import All, Equals, Expression, Some
from app.inventory.keys import TAG
from app.inventory.tables import resources
from app.resources.spec import Row


class Limits(Protocol):
    """What one role is narrowed to (app.people.who.Limits); what is empty does not narrow."""

    @property
    def accounts(self) -> tuple[str, ...]: ...
    @property
    def regions(self) -> tuple[str, ...]: ...
    @property
    def tag_key(self) -> str: ...
    @property
    def tag_value(self) -> str: ...

    def cover(self, account: str, region: str, tags: Mapping[str, str]) -> bool:
        """Whether what is there, with these tags, is within them."""


@dataclass(frozen=True)
class Bounds:
    """What is within one of some limits; with none, nothing is.

    The tag is the resource's own, and has exactly that value: a snapshot is not its volume.
    """

    limits: tuple[Limits, ...]

    def covers(self, row: Row) -> bool:
        """Whether a resource is within them."""
        return self.cover(row.account, row.region, row.tags)

    def cover(self, account: str, region: str, tags: Mapping[str, str]) -> bool:
        """Whether what is there, with these tags, is within them."""
        return any(each.cover(account, region, tags) for each in self.limits)

    def reach(self, account: str, region: str) -> bool:
        """Whether anything that is there can be within them."""
        return any(_is_place(each, account, region) for each in self.limits)

    def hold_all(self, account: str, region: str) -> bool:
        """Whether everything that is there is within them, whatever its tags."""
        own = (each for each in self.limits if not each.tag_key)
        return any(_is_place(each, account, region) for each in own)

    @property
    def expression(self) -> Expression:
        """The same as a filter."""
        return Some(tuple(_filter(each) for each in self.limits))

    def condition(self, table: Any = resources) -> ColumnElement[bool]:
        """The same for rows of ``resources``, or of a table that is joined like it."""
        return or_(False, *(_condition(each, table.c) for each in self.limits))

    def whole_places(self, table: Any) -> ColumnElement[bool]:
        """That everything that is where a row of ``table`` is, is within them (``hold_all``)."""
        own = (each for each in self.limits if not each.tag_key)
        return or_(False, *(_condition(each, table.c) for each in own))

    def has(self, **given: Any) -> ColumnElement[bool]:
        """That there is, or was, a resource within them that has what is ``given`` in SQL."""
        held = resources.alias()
        these = (held.c[name] == value for name, value in given.items())
        return exists(select(held.c.seq).where(*these, self.condition(held)))


def _is_place(limits: Limits, account: str, region: str) -> bool:
    in_account = not limits.accounts or account in limits.accounts
    return in_account and (not limits.regions or region in limits.regions)


def _filter(limits: Limits) -> Expression:
    parts: list[Expression] = []
    for key, values in (("account", limits.accounts), ("region", limits.regions)):
        if values:
            parts.append(Some(tuple(Equals(key, clean(value)) for value in values)))
    if limits.tag_key:
        parts.append(Equals(TAG + clean(limits.tag_key), clean(limits.tag_value)))
    return All(tuple(parts))


def _condition(limits: Limits, columns: Any) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = []
    if limits.accounts:
        parts.append(columns.account.in_([clean(each) for each in limits.accounts]))
    if limits.regions:
        parts.append(columns.region.in_([clean(each) for each in limits.regions]))
    if limits.tag_key:
        parts.append(_TagIs(columns.tags, clean(limits.tag_key), clean(limits.tag_value)))
    return and_(True, *parts)


class _TagIs(FunctionElement[bool]):
    """Whether the JSON of tags has a key with a value."""

    type = Boolean()
    inherit_cache = True


@compiles(_TagIs, "sqlite")
def _in_sqlite(element: _TagIs, compiler: SQLCompiler, **options: Any) -> str:
    tags, key, value = (compiler.process(part, **options) for part in element.clauses)
    there = f"FROM json_each({tags}) AS tag WHERE tag.key = {key} AND tag.value = {value}"
    return f"(EXISTS (SELECT 1 {there}))"


@compiles(_TagIs, "postgresql")
def _in_postgresql(element: _TagIs, compiler: SQLCompiler, **options: Any) -> str:
    tags, key, value = (compiler.process(part, **options) for part in element.clauses)
    return f"(coalesce((CAST({tags} AS json) ->> {key}) = {value}, FALSE))"

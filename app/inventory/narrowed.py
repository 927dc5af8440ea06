"""The inventory as somebody sees it whose role is narrowed: what is outside is as if unknown."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from app.inventory.bounds import Bounds
from app.inventory.expressions import All, Expression
from app.inventory.inventory import Inventory
from app.inventory.query import Freshness, Page, Query
from app.inventory.reader import FIND_LIMIT
from app.inventory.timeline import LIMIT, ActivityQuery, Change
from app.resources.spec import Row


class Seen(Protocol):
    """What pages may ask: what they read. The inventory does it for whoever may see everything."""

    def now(self) -> datetime: ...
    def want(self, kind: str) -> None: ...
    def revision(self, kind: str) -> str: ...
    def page(self, kind: str, query: Query) -> Page: ...
    def stamp(self, kind: str, query: Query) -> str: ...
    def export(self, kind: str, query: Query) -> Iterator[Row]: ...
    def get(self, kind: str, resource_id: str) -> Row | None: ...
    def locate(self, resource_id: str) -> Row | None: ...
    def find(
        self,
        kind: str,
        column: str,
        values: Sequence[str],
        region: str | None = ...,
        limit: int = ...,
    ) -> list[Row]: ...
    def all(self, kind: str, region: str | None = ..., limit: int = ...) -> list[Row]: ...
    def names(self, kind: str, ids: Collection[str]) -> dict[str, str]: ...
    def changing(self, limit: int = ...) -> list[Row]: ...
    def counts(self) -> dict[str, dict[str, int]]: ...
    def freshness(self, kind: str) -> list[Freshness]: ...
    def search(self, text: str, limit: int) -> list[Row]: ...
    def gone(self, kind: str, text: str, offset: int, limit: int) -> tuple[list[Row], int]: ...
    def values(
        self,
        kind: str,
        key: str,
        typed: str,
        limit: int,
        expression: Expression | None = ...,
    ) -> list[tuple[str, int]]: ...
    def tag_keys(self, kind: str) -> list[tuple[str, int]]: ...
    def timeline(
        self, kind: str, resource_id: str, limit: int = ..., before_seq: int | None = ...
    ) -> list[Change]: ...
    def activity(
        self, query: ActivityQuery, limit: int = ..., before_seq: int | None = ...
    ) -> list[Change]: ...


@dataclass(frozen=True)
class Narrowed:
    """What of the inventory is within some bounds; every method as the inventory's.

    It has no other way to the inventory, so that what is not narrowed cannot be asked.
    """

    _whole: Inventory
    _within: Bounds

    def now(self) -> datetime:
        return self._whole.now()

    def want(self, kind: str) -> None:
        self._whole.want(kind)

    def revision(self, kind: str) -> str:
        return self._whole.revision(kind)

    def page(self, kind: str, query: Query) -> Page:
        return self._whole.page(kind, self._narrow(query))

    def stamp(self, kind: str, query: Query) -> str:
        return self._whole.stamp(kind, self._narrow(query))

    def export(self, kind: str, query: Query) -> Iterator[Row]:
        return self._whole.export(kind, self._narrow(query))

    def get(self, kind: str, resource_id: str) -> Row | None:
        return self._whole.get(kind, resource_id, within=self._within)

    def locate(self, resource_id: str) -> Row | None:
        return self._whole.locate(resource_id, within=self._within)

    def find(
        self,
        kind: str,
        column: str,
        values: Sequence[str],
        region: str | None = None,
        limit: int = FIND_LIMIT,
    ) -> list[Row]:
        return self._whole.find(kind, column, values, region, limit, within=self._within)

    def all(self, kind: str, region: str | None = None, limit: int = FIND_LIMIT) -> list[Row]:
        return self._whole.all(kind, region, limit, within=self._within)

    def names(self, kind: str, ids: Collection[str]) -> dict[str, str]:
        return self._whole.names(kind, ids, within=self._within)

    def changing(self, limit: int = 200) -> list[Row]:
        return self._whole.changing(limit, within=self._within)

    def counts(self) -> dict[str, dict[str, int]]:
        return self._whole.counts(within=self._within)

    def freshness(self, kind: str) -> list[Freshness]:
        return self._whole.freshness(kind, within=self._within)

    def search(self, text: str, limit: int) -> list[Row]:
        return self._whole.search(text, limit, within=self._within)

    def gone(self, kind: str, text: str, offset: int, limit: int) -> tuple[list[Row], int]:
        return self._whole.gone(kind, text, offset, limit, within=self._within)

    def values(
        self,
        kind: str,
        key: str,
        typed: str,
        limit: int,
        expression: Expression | None = None,
    ) -> list[tuple[str, int]]:
        asked = self._within.expression
        if expression is not None:
            asked = All((asked, expression))
        return self._whole.values(kind, key, typed, limit, asked)

    def tag_keys(self, kind: str) -> list[tuple[str, int]]:
        return self._whole.tag_keys(kind, within=self._within)

    def timeline(
        self, kind: str, resource_id: str, limit: int = LIMIT, before_seq: int | None = None
    ) -> list[Change]:
        return self._whole.timeline(kind, resource_id, limit, before_seq, within=self._within)

    def activity(
        self, query: ActivityQuery, limit: int = LIMIT, before_seq: int | None = None
    ) -> list[Change]:
        return self._whole.activity(query, limit, before_seq, within=self._within)

    def _narrow(self, query: Query) -> Query:
        return replace(query, within=self._within)

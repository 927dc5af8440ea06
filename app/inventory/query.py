"""What a list's address asks for, and what a page of it holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from app.inventory.entry import BUILT_IN
from app.inventory.filters import FilterError, Term, parse
from app.resources.spec import Resource, Row

PER_PAGE = (25, 50, 100, 250)
DEFAULT_PER_PAGE = 50
_PAGE_DIGITS = 9
_BUILT_IN_TITLES = {
    "id": "ID",
    "name": "Name",
    "account": "Account",
    "region": "Region",
    "state": "State",
}


def titles(resource: Resource) -> dict[str, str]:
    """Title by name of everything a list of this kind can be filtered and sorted by."""
    built_in = {
        name: _BUILT_IN_TITLES[name] for name in BUILT_IN if name != "state" or resource.states
    }
    return {**built_in, **{column.name: column.title for column in resource.columns}}


@dataclass(frozen=True)
class Query:
    """Which resources of a kind, in what order, and which page of them.

    ``q`` is text in the filter language (filters.py), ``terms`` what it means; ``facets`` the
    values chosen by column; ``sort`` a column's name, with ``-`` before it for descending;
    ``page`` counts from 1.
    """

    q: str = ""
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sort: str = "name"
    page: int = 1
    per_page: int = DEFAULT_PER_PAGE
    terms: tuple[Term, ...] = ()
    default_sort: str = field(default="name", repr=False)

    @classmethod
    def parse(
        cls, resource: Resource, args: MultiDict[str, str], ignore: Collection[str] = ()
    ) -> Self:
        """The query that a list's URL arguments ask for; ``ignore`` names arguments of others.

        Raises FilterError with the argument's name: a page below 1, a page size that is not
        offered, a sort by no column, a filter that does not parse, an unknown argument.
        """
        names = titles(resource)
        facets: dict[str, tuple[str, ...]] = {}
        for key in args:
            if key in names:
                facets[key] = tuple(dict.fromkeys(args.getlist(key)))
            elif key not in ("q", "sort", "page", "per_page", *ignore):
                raise FilterError(key, _unknown(key, names))
        q = args.get("q", "").strip()
        return cls(
            q=q,
            facets=facets,
            sort=_sort(args.get("sort", ""), resource.sort, names),
            page=_page(args.get("page", "1")),
            per_page=_per_page(args.get("per_page", str(DEFAULT_PER_PAGE))),
            terms=parse(q, names),
            default_sort=resource.sort,
        )

    @property
    def sort_column(self) -> str:
        """The column sorted by."""
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the largest comes first."""
        return self.sort.startswith("-")

    @property
    def narrowed(self) -> bool:
        """Whether anything is left out: a filter or a facet is set."""
        return bool(self.q or self.facets)

    def args(self, **changes: Any) -> dict[str, str | list[str]]:
        """The URL arguments of this query, without defaults.

        ``changes`` replace some: ``q``, ``sort``, ``page``, ``per_page``, ``facets``, or a
        facet's column with a list of values (an empty one takes it away). Whatever changes what
        is listed or its order leads to page 1.
        """
        own = {"q", "sort", "page", "per_page", "facets"}
        facets = (
            {**self.facets, **changes.get("facets", {})}
            if "facets" not in changes
            else {**changes["facets"]}
        )
        facets.update({key: tuple(value) for key, value in changes.items() if key not in own})
        changed = replace(
            self, **{key: value for key, value in changes.items() if key in own - {"facets"}}
        )
        page = changed.page if "page" in changes or not changes else 1
        args: dict[str, str | list[str]] = {}
        if changed.q:
            args["q"] = changed.q
        args.update({key: list(values) for key, values in facets.items() if values})
        if changed.sort != self.default_sort:
            args["sort"] = changed.sort
        if changed.per_page != DEFAULT_PER_PAGE:
            args["per_page"] = str(changed.per_page)
        if page != 1:
            args["page"] = str(page)
        return args

    def url_args(self, **changes: Any) -> str:
        """``args`` as a query string with its question mark; empty if all is default."""
        encoded = urlencode(self.args(**changes), doseq=True)
        return f"?{encoded}" if encoded else ""

    def toggled(self, name: str, value: str) -> dict[str, tuple[str, ...]]:
        """The facets with ``value`` of ``name`` chosen, or no longer chosen: for ``args``."""
        chosen = self.facets.get(name, ())
        other = tuple(item for item in chosen if item != value)
        facets = {**self.facets, name: other if value in chosen else (*chosen, value)}
        return {key: values for key, values in facets.items() if values}

    def sorted_by(self, name: str) -> str:
        """What ``sort`` becomes when the head of column ``name`` is clicked."""
        return f"-{name}" if self.sort == name else name


def _unknown(key: str, names: Collection[str]) -> str:
    return f"{key!r} is not known here. There are q, sort, page, per_page, {', '.join(names)}."


def _sort(text: str, default: str, names: Collection[str]) -> str:
    sort = text or default
    if sort.removeprefix("-") not in names:
        known = ", ".join(names)
        raise FilterError("sort", f"There is no column {sort!r} to sort by. Columns are: {known}.")
    return sort


def _page(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:_PAGE_DIGITS]) >= 1):
        raise FilterError("page", f"{text[:40]!r} is not a page number: 1, 2, 3 and so on.")
    return int(text[:_PAGE_DIGITS])


def _per_page(text: str) -> int:
    if text not in map(str, PER_PAGE):
        offered = ", ".join(map(str, PER_PAGE))
        raise FilterError("per_page", f"A page can have {offered} rows, not {text[:40]!r}.")
    return int(text)


@dataclass(frozen=True)
class FacetValue:
    """One value of a facet; ``""`` stands for no value. ``count`` of resources that have it."""

    value: str
    count: int
    selected: bool


@dataclass(frozen=True)
class FacetView:
    """A facet beside a list: its values counted over everything but its own selection."""

    name: str
    title: str
    values: tuple[FacetValue, ...]


@dataclass(frozen=True)
class Failure:
    """Why the last refresh failed: AWS's code, plain words, what to do, and when it was."""

    code: str
    plain: str
    advice: str
    at: datetime


@dataclass(frozen=True)
class Freshness:
    """How true a kind is in a region.

    ``seen_at``: when the last complete refresh began, None if there was none; ``trying``: a
    refresh is running; ``count``: resources known there.
    """

    account: str
    region: str
    seen_at: datetime | None
    trying: bool
    error: Failure | None
    count: int


@dataclass(frozen=True)
class Page:
    """One page of a list. ``query.page`` is the page that it is: at most ``pages``."""

    rows: list[Row]
    total: int
    query: Query
    pages: int
    facets: list[FacetView]
    revision: str
    freshness: list[Freshness]

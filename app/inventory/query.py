"""What a list's address asks for, and what a page of it holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self
from urllib.parse import unquote, urlencode

from werkzeug.datastructures import MultiDict

from app.db import now as db_now
from app.inventory.bounds import Bounds
from app.inventory.filters import Expression, FilterError, parse
from app.inventory.keys import TAG, titles
from app.resources.spec import Resource, Row

PER_PAGE = (25, 50, 100, 250)
DEFAULT_PER_PAGE = 50
_PAGE_DIGITS = 9
_OWN = ("q", "sort", "page", "per_page", "columns")
MAX_COLUMNS = 60


@dataclass(frozen=True)
class Query:
    """Which resources of a kind, in what order, and which page of them.

    ``q`` is text in the filter language (filters.py), ``expression`` what it asks for (None:
    everything); ``facets`` the values chosen by column; ``sort`` a column's name, with ``-``
    before it for descending; ``page`` counts from 1; ``columns`` the columns and tags
    (``tag:Key``) to be shown, in that order, none: the kind's own. ``within``: how far whoever asks
    may see, None: everything; it is in no address.
    """

    q: str = ""
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sort: str = "name"
    page: int = 1
    per_page: int = DEFAULT_PER_PAGE
    columns: tuple[str, ...] = ()
    expression: Expression | None = None
    default_sort: str = field(default="name", repr=False)
    default_per_page: int = field(default=DEFAULT_PER_PAGE, repr=False)
    within: Bounds | None = None

    @classmethod
    def parse(
        cls,
        resource: Resource,
        args: MultiDict[str, str],
        ignore: Collection[str] = (),
        now: datetime | None = None,
    ) -> Self:
        """The query that a list's URL arguments ask for; ``ignore`` names arguments of others.

        Ages in the filter are counted from ``now``, the present if it is not given. Raises
        FilterError with the argument's name: a page below 1, a page size that is not offered, a
        sort by no column, no such column to be shown, a filter that does not parse, an unknown
        argument.
        """
        names = titles(resource)
        facets: dict[str, tuple[str, ...]] = {}
        for key in args:
            if key in names:
                facets[key] = tuple(dict.fromkeys(args.getlist(key)))
            elif key not in (*_OWN, *ignore):
                raise FilterError(key, _unknown(key, names))
        q = args.get("q", "").strip()
        return cls(
            q=q,
            facets=facets,
            sort=_sort(args.get("sort", ""), resource.sort, names),
            page=_page(args.get("page", "1")),
            per_page=_per_page(args.get("per_page", str(DEFAULT_PER_PAGE))),
            columns=_columns(args.get("columns", ""), names),
            expression=parse(q, resource, now or db_now()),
            default_sort=resource.sort,
        )

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

        ``changes`` replace some: ``q``, ``sort``, ``page``, ``per_page``, ``columns``, ``facets``,
        or a facet's column with a list of values (an empty one takes it away). Whatever changes
        what is listed or its order leads to page 1.
        """
        own = {*_OWN, "facets"}
        facets = (
            {**self.facets, **changes.get("facets", {})}
            if "facets" not in changes
            else {**changes["facets"]}
        )
        facets.update({key: tuple(value) for key, value in changes.items() if key not in own})
        changed = replace(
            self, **{key: value for key, value in changes.items() if key in own - {"facets"}}
        )
        page = changed.page if "page" in changes or changes.keys() <= {"columns"} else 1
        args: dict[str, str | list[str]] = {}
        if changed.q:
            args["q"] = changed.q
        args.update({key: list(values) for key, values in facets.items() if values})
        if changed.sort != self.default_sort:
            args["sort"] = changed.sort
        if changed.per_page != changed.default_per_page:
            args["per_page"] = str(changed.per_page)
        if changed.columns:
            args["columns"] = ",".join(map(_escaped, changed.columns))
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
    return f"{key!r} is not known here. There are {', '.join((*_OWN, *names))}."


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


def _columns(text: str, names: Collection[str]) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(unquote(part) for part in text.split(",") if part))
    for name in chosen:
        if name not in names and not (name.startswith(TAG) and name != TAG):
            known = ", ".join(names)
            raise FilterError(
                "columns", f"There is no column {name[:100]!r}. Columns are: {known}, tag:Key."
            )
    if len(chosen) > MAX_COLUMNS:
        raise FilterError("columns", f"At most {MAX_COLUMNS} columns can be shown.")
    return chosen


def _escaped(column: str) -> str:
    # The commas between columns, not those within the key of a tag, tell them apart.
    return column.replace("%", "%25").replace(",", "%2C")


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
    refresh is running; ``read_count``: how many resources that has read so far, as far as noted;
    ``count``: resources known there.
    """

    account: str
    region: str
    seen_at: datetime | None
    trying: bool
    error: Failure | None
    count: int
    read_count: int | None = None


@dataclass(frozen=True)
class Page:
    """One page of a list. ``query.page`` is the page that it is: at most ``pages``."""

    rows: list[Row]
    total: int
    query: Query
    pages: int
    facets: list[FacetView]
    revision: str

"""The lists: a page of a kind's resources, from the inventory alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from flask import Flask, Response, render_template, request
from flask.typing import ResponseReturnValue

from app.inventory import FilterError, Page, Query
from app.inventory.keys import titles
from app.people.views import View
from app.resources import RESOURCES
from app.resources.spec import Column, Resource
from app.web import columns, polls, preferences, roles, table, views
from app.web.context import actor, inventory, name_rows, recall
from app.web.facets import Facets
from app.web.freshness import Told, tell
from app.web.places import Places, places

_PAGE_DIGITS = 8
AGE = "Encante-Age"  # seconds since the oldest part of the list was read; on every answer


def page_number(text: str) -> int:
    """The number of a page, counted from 1. Raises FilterError."""
    digits = text.lstrip("0")
    if text.isascii() and text.isdigit() and 0 < len(digits) <= _PAGE_DIGITS:
        return int(digits)
    raise FilterError("page", f"{text[:40]!r} is not a page number: 1, 2, 3 and so on.")


def list_page(kind: str) -> ResponseReturnValue:
    """The list of a kind; polled by htmx, its results alone."""
    resource = RESOURCES[kind]
    seen = inventory()
    seen.want(kind)
    polled = "HX-Request" in request.headers
    try:
        query = Query.parse(resource, request.args)
    except FilterError as error:
        return _unreadable(resource, error)
    if not polled:
        query = preferences.applied(resource, query, request.args)
    known = recall(("freshness", kind), lambda: seen.freshness(kind))
    where = places()
    told = tell(known, where.scopes, query, seen.now())
    # how far a first reading has come is shown, and is not in the stamp
    tag = f"{seen.stamp(kind, query)}.{told.read}"
    response = polls.same(tag)
    if response is None:
        page = seen.page(kind, query)
        response = Response(_drawn(resource, page, told, tag, query, where, polled))
        response.headers["HX-PTag"] = tag
    if told.age is not None:
        response.headers[AGE] = f"{told.age:.1f}"
    return response


@dataclass(frozen=True)
class Menus:
    """What the menus of a list offer besides its facets."""

    views: list[View]
    columns: list[preferences.Choice]
    actor: str

    @classmethod
    def of(cls, resource: Resource, shown: list[Column]) -> Self:
        """For a person's list of a kind that shows these columns."""
        return cls(views.known(resource.kind), preferences.offered(resource, shown), actor())


def _drawn(
    resource: Resource,
    page: Page,
    told: Told,
    tag: str,
    asked: Query,
    where: Places,
    polled: bool = False,
    wrong: FilterError | None = None,
) -> str:
    query = page.query
    chosen = columns.chosen(resource, query.columns)
    shown = chosen or columns.defaults(resource, len(where.accounts), where.regions)
    pick = bool(roles.row_actions_of(resource))
    return render_template(
        "list_results.html" if polled else "list.html",
        resource=resource,
        page=page,
        query=query,
        asked=asked,  # a page beyond the last is there again when there are more rows
        age=told,
        revision=tag,
        places=where,
        filter_error=wrong,
        polled=polled,
        tabs=tabs(resource),
        export=_exports(resource, query),
        facets=Facets(query, request.path, where.accounts),
        heads=table.heads(resource, shown, query, request.path, titles(resource)),
        rows=table.Body(shown, pick, name_rows(page.rows, shown), where.accounts).rows(page.rows),
        menus=None if polled else Menus.of(resource, shown),
    )


def _unreadable(resource: Resource, wrong: FilterError) -> ResponseReturnValue:
    query = Query(sort=resource.sort, default_sort=resource.sort)
    page = Page([], 0, query, 1, [], "")
    told = tell([], [], query, inventory().now())
    return _drawn(resource, page, told, "", query, places(), wrong=wrong), 400


def tabs(resource: Resource) -> list[tuple[str, str, bool]]:
    """The tabs above a list: (title, address, whether it is the present one)."""
    whole, gone = f"/{resource.slug}", f"/{resource.slug}/gone"
    found = [("All", whole), ("Gone", gone)]
    if resource.kind == "image":
        found = [("Owned by me", whole), ("Public", "/images/public"), ("Gone", gone)]
    return [(title, address, request.path == address) for title, address in found]


def _exports(resource: Resource, query: Query) -> tuple[str, str]:
    arguments = query.url_args(page=1)
    return f"/{resource.slug}.csv{arguments}", f"/{resource.slug}.json{arguments}"


def register(app: Flask) -> None:
    """A route per kind."""
    for kind, resource in RESOURCES.items():
        app.add_url_rule(f"/{resource.slug}", f"{kind}_list", list_page, defaults={"kind": kind})

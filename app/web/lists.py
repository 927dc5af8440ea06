"""The lists: a page of a kind's resources, from the inventory alone."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, render_template, request
from flask.typing import ResponseReturnValue

from app.inventory import FilterError, Page, Query
from app.resources import RESOURCES
from app.resources.spec import Resource, Row
from app.web.context import house, name_rows


def unchanged(revision: str) -> Response | None:
    """A 304 for a poll whose page is as it was; nothing is rendered for it."""
    if request.headers.get("HX-PTag") == revision:
        return Response(status=304, headers={"HX-PTag": revision})
    return None


def answer(template: str, revision: str, status: int = 200, **values: Any) -> Response:
    """A rendered page with its revision, by which the next poll asks."""
    response = Response(render_template(template, revision=revision, **values), status)
    response.headers["HX-PTag"] = revision
    return response


def list_page(kind: str) -> ResponseReturnValue:
    """The list of a kind; polled by htmx, its results alone."""
    resource = RESOURCES[kind]
    inventory = house().inventory
    inventory.want(resource.kind)
    polled = "HX-Request" in request.headers
    if polled:
        same = unchanged(inventory.revision(resource.kind))
        if same:
            return same
    problem: FilterError | None = None
    try:
        page = inventory.page(resource.kind, Query.parse(resource, request.args))
    except FilterError as error:
        problem = error
        page = empty_page(resource)
    return answer(
        "list_results.html" if polled else "list.html",
        page.revision,
        400 if problem else 200,
        resource=resource,
        page=page,
        columns=shown(resource),
        query=page.query,
        filter_error=problem,
        actions=resource.actions,
        tabs=tabs(resource),
        export=_exports(resource, page.query),
        live=not problem,
        name_of_id=name_rows(page.rows, shown(resource)),
    )


def empty_page(resource: Resource, rows: list[Row] | None = None) -> Page:
    """A page of ``rows`` that are not from the inventory, or of none."""
    found = rows or []
    freshness = house().inventory.freshness(resource.kind)
    query = Query(sort=resource.sort, default_sort=resource.sort)
    return Page(found, len(found), query, 1, [], "", freshness)


def shown(resource: Resource) -> list[Any]:
    """The columns that stand in the list."""
    return [column for column in resource.columns if column.shown]


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

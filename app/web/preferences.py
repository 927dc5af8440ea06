"""The columns and the page size of a list, as a person has chosen and Encante remembers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlencode

from flask import Flask, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.inventory import FilterError, Query
from app.inventory.keys import TAG
from app.people import views
from app.resources.spec import Column, Resource
from app.web.columns import choices, chosen, column_of
from app.web.context import actor, house, resource_of


@dataclass(frozen=True)
class Choice:
    """A column in the menu of columns, and whether it stands in the list."""

    column: Column
    shown: bool


def applied(resource: Resource, query: Query, args: MultiDict[str, str]) -> Query:
    """The query with what is remembered, where the address ``args`` does not say otherwise.

    A page size that is not everybody's goes into the addresses of the page, as its columns do,
    so that they show the same to whoever opens them.
    """
    services, kind, who = house(), resource.kind, actor()
    known = services.recall(
        ("preference", kind, who), lambda: views.preference(services.engine, kind, who)
    )
    if "per_page" in args or known.per_page:
        size = query.per_page if "per_page" in args else known.per_page or query.per_page
        query = replace(query, per_page=size, default_per_page=0)
    if not query.columns:
        fitting = (column.name for column in chosen(resource, known.columns))
        query = replace(query, columns=tuple(fitting))
    return query


def offered(resource: Resource, shown: Sequence[Column]) -> list[Choice]:
    """The menu of columns: those that are shown, in their order, then the others."""
    names = {column.name for column in shown}
    others = [column for column in choices(resource) if column.name not in names]
    return [Choice(column, True) for column in shown] + [Choice(each, False) for each in others]


def remember(slug: str) -> ResponseReturnValue:
    """Remember columns or a page size, and show the list with them.

    The form has the list's ``address``, and ``per_page``, or ``columns`` (those that are ticked),
    ``order`` (all of them as they stand), ``tag`` (the key of a tag to add as a column), and the
    button: ``save``, ``reset``, ``up`` or ``down`` with a column's name.
    """
    resource = resource_of(slug)
    args: dict[str, str | list[str]] = {}
    args |= parse_qs(request.form.get("address", "").removeprefix("?"), keep_blank_values=True)
    engine, kind = house().engine, resource.kind
    if "per_page" in request.form:
        asked = Query.parse(resource, MultiDict({"per_page": request.form["per_page"]}))
        views.remember_per_page(engine, kind, actor(), asked.per_page)
        for name in ("per_page", "page"):
            args.pop(name, None)
        return _back(slug, args)
    names = () if "reset" in request.form else _asked(resource)
    views.remember_columns(engine, kind, actor(), names)
    args.pop("columns", None)
    args.update(Query(columns=names).args())  # so that the address shows the same to everybody
    moved = "up" in request.form or "down" in request.form
    return _back(slug, args, "#columns-form" if moved else "")


def _asked(resource: Resource) -> tuple[str, ...]:
    form = request.form
    ticked = set(form.getlist("columns"))
    order = [name for name in form.getlist("order") if name in ticked]
    key = form.get("tag", "").strip()
    if key:
        order.append(f"{TAG}{key}")
    for way, step in (("up", -1), ("down", 1)):
        if form.get(way) in order:
            _move(order, form[way], step)
    for name in order:
        if column_of(resource, name) is None:
            raise FilterError("columns", f"There is no column {name[:100]!r}.")
    return tuple(order)


def _move(order: list[str], name: str, step: int) -> None:
    at = order.index(name)
    to = max(0, min(len(order) - 1, at + step))
    order.insert(to, order.pop(at))


def _back(
    slug: str, args: Mapping[str, str | list[str]], fragment: str = ""
) -> ResponseReturnValue:
    query = urlencode(args, doseq=True)
    return redirect(f"/{slug}{'?' if query else ''}{query}{fragment}", 303)


def register(app: Flask) -> None:
    """The route that remembers."""
    app.add_url_rule("/preferences/<slug>", "preferences", remember, methods=["POST"])

"""The search field of the top bar: any resource of any kind."""

from __future__ import annotations

from flask import Flask, current_app, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.inventory import Query
from app.inventory.entry import clean
from app.inventory.filters import quote_word
from app.resources import RESOURCES
from app.resources.spec import Resource, Row
from app.web.context import accounts, inventory, url_for_id

OFFERED = 12  # below the field, while one types
LISTED = 100  # on the page
OF_A_KIND = 10  # where nothing but words in other columns was found
LENGTH = 200


def search() -> ResponseReturnValue:
    """What has the text in its id, name, address or tags; an exact id leads to its page at once.

    Asked by the field while one types, the best few alone.
    """
    typed = clean(request.args.get("q", "")).strip()[:LENGTH]
    if "HX-Request" in request.headers:
        return _offers(typed)
    row = inventory().locate(typed) if typed else None
    if row is not None:
        return redirect(url_for_id(row.kind, row.id))
    rows = inventory().search(typed, LISTED)
    found = _by_kind(rows) if rows else _by_words(typed)
    return render_template(
        "search.html",
        typed=typed,
        found=found,
        words=_words(typed),
        full=len(rows) == LISTED,
        names=_account_names(),
    )


def _offers(typed: str) -> str:
    # Not by render_template: the navigation and its counts are not wanted here.
    return current_app.jinja_env.get_template("search_offers.html").render(
        typed=typed,
        found=_by_kind(inventory().search(typed, OFFERED)),
        names=_account_names(),
        url_for_id=url_for_id,
    )


def _account_names() -> dict[str, str]:
    """What the accounts are called, by number; empty where there is but one."""
    found = accounts().all()
    return {account.id: account.name for account in found} if len(found) > 1 else {}


def _by_kind(rows: list[Row]) -> list[tuple[Resource, list[Row]]]:
    """The rows of each kind together, the kind that has the best one first."""
    kinds = dict.fromkeys(row.kind for row in rows)
    return [(RESOURCES[kind], [row for row in rows if row.kind == kind]) for kind in kinds]


def _by_words(typed: str) -> list[tuple[Resource, list[Row]]]:
    """What holds every word, in whatever column."""
    if not typed:
        return []
    found = []
    for kind, resource in RESOURCES.items():
        query = Query.parse(resource, MultiDict({"q": _words(typed)}))
        rows = inventory().page(kind, query).rows[:OF_A_KIND]
        if rows:
            found.append((resource, rows))
    return found


def _words(typed: str) -> str:
    """A filter for what holds every word, in any column."""
    return " ".join(quote_word(word) for word in typed.split())


def register(app: Flask) -> None:
    """The route ``/search``."""
    app.add_url_rule("/search", "search", search)

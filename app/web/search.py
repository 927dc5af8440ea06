"""The search field of the top bar: any resource of any kind."""

from __future__ import annotations

from flask import Flask, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.inventory import Query
from app.inventory.filters import quote_word
from app.resources import RESOURCES
from app.web.context import house, url_for_id

MOST = 10


def search() -> ResponseReturnValue:
    """What holds every word; an exact id leads to its page at once."""
    inventory = house().inventory
    typed = request.args.get("q", "").replace("\x00", "").strip()[:200]
    row = inventory.locate(typed) if typed else None
    if row is not None:
        return redirect(url_for_id(row.kind, row.id))
    words = " ".join(quote_word(word) for word in typed.split())
    found = []
    if words:
        for resource in RESOURCES.values():
            query = Query.parse(resource, MultiDict({"q": words}))
            page = inventory.page(resource.kind, query)
            if page.rows:
                found.append((resource, page.rows[:MOST], page.total, query.url_args()))
    return render_template("search.html", typed=typed, found=found)


def register(app: Flask) -> None:
    """The route ``/search``."""
    app.add_url_rule("/search", "search", search)

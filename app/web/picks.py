"""What a search field offers while one types: options for a datalist."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import Flask, abort, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.inventory import Query
from app.inventory.filters import quote_word
from app.resources import BY_SLUG
from app.resources.images import IMAGE
from app.resources.spec import Resource
from app.web import public_images
from app.web.context import chosen_place, house, inventory

MOST = 25
PLACE = ("account", "region")  # what a form tells besides what was typed
_IMAGE_ID = re.compile(r"^ami-([0-9a-f]{8}|[0-9a-f]{17})$")


@dataclass(frozen=True)
class Option:
    """A value to pick, and what tells it apart."""

    value: str
    label: str


def pick(slug: str) -> ResponseReturnValue:
    """The resources of a kind that hold every word that was typed, or the instance types."""
    typed = next((value for key, value in request.args.items() if key not in PLACE), "").strip()
    if slug == "instance-types":
        options = _instance_types(typed[:100])
    elif slug in BY_SLUG:
        options = _resources(BY_SLUG[slug], typed[:200])
    else:
        abort(404)
    return render_template("options.html", options=options)


def _resources(resource: Resource, typed: str) -> list[Option]:
    words = " ".join(quote_word(word) for word in typed.replace("\x00", "").split())
    query = Query.parse(resource, MultiDict({"q": words, "per_page": "25"}))
    rows = inventory().page(resource.kind, query).rows
    if not rows and resource is IMAGE and _IMAGE_ID.match(typed):
        image = public_images.find(typed)  # somebody else's: at least say what it is
        rows = [image] if image else []
    return [
        Option(row.id, ", ".join(part for part in (row.name, row.state, row.region) if part))
        for row in rows[:MOST]
    ]


def _instance_types(typed: str) -> list[Option]:
    account, region, problem = chosen_place()
    if problem:
        abort(400, problem)
    types = house().references.of(account).instance_types(region)
    if typed in types:  # what stands there is chosen: offer it, and what is like it
        typed, chosen = typed.partition(".")[0] + ".", [types[typed]]
    else:
        chosen = []
    words = typed.lower().split()
    found = [
        kind
        for kind in types.values()
        if all(word in f"{kind.name} {kind.label}".lower() for word in words)
    ]
    offered = dict.fromkeys([*chosen, *found])
    return [Option(kind.name, kind.label) for kind in list(offered)[:MOST]]


def register(app: Flask) -> None:
    """One route for all."""
    app.add_url_rule("/pick/<slug>", "pick", pick)

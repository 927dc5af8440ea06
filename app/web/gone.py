"""What is gone but was not long ago: a list for each kind, newest first, from the inventory."""

from __future__ import annotations

from flask import Flask, request
from flask.typing import ResponseReturnValue

from app.resources import RESOURCES
from app.resources.forms import link
from app.web import polls
from app.web.columns import defaults
from app.web.context import house, inventory, name_rows
from app.web.lists import page_number, tabs

PER_PAGE = 50
_MOST_TYPED = 200


def gone_page(kind: str) -> ResponseReturnValue:
    """The resources of a kind that are gone; ``q`` narrows them. Raises FilterError."""
    resource = RESOURCES[kind]
    typed = request.args.get("q", "").strip()[:_MOST_TYPED]
    number = page_number(request.args.get("page", "1"))
    known = inventory()
    around = polls.digest(known.revision(kind))
    if same := polls.same_around(around):
        return same
    rows, total = known.gone(kind, typed, (number - 1) * PER_PAGE, PER_PAGE)
    told = polls.digest(total, [(row.account, row.region, row.id, row.seen_at) for row in rows])
    if same := polls.same_shown(around, told):
        return same
    pages = max(1, -(-total // PER_PAGE))
    here = f"/{resource.slug}/gone"
    columns = defaults(resource, 1, 1)
    return polls.answer(
        "gone",
        polls.tag(around, told),
        resource=resource,
        rows=rows,
        total=total,
        typed=typed,
        tabs=tabs(resource),
        keep_days=f"{house().settings.keep_days:g}",
        page=number,
        pages=pages,
        newer=link(here, q=typed, page=str(number - 1)) if number > 1 else "",
        older=link(here, q=typed, page=str(number + 1)) if number < pages else "",
        name_of_id=name_rows(rows, columns),
    )


def register(app: Flask) -> None:
    """A route per kind."""
    for kind, resource in RESOURCES.items():
        app.add_url_rule(
            f"/{resource.slug}/gone", f"{kind}_gone", gone_page, defaults={"kind": kind}
        )

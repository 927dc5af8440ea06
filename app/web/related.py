"""The addresses of what a resource is tied to."""

from __future__ import annotations

from app.inventory.filters import MAX_LENGTH, quote
from app.inventory.related import Related
from app.resources import RESOURCES
from app.resources.forms import link
from app.resources.spec import Row

_MOST_CONDITIONS = 40  # a filter takes 50


def list_of(related: Related, row: Row) -> str | None:
    """The address of the list of everything that ``related`` counts; None if it has none."""
    column, values = related.relation.column, related.values
    if len(values) > _MOST_CONDITIONS:
        return None
    filter_text = " or ".join(f"{column} = {quote(value)}" for value in values)
    if len(filter_text) > MAX_LENGTH:
        return None
    place = {"account": row.account, "region": row.region} if related.relation.near else {}
    return link(f"/{RESOURCES[related.relation.kind].slug}", q=filter_text, **place)

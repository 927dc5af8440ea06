"""A resource by its id: known, or looked for in AWS; and the page for an id that nothing has."""

from __future__ import annotations

import re

from flask import g
from flask.typing import ResponseReturnValue

from app.resources import RESOURCES
from app.resources.forms import page_of
from app.resources.spec import Resource, Row
from app.web import public_images
from app.web.asking import ask_everywhere
from app.web.context import accounts, bounds, house, inventory, regions_in_words
from app.web.errors import page as error_page
from app.web.roles import shown_only

_ID = re.compile(r"^[a-z]+-[0-9a-f]{8,17}$")
_ARN = re.compile(r"^arn:[a-z-]+:[a-z]+:([a-z0-9-]+):(\d{12}):[\w.-]{1,256}$", re.ASCII)


def find(resource: Resource, resource_id: str) -> Row | None:
    """The resource: from the inventory, or if that does not know it yet, from AWS.

    What whoever asks may not see is looked for as if it were not known, and found no more.
    Every account and region where it may be is asked at once, for some seconds at most. Where
    nobody has answered is told by ``unknown``. Raises AwsError when there is no answer at all.
    """
    services, within = house(), bounds()
    row = inventory().get(resource.kind, resource_id)
    if row is not None:
        return row
    scopes = _where(resource, resource_id)

    def ask(account: str, region: str) -> Row | None:
        found = services.collector.reread(
            resource.kind, account, region, [resource_id], settle=False
        )
        return next((each for each in found if within is None or within.covers(each)), None)

    row = ask_everywhere(ask, scopes)
    if row is None and scopes and resource.kind == "image":
        return public_images.find(resource_id)
    return row


def _where(resource: Resource, resource_id: str) -> tuple[tuple[str, str], ...]:
    """The (account, region) of this console where a resource of that id could be."""
    scopes = accounts().scopes()
    if not resource_id.startswith(resource.prefix):
        return ()
    if _ID.match(resource_id):
        return scopes
    arn = _ARN.match(resource_id)
    return tuple(scope for scope in scopes if arn and scope == (arn[2], arn[1]))


def unknown(resource: Resource, resource_id: str) -> ResponseReturnValue:
    """The page for an id that nothing has, or that something of another kind has."""
    other = next(
        (
            kind
            for kind in RESOURCES.values()
            if kind.kind != resource.kind and resource_id.startswith(kind.prefix)
        ),
        None,
    )
    if other is not None:
        text = f"{resource_id[:200]} is the id of a resource of another kind ({other.one})."
        links = ((page_of(other.slug, resource_id), f"Open it under {other.title}"),)
        return error_page(404, f"No {resource.one} has this id", text, links=links)
    silent = [f"{region} of {account}" for account, region in g.get("unasked", [])]
    return error_page(
        404,
        f"No {resource.one} has this id",
        f"{resource_id[:200]} is not known in {regions_in_words()}.",
        f"AWS did not answer in time, or not well: {', '.join(silent)}. Try again in a while."
        if silent
        else "It may have been deleted, or be in a region or account that is not among the "
        + ("settings, or outside what your role shows." if shown_only() else "settings."),
        links=((f"/{resource.slug}", f"All {resource.many}"),),
    )

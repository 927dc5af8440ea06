"""A resource's own page: its details, tags, and what it is tied to."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue

from app.resources import RESOURCES
from app.resources.forms import link, page_of
from app.resources.spec import Action, Resource, Row
from app.web import public_images
from app.web.context import house, name_rows
from app.web.errors import page as error_page
from app.web.lists import answer, unchanged

RELATED_SHOWN = 10
_ID = re.compile(r"^[a-z]+-[0-9a-f]{8,17}$")


def detail_page(kind: str, resource_id: str) -> ResponseReturnValue:
    """The page of one resource; polled by htmx, its body alone."""
    resource = RESOURCES[kind]
    services = house()
    polled = "HX-Request" in request.headers
    row = find(resource, resource_id)
    if row is None:
        return unknown(resource, resource_id)
    services.attend(row)
    related = [
        (relation, rows[:RELATED_SHOWN], len(rows))
        for relation in resource.relations
        if (rows := services.inventory.find(relation.kind, relation.column, relation.values(row)))
    ]
    watches = services.watches.of_resource(row.id)
    revision = _revision(row, related, watches)
    same = unchanged(revision) if polled else None
    if same:
        return same
    return answer(
        "detail_body.html" if polled else "detail.html",
        revision,
        resource=resource,
        row=row,
        columns=resource.columns,
        related=related,
        actions=[_offer(resource, action, row) for action in resource.actions if _on_row(action)],
        watches=watches,
        tags=row.tags,
        description_json=json.dumps(row.description, indent=2, ensure_ascii=False),
        name_of_id=name_rows([row], resource.columns),
    )


def find(resource: Resource, resource_id: str) -> Row | None:
    """The resource: from the inventory, or if that does not know it yet, from AWS."""
    services = house()
    row = services.inventory.get(resource.kind, resource_id)
    if row is not None or not _could_be(resource, resource_id):
        return row
    for region in services.settings.regions:
        found = services.collector.reread(
            resource.kind, services.account(), region, [resource_id], settle=False
        )
        if found:
            return found[0]
    return public_images.find(resource_id) if resource.kind == "image" else None


def _could_be(resource: Resource, resource_id: str) -> bool:
    return resource_id.startswith(resource.prefix) and bool(_ID.match(resource_id))


def unknown(resource: Resource, resource_id: str) -> ResponseReturnValue:
    """The page for an id that nothing has, or that something of another kind has."""
    regions = ", ".join(house().settings.regions)
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
    return error_page(
        404,
        f"No {resource.one} has this id",
        f"{resource_id[:200]} is not known in {regions}.",
        "It may have been deleted, or be in a region or account that is not among the settings.",
        links=((f"/{resource.slug}", f"All {resource.title.lower()}"),),
    )


def _on_row(action: Action) -> bool:
    return action.on != "none"


def _offer(resource: Resource, action: Action, row: Row) -> tuple[Action, str, str | None]:
    address = (
        action.link(row) if action.link else link(f"/{resource.slug}/{action.name}", id=row.id)
    )
    if row.gone:
        return action, address, f"The {resource.one} is gone."
    if _is_foreign(row) and action.name != "launch":
        return action, address, f"It belongs to the account {row.account}."
    return action, address, action.refusal(row)


def _is_foreign(row: Row) -> bool:
    identity = house().identity
    return bool(identity and row.account and row.account != identity.account)


def _revision(row: Row, related: list[Any], watches: list[Any]) -> str:
    told = (
        row.description,
        row.state,
        row.gone,
        [(each.kind, each.id, each.state, each.name) for _, rows, _ in related for each in rows],
        [(watch.id, watch.state) for watch in watches],
    )
    return sha256(json.dumps(told, default=str).encode()).hexdigest()[:16]


def register(app: Flask) -> None:
    """A route per kind."""
    for kind, resource in RESOURCES.items():
        app.add_url_rule(
            f"/{resource.slug}/<resource_id>",
            f"{kind}_detail",
            detail_page,
            defaults={"kind": kind},
        )

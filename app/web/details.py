"""A resource's own page: its details, tags, and what it is tied to."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue

from app.resources import RESOURCES
from app.resources.forms import link
from app.resources.spec import Action, Resource, Row
from app.web.context import house, name_rows
from app.web.finding import find, unknown
from app.web.lists import answer, unchanged

RELATED_SHOWN = 10


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
    return bool(row.account) and house().accounts.get(row.account) is None


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

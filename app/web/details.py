"""A resource's own page: its details, tags, what it is tied to, what was seen to change in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue

from app.inventory.related import Related, related
from app.inventory.timeline import Change
from app.resources import RESOURCES
from app.resources.forms import link
from app.resources.spec import Action, Resource, Row
from app.watches.views import WatchView
from app.web.context import house, name_rows
from app.web.finding import find, unknown
from app.web.lists import answer, unchanged
from app.web.related import list_of
from app.web.told import tell

TOLD = 20  # changes that a page tells; the others stand under Activity


def detail_page(kind: str, resource_id: str) -> ResponseReturnValue:
    """The page of one resource; polled by htmx, its body alone."""
    resource = RESOURCES[kind]
    row = find(resource, resource_id)
    if row is None:
        return unknown(resource, resource_id)
    services = house()
    services.attend(row)
    watches = services.watches.of_resource(row.id)
    around = _around(resource, row, watches)
    polled = "HX-Request" in request.headers
    same = _unchanged_around(around) if polled else None
    if same:
        return same
    ties = related(services.inventory, RESOURCES, row)
    changes = services.inventory.timeline(kind, row.id, TOLD + 1)
    revision = f"{around}.{_shown(row, ties, watches, changes)}"
    same = _unchanged_page(revision) if polled else None
    if same:
        return same
    return answer(
        "detail_body.html" if polled else "detail.html",
        revision,
        resource=resource,
        row=row,
        columns=resource.columns,
        ties=[(each, list_of(each, row)) for each in ties],
        actions=_offers(resource, row),
        watches=watches,
        tags=row.tags,
        told=tell(changes[:TOLD]),
        more_told=len(changes) > TOLD,
        description_json=json.dumps(row.description, indent=2, ensure_ascii=False),
        name_of_id=name_rows([row], resource.columns),
    )


def _offers(resource: Resource, row: Row) -> list[tuple[Action, str, str | None]]:
    if row.gone:
        return []
    return [_offer(resource, action, row) for action in resource.actions if action.on != "none"]


def _offer(resource: Resource, action: Action, row: Row) -> tuple[Action, str, str | None]:
    address = (
        action.link(row) if action.link else link(f"/{resource.slug}/{action.name}", id=row.id)
    )
    if _is_foreign(row) and action.name != "launch":
        return action, address, f"It belongs to the account {row.account}."
    return action, address, action.refusal(row)


def _is_foreign(row: Row) -> bool:
    return bool(row.account) and house().accounts.get(row.account) is None


# A poll is first answered by what costs nothing: as long as nothing at all was written of these
# kinds, the page is as it was. Only then by what the page would show.


def _around(resource: Resource, row: Row, watches: Sequence[WatchView]) -> str:
    kinds = sorted({resource.kind, *(relation.kind for relation in resource.relations)})
    inventory = house().inventory
    return _digest(
        row.account,  # of a public image that is in no inventory, too
        [inventory.revision(kind) for kind in kinds],
        [(watch.id, watch.state) for watch in watches],
    )


def _shown(
    row: Row, ties: Sequence[Related], watches: Sequence[WatchView], changes: Sequence[Change]
) -> str:
    return _digest(
        row.description,
        row.state,
        row.gone,
        [
            (each.total, each.absent, [(other.id, other.cells, other.name) for other in each.rows])
            for each in ties
        ],
        [(watch.id, watch.state) for watch in watches],
        [change.seq for change in changes],
    )


def _digest(*told: Any) -> str:
    return sha256(json.dumps(told, default=str).encode()).hexdigest()[:16]


def _unchanged_around(around: str) -> Response | None:
    has = request.headers.get("HX-PTag", "")
    return unchanged(has) if has.partition(".")[0] == around else None


def _unchanged_page(revision: str) -> Response | None:
    has = request.headers.get("HX-PTag", "")
    if has.partition(".")[2] != revision.partition(".")[2]:
        return None
    return Response(status=304, headers={"HX-PTag": revision})


def register(app: Flask) -> None:
    """A route per kind."""
    for kind, resource in RESOURCES.items():
        app.add_url_rule(
            f"/{resource.slug}/<resource_id>",
            f"{kind}_detail",
            detail_page,
            defaults={"kind": kind},
        )

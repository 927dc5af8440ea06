"""A resource's own page: its details, tags, what it is tied to, what was seen to change in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Flask, Response
from flask.typing import ResponseReturnValue

from app.inventory.query import Failure
from app.inventory.related import Related, related
from app.inventory.timeline import Change
from app.people import audit_reader
from app.resources import RESOURCES
from app.resources.forms import link
from app.resources.spec import Action, Resource, Row
from app.watches.views import WatchView
from app.web import audit, context, expected, polls, roles
from app.web.context import accounts, house, inventory, name_rows, person
from app.web.finding import find, unknown
from app.web.freshness import seconds_since
from app.web.lists import AGE
from app.web.may import row_refusal
from app.web.parts import part_of
from app.web.related import list_of
from app.web.told import tell

WATCHES = 10  # that a page tells; the others stand under Watches
TOLD = 20  # changes that a page tells; the others stand under Activity


def detail_page(kind: str, resource_id: str) -> ResponseReturnValue:
    """The page of one resource; polled by htmx, its body alone."""
    resource = RESOURCES[kind]
    row = find(resource, resource_id)
    if row is None:
        return unknown(resource, resource_id)
    services = house()
    live = _is_live(row)
    seen_at = services.attend(row) if live else row.seen_at
    response = _answered(resource, row, live, seen_at)
    if live:
        response.headers[AGE] = f"{seconds_since(seen_at, inventory().now()):.1f}"
    return response


def _is_live(row: Row) -> bool:
    """Whether the page polls itself: what is in no inventory would be asked of AWS each time."""
    if row.gone:
        return False
    return not _is_foreign(row) or inventory().get(row.kind, row.id) is not None


def _answered(resource: Resource, row: Row, live: bool, seen_at: datetime) -> Response:
    known = inventory()
    watches = context.watches().of_resource(row.id, WATCHES + 1)
    part = part_of(row)
    around = polls.digest(_around(resource, row, watches), part, audit_reader.head(house().engine))
    if same := polls.same_around(around):
        return same
    ties = related(known, RESOURCES, row)
    changes = known.timeline(row.kind, row.id, TOLD + 1)
    failure = _failure(row)
    due = expected.of_rows([row]).get(row.id)
    words = {watch.id: expected.in_words(expected.of_watch(watch)) for watch in watches}
    deeds = audit.of_resource(row.kind, row.id)
    more = [expected.in_words(due), words, part, [repr(each) for each in deeds]]
    shown = _shown(row, ties, watches, changes, failure, more)
    if same := polls.same_shown(around, shown):
        return same
    return polls.answer(
        "detail",
        polls.tag(around, shown),
        resource=resource,
        row=row,
        live=live,
        seen_at=seen_at,
        age=seconds_since(seen_at, known.now()),
        failure=failure,
        part=part,
        columns=resource.columns,
        ties=[(each, list_of(each, row)) for each in ties],
        actions=_offers(resource, row),
        expected=expected.in_words(due),
        watches=watches[:WATCHES],
        all_watches=link("/watches", of=row.id) if len(watches) > WATCHES else "",
        watch_words=words,
        deeds=deeds,
        tags=row.tags,
        told=tell(changes[:TOLD]),
        older=_older(row, changes),
        description_json=json.dumps(row.description, indent=2, ensure_ascii=False),
        name_of_id=name_rows([row], resource.columns),
    )


def _failure(row: Row) -> Failure | None:
    """Why the resource's region cannot be read now."""
    for place in inventory().freshness(row.kind):
        if (place.account, place.region) == (row.account, row.region):
            return place.error
    return None


def _older(row: Row, changes: Sequence[Change]) -> str:
    if len(changes) <= TOLD:
        return ""
    return link("/activity", kind=row.kind, q=row.id, before=str(changes[TOLD - 1].seq))


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
    return action, address, _refusal(resource, action, row)


def _refusal(resource: Resource, action: Action, row: Row) -> str | None:
    """Why it cannot be done now, or not by whoever asks; a link to another form does nothing."""
    denied = roles.why_not_action(resource, action)
    if denied is None and action.form is not None:
        denied = row_refusal(person(), row)
    return denied or action.refusal(row)


def _is_foreign(row: Row) -> bool:
    return bool(row.account) and accounts().get(row.account) is None


def _around(resource: Resource, row: Row, watches: Sequence[WatchView]) -> str:
    kinds = sorted({resource.kind, *(relation.kind for relation in resource.relations)})
    known = inventory()
    return polls.digest(
        row.account,  # of a public image that is in no inventory, too
        [known.revision(kind) for kind in kinds],
        [(watch.id, watch.state, watch.passed) for watch in watches],
        expected.step(row.state == "pending" or any(watch.expected for watch in watches)),
    )


def _shown(
    row: Row,
    ties: Sequence[Related],
    watches: Sequence[WatchView],
    changes: Sequence[Change],
    failure: Failure | None,
    estimates: list[Any],
) -> str:
    return polls.digest(
        row.description,
        row.state,
        row.gone,
        failure and (failure.code, failure.advice),
        [
            (each.total, [(other.id, other.cells, other.name) for other in each.rows])
            for each in ties
        ],
        [(each, gone is None) for tie in ties for each, gone in tie.absent],
        [(watch.id, watch.state, watch.passed) for watch in watches],
        estimates,
        [change.seq for change in changes],
    )


def register(app: Flask) -> None:
    """A route per kind."""
    for kind, resource in RESOURCES.items():
        app.add_url_rule(
            f"/{resource.slug}/<resource_id>",
            f"{kind}_detail",
            detail_page,
            defaults={"kind": kind},
        )

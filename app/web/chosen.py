"""What a form is for: the rows that the address names, which of them it may have, its desk."""

from __future__ import annotations

from flask import abort, flash, request

from app.aws.errors import AwsError
from app.resources.forms import Desk
from app.resources.instances import volumes_ending
from app.resources.spec import Action, Resource, Row
from app.web import acting, may, recording
from app.web.context import accounts, actor, bounds, house, inventory, person
from app.web.finding import find

MOST_ROWS = 250
READ_AGAIN = 10  # so few are read again before they are acted on


class UnknownId(Exception):
    """An id in the address that nothing has."""

    def __init__(self, resource_id: str) -> None:
        self.resource_id = resource_id


def rows_of(resource: Resource, action: Action) -> tuple[Row, ...]:
    """The rows whose ids the address has, read again if they are few. Raises UnknownId."""
    if action.on == "none":
        return ()
    ids = list(dict.fromkeys(request.args.getlist("id")))
    if len(ids) > MOST_ROWS:
        abort(400, f"{len(ids)} are too many at once; choose {MOST_ROWS} at most.")
    if action.on == "one" and len(ids) > 1:
        abort(400, f"{action.title} is for one {resource.one} at a time; {len(ids)} are chosen.")
    rows = []
    for resource_id in ids:
        row = find(resource, resource_id)
        if row is None:
            raise UnknownId(resource_id)
        rows.append(row)
    if rows and len(rows) <= READ_AGAIN and request.form.get("_do") not in {"preview", "refill"}:
        rows = _fresh(resource, rows)
    return tuple(rows)


def _fresh(resource: Resource, rows: list[Row]) -> list[Row]:
    """The rows as AWS describes them now; as they were known where AWS does not answer."""
    services = house()
    by_scope: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        by_scope.setdefault((row.account, row.region), []).append(row.id)
    try:
        for (account, region), ids in by_scope.items():
            found = services.collector.reread(resource.kind, account, region, ids, settle=False)
            if resource.kind == "instance" and bounds("operator"):
                # their tags decide whether they may go with their instances
                going = volumes_ending(found)
                services.collector.reread("volume", account, region, going, settle=False)
    except AwsError as error:
        told = ": ".join(part for part in (error.shown_code, error.message) if part)
        flash(f"What is shown may be out of date: {told}", "warning")
    return [inventory().get(resource.kind, row.id) or row for row in rows]


def refusal(action: Action, row: Row) -> str | None:
    """Why the action is not for this row; or None."""
    if row.gone:
        return f"{row.id} is gone."
    return action.refusal(row)


def reason_against(action: Action, row: Row) -> str | None:
    """Why the action is not for this row, or not for whoever asks; or None."""
    return refusal(action, row) or may.row_refusal(person(), row)


def record_refusal(action: Action, rows: tuple[Row, ...]) -> None:
    """Record which of the rows whoever asks may not act on, if there are such."""
    whys = [(row, may.row_refusal(person(), row)) for row in rows]
    told = ", ".join(f"{row.id}: {why}" for row, why in whys if why)
    if told:
        recording.refused(action.title, "role", told)


def desk_of(rows: tuple[Row, ...]) -> Desk:
    """The desk of the first row's account, or of the main one. Raises AwsError."""
    services, own = house(), accounts("operator")
    account = own.get(rows[0].account) if rows else None
    within = bounds()
    return Desk(
        sees=within.cover if within else lambda *_: True,
        tags_for=acting.tags_for,
        inventory=inventory(),
        references=services.references,
        watches=services.watches,
        accounts=own,
        account=(account or own.require()).id,
        actor=actor(),
        rows=rows,
    )

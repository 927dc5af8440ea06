"""What is done, changed and refused in pages goes into the audit log from here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from flask import Flask, Response, current_app, g, request

from app.aws.call import Answer, Call
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.house import House
from app.people import audit
from app.people.audit import By, Entry, Outcome
from app.people.redaction import without_secrets
from app.people.refusals import Refusals
from app.people.views import ViewError
from app.resources import RESOURCES
from app.resources.forms import ActionForm
from app.resources.notify import NOTIFICATION, NotifyForm
from app.resources.spec import Row
from app.watches import WatchError
from app.web.context import by, house, visitor

_WHOLE = 20  # resources of a call of which all columns are kept as they were; of others the state
_OF_EVERY_FORM = {"csrf_token", "client_token"}
_EXTENSION = "encante_refusals"
# Answers by which somebody is refused what they sent; that is recorded whoever wrote the page.
_REFUSALS = {400, 403, 404, 409, 410}
_ONLY_SHOWS = {"preview", "refill"}  # what a form does while it is filled in


@contextmanager
def deed(
    event: str,
    title: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    resources: Iterable[tuple[str, str]] = (),
    row: Row | None = None,
    action: str = "",
) -> Iterator[None]:
    """Record what somebody does in the block: that it is about to be done, and what became of it.

    ``before`` is what it was, ``after`` what it becomes: what differs is kept. ``row``: the
    resource that it is about. If it cannot be recorded the block is not entered.
    """
    was, becomes = _differing(before or {}, after or {})
    entry = Entry(
        event,
        title,
        action=action,
        resources=tuple(resources) or (((row.kind, row.id),) if row else ()),
        parameters=becomes,
        before=was,
        account=row.account if row else "",
        region=row.region if row else "",
    )
    services, who = house(), by()
    begun = audit.begin(services.engine, who, entry)
    g.recorded = True
    try:
        yield
    except (AwsError, ViewError, WatchError) as error:
        message = str(error)
        _ended(services, who, begun, entry, {"outcome": "refused", "message": message})
        raise
    except Exception as error:
        told = {"outcome": "failed", "code": type(error).__name__}
        _ended(services, who, begun, entry, told)
        raise
    _ended(services, who, begun, entry, {})


def _differing(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    same = {name for name in before if name in after and before[name] == after[name]}
    return (
        {name: value for name, value in before.items() if name not in same},
        {name: value for name, value in after.items() if name not in same},
    )


def form(token: str, title: str, sent: ActionForm, rows: Sequence[Row], calls: bool) -> None:
    """Record what a form does besides its ``calls``: whom it has told of what; or if it makes no
    calls at all, what was sent. To be called before the first call.
    """
    asks = isinstance(sent, NotifyForm) and sent.asked
    if calls and not asks:
        return
    told = {name: value for name, value in sent.data.items() if name not in _OF_EVERY_FORM}
    if asks:
        told = {name: told[name] for name in NOTIFICATION if told.get(name)}
    entry = Entry(
        "watches.add" if asks else "forms.send",
        f"{title}: tell what becomes of it" if calls else title,
        action=token,
        account=rows[0].account if rows else "",
        region=rows[0].region if rows else "",
        resources=tuple((row.kind, row.id) for row in rows),
        parameters=told,
    )
    audit.record(house().engine, by(), entry)
    g.recorded = True


def refused(title: str, code: str, message: str = "", event: str = "refusal") -> None:
    """Record that somebody was not let do something; many alike are counted, not told one by one.

    ``title``: what they wanted, ``code``: why not, in a word (``role``, ``csrf``, ``origin`` …).
    """
    entry = Entry(event, title[:200], "refused", code=code, message=message[:500])
    cast(Refusals, current_app.extensions[_EXTENSION]).record(by(), entry)
    g.recorded = True


def _refused_after_all(response: Response) -> Response:
    """Record that a POST was refused, where nothing of it was recorded on the way."""
    met = request.endpoint is not None and visitor() is not None
    if not met or response.status_code not in _REFUSALS or g.get("recorded"):
        return response
    if request.method == "POST" and request.form.get("_do") not in _ONLY_SHOWS:
        refused(f"POST {request.path}", str(response.status_code))
    return response


def run(house: House, token: str, title: str, call: Call, clients: Clients) -> Answer:
    """Make a call that changes something: recorded before it is made, and what became of it.

    If it cannot be recorded it is not made. Raises AwsError (in which AWS's words hold no secrets
    that were sent), and what the database raises.
    """
    entry = Entry(
        "call",
        call.says or title,
        action=token,
        service=call.service,
        operation=call.operation,
        account=call.account,
        region=call.region,
        resources=tuple(dict.fromkeys((*call.touches, *call.removes))),
        parameters=call.parameters,
        before=_before(house, call),
    )
    who = by()
    begun = audit.begin(house.engine, who, entry)
    g.recorded = True
    try:
        answer = call.run(clients)
    except AwsError as error:
        told = replace(error, message=without_secrets(error.message, call.parameters))
        _ended(house, who, begun, entry, _failure(told))
        raise told from error
    made = tuple(_made(call, answer))
    _ended(house, who, begun, entry, {"request_id": answer.request_id, "resources": made})
    return answer


def _ended(house: House, who: By, begun: int, entry: Entry, told: dict[str, Any]) -> None:
    same = {
        name: getattr(entry, name)
        for name in ("title", "action", "service", "operation", "account", "region")
    }
    audit.end(house.engine, who, begun, Entry(entry.event, **(same | told)))


def _failure(error: AwsError) -> dict[str, Any]:
    outcome: Outcome = "uncertain" if error.may_have_happened else "failed"
    if error.trouble == "refused":
        outcome = "refused"
    return {
        "outcome": outcome,
        "code": error.code,
        "message": error.message,
        "request_id": error.request_id,
    }


def _made(call: Call, answer: Answer) -> Iterable[tuple[str, str]]:
    if call.makes is None:
        return
    kind = call.makes[0]
    for entry in call.made(answer):
        if made := entry.get(RESOURCES[kind].id_key):
            yield kind, str(made)


def _before(house: House, call: Call) -> dict[str, Any]:
    """What the inventory knows of the resources that a call touches."""
    told: dict[str, Any] = {}
    for kind, resource_id in dict.fromkeys((*call.touches, *call.removes)):
        row = house.inventory.get(kind, resource_id)
        if row is None:
            continue
        cells = {name: cell for name, cell in row.cells.items() if cell not in (None, "", [])}
        whole = {"name": row.name, **cells, "tags": dict(row.tags)} if len(told) < _WHOLE else {}
        told[resource_id] = {"state": row.state, **whole}
    return told


def register(app: Flask) -> None:
    """Make the place in which refusals are counted, and record those that no page has told."""
    app.after_request(_refused_after_all)
    forget(app)


def forget(app: Flask) -> None:
    """Count refusals from here on."""
    app.extensions[_EXTENSION] = Refusals(cast(House, app.extensions["encante"]).engine)

"""The audit log: who did what, from where, when, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import date, timedelta
from functools import partial
from typing import Any

from flask import Flask, abort, render_template, request
from flask.typing import ResponseReturnValue

from app.db import now
from app.inventory import FilterError
from app.people import audit_reader
from app.people.audit_reader import OPEN, AuditQuery, Deed
from app.people.who import EVERYTHING
from app.resources import RESOURCES
from app.resources.forms import link
from app.web import newest_first, polls
from app.web.context import house, person, scope
from app.web.exports import csv_answer, csv_cell, csv_line, json_answer

SHOWN = 50  # deeds a page
OF_RESOURCE = 10  # that a resource's page tells; an admin finds the others here
_MOST_SEQ = 2**63
_SEQ_DIGITS = len(str(_MOST_SEQ)) - 1
# The first words of events, and what they are called.
EVENTS = {
    "call": "AWS call",
    "sign-in": "Sign-in",
    "sign-out": "Sign-out",
    "refusal": "Refusal",
    "users": "Users",
    "grants": "Grants",
    "sessions": "Sessions",
    "rules": "Rules",
    "watches": "Watches",
    "notices": "Notices",
    "wording": "Wording",
    "events": "Event queues",
    "queue": "Queue messages",
    "views": "Views",
    "forms": "Forms without a call",
    "console": "Settings",
}
OUTCOMES = {
    "done": "Done",
    "failed": "Failed",
    "refused": "Refused",
    "uncertain": "Uncertain",
    OPEN: "No end recorded",
}
_KEYS = {
    "who": "actor",
    "event": "event",
    "kind": "kind",
    "of": "of",
    "account": "account",
    "region": "region",
    "operation": "operation",
    "outcome": "outcome",
    "action": "action",
    "q": "text",
    "from": "since",
    "until": "before_day",
}
_CSV = (
    "seq",
    "at",
    "ended_at",
    "event",
    "actor",
    "method",
    "address",
    "session",
    "title",
    "service",
    "operation",
    "account",
    "region",
    "resources",
    "outcome",
    "code",
    "message",
    "request_id",
    "parameters",
    "before",
    "action",
    "hash",
    "ended_seq",
    "ended_hash",
)


def audit_page() -> ResponseReturnValue:
    """The log, newest first; polled by htmx, its body alone. Raises FilterError."""
    query, before = asked(), newest_first.before(_SEQ_DIGITS, "in the log")
    engine = house().engine
    seq, newest_hash = audit_reader.head(engine)
    # after some minutes without an end a call counts as cut off, though nothing is written
    revision = polls.digest(seq, now().strftime("%H:%M"))
    if same := polls.same(revision):
        return same
    found = audit_reader.deeds(engine, query, SHOWN + 1, before)
    given = newest_first.given()
    return polls.answer(
        "audit/list",
        revision,
        deeds=found[:SHOWN],
        events=EVENTS,
        given=given,
        first=before is None,
        newest=link("/audit", **given),
        older=link("/audit", **given, before=str(found[SHOWN - 1].seq))
        if len(found) > SHOWN
        else "",
        export=(link("/audit.csv", **given), link("/audit.json", **given)),
        choices=_choices(),
        head=(seq, newest_hash),
    )


def record_page(seq: int) -> ResponseReturnValue:
    """One record: all of it, and what became of it."""
    found = audit_reader.deed(house().engine, seq) if seq < _MOST_SEQ else None
    if found is None:
        abort(404)
    return render_template(
        "audit/record.html",
        deed=found,
        events=EVENTS,
        parameters=_readable(found.parameters),
        before=_readable(found.before),
        others=link("/audit", action=found.action) if found.action else "",
    )


def asked() -> AuditQuery:
    """The query that the address asks for. Raises FilterError for values that make no sense."""
    for key in request.args:
        if key not in (*_KEYS, "before"):
            raise FilterError(key, f"There is nothing to narrow by {key[:40]!r} here.")
    given = newest_first.given()
    for key, known in (("kind", RESOURCES), ("outcome", OUTCOMES)):
        if given.get(key, "") not in ("", *known):
            told = f"{given[key][:40]!r} is none of {', '.join(known)}."
            raise FilterError(key, told)
    query = AuditQuery(**{_KEYS[key]: value for key, value in given.items()})
    since, until = (_day(given.get(key, ""), key) for key in ("from", "until"))
    return replace(
        query,
        since=since.isoformat() if since else "",
        before_day=(until + timedelta(days=1)).isoformat() if until else "",
    )


def _day(text: str, key: str) -> date | None:
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise FilterError(key, f"{text[:40]!r} is no day; one is 2026-01-31.") from None
    return min(found, date.max - timedelta(days=1))


def _choices() -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """What can be narrowed by: the key of the address, its title, and (value, label) of each."""
    where = scope()
    accounts = [(account.id, account.name) for account in where.accounts if account.id]
    names = audit_reader.actors(house().engine)
    return {
        "who": ("Who", [(name, name) for name in names]),
        "event": ("What", list(EVENTS.items())),
        "outcome": ("Outcome", list(OUTCOMES.items())),
        "kind": ("Kind", [(kind, each.title) for kind, each in RESOURCES.items()]),
        "account": ("Account", accounts),
        "region": ("Region", [(region, region) for region in where.regions]),
    }


def _readable(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""


def as_json() -> ResponseReturnValue:
    """Every deed that fits as a JSON array, streamed. Raises FilterError."""
    return json_answer(map(_record, _every(asked())))


def as_csv() -> ResponseReturnValue:
    """Every deed that fits as CSV with a head line, streamed. Raises FilterError."""
    return csv_answer("audit", _csv_lines(_every(asked())))


def _every(query: AuditQuery) -> Iterator[Deed]:
    engine = house().engine
    return newest_first.every(partial(audit_reader.deeds, engine, query))


def _record(deed: Deed) -> dict[str, Any]:
    told = asdict(deed)
    for name in ("at", "ended_at"):
        told[name] = told[name].isoformat() if told[name] else None
    return told


def _csv_lines(deeds: Iterable[Deed]) -> Iterator[str]:
    yield csv_line(list(_CSV))
    for deed in deeds:
        told = _record(deed)
        told["resources"] = [each for _, each in deed.resources]
        for name in ("parameters", "before"):
            told[name] = json.dumps(told[name], ensure_ascii=False) if told[name] else ""
        yield csv_line([csv_cell(told[name]) for name in _CSV])


def of_resource(kind: str, resource_id: str) -> list[dict[str, Any]]:
    """What was done with a resource, for its page: ``deed``, ``title``, ``address``, ``href``.

    Only an admin is told from where. Whoever sees some of the resources only is not told of the
    others that the same call was about.
    """
    who = person()
    admin, all_seen = who.may("admin"), who.limits("viewer") == (EVERYTHING,)
    return [
        {
            "deed": deed,
            "title": deed.title if all_seen or deed.only else deed.operation or deed.event,
            "address": deed.address if admin else "",
            "href": f"/audit/{deed.seq}" if admin else "",
        }
        for deed in audit_reader.of_resource(house().engine, kind, resource_id, OF_RESOURCE)
    ]


def register(app: Flask) -> None:
    """The log, its records, its exports."""
    app.add_url_rule("/audit", "audit", audit_page)
    app.add_url_rule("/audit/<int:seq>", "audit_record", record_page)
    app.add_url_rule("/audit.json", "audit_json", as_json)
    app.add_url_rule("/audit.csv", "audit_csv", as_csv)

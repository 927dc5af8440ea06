"""Activity: every change that was seen, over everything, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue

from app.inventory import FilterError
from app.inventory.timeline import BY_OTHERS, BY_US, RESOURCE, TAGS, ActivityQuery, Change
from app.resources import RESOURCES
from app.resources.forms import link
from app.web import newest_first, polls
from app.web.context import house, inventory, scope
from app.web.exports import csv_answer, csv_cell, csv_line, json_answer
from app.web.told import tell

SHOWN = 100  # changes a page
_BY = {"us": BY_US, "others": BY_OTHERS}
_DAYS = ("1", "7", "30")
_SEQ_DIGITS = 15


def activity_page() -> ResponseReturnValue:
    """A page of changes; polled by htmx, its body alone. Raises FilterError."""
    query, before = asked(), newest_first.before(_SEQ_DIGITS, "among the changes")
    known = inventory()
    # The second question may have to look at many changes, the first never has.
    around = polls.digest(_newest(ActivityQuery(), None))
    if same := polls.same_around(around):
        return same
    shown = polls.digest(_newest(query, before))
    if same := polls.same_shown(around, shown):
        return same
    changes = known.activity(query, SHOWN + 1, before)
    given = newest_first.given()
    return polls.answer(
        "activity",
        polls.tag(around, shown),
        told=tell(changes[:SHOWN]),
        given=given,
        narrowed=bool(given),
        first=before is None,
        newest=link("/activity", **given),
        older=link("/activity", **given, before=str(changes[SHOWN - 1].seq))
        if len(changes) > SHOWN
        else "",
        export=(link("/activity.csv", **given), link("/activity.json", **given)),
        choices=_choices(),
        keep_days=f"{house().settings.keep_days:g}",
    )


def _newest(query: ActivityQuery, before: int | None) -> int:
    return next((change.seq for change in inventory().activity(query, 1, before)), 0)


def asked() -> ActivityQuery:
    """The query that the address asks for. Raises FilterError for values that make no sense."""
    for key in request.args:
        if key not in ("kind", "account", "region", "field", "q", "by", "action", "days", "before"):
            raise FilterError(key, f"There is nothing to narrow by {key[:40]!r} here.")
    given = newest_first.given()
    kind, by, days = given.get("kind", ""), given.get("by", ""), given.get("days", "")
    if kind and kind not in RESOURCES:
        raise FilterError("kind", f"There is no kind {kind[:40]!r}; there are {_or(RESOURCES)}.")
    if by and by not in _BY:
        raise FilterError("by", f"{by[:40]!r} is none of {_or(_BY)}.")
    if days and not (days.isascii() and days.isdigit() and 0 < int(days[:5]) < 10_000):
        raise FilterError("days", f"{days[:40]!r} is not a number of days.")
    return ActivityQuery(
        kind=kind,
        account=given.get("account", ""),
        region=given.get("region", ""),
        field=given.get("field", ""),
        text=given.get("q", ""),
        action=given.get("action", "") or _BY.get(by, ""),
        days=int(days or 0),
    )


def _or(names: Any) -> str:
    return ", ".join(names)


def _choices() -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """What can be narrowed by: the key of the address, its title, and (value, label) of each."""
    where = scope()
    fields = {RESOURCE: "Appeared or gone", TAGS: "Tags"}
    for resource in RESOURCES.values():
        fields |= {each.name: each.title for each in resource.columns if each.tracked}
    found = {
        "kind": ("Kind", [(kind, each.title) for kind, each in RESOURCES.items()]),
        "field": ("What", list(fields.items())),
        "by": ("By", [("us", "This console"), ("others", "Others")]),
        "region": ("Region", [(region, region) for region in where.regions]),
        "days": ("Since", [(days, _days(days)) for days in _DAYS]),
    }
    if where.several:
        accounts = [(account.id, account.name) for account in where.accounts if account.id]
        found["account"] = ("Account", accounts)
    return {key: (title, values) for key, (title, values) in found.items() if len(values) > 1}


def _days(days: str) -> str:
    return "1 day" if days == "1" else f"{days} days"


def as_json() -> ResponseReturnValue:
    """Every change that fits as a JSON array, streamed. Raises FilterError."""
    return json_answer(map(_record, _every(asked())))


def as_csv() -> ResponseReturnValue:
    """Every change that fits as CSV with a head line, streamed. Raises FilterError."""
    return csv_answer("activity", _csv_lines(_every(asked())))


def _every(query: ActivityQuery) -> Iterator[Change]:
    return newest_first.every(partial(inventory().activity, query))


def _record(change: Change) -> dict[str, Any]:
    told = asdict(change)
    del told["seq"]
    return {**told, "at": change.at.isoformat()}


def _csv_lines(changes: Iterator[Change]) -> Iterator[str]:
    names = [name for name in Change.__dataclass_fields__ if name != "seq"]
    yield csv_line(names)
    for change in changes:
        told = _record(change)
        yield csv_line([csv_cell(told[name]) for name in names])


def register(app: Flask) -> None:
    """The page and its exports."""
    app.add_url_rule("/activity", "activity", activity_page)
    app.add_url_rule("/activity.json", "activity_json", as_json)
    app.add_url_rule("/activity.csv", "activity_csv", as_csv)

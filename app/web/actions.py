"""What became of a form that was sent: told, and its rest carried out."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Flask, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.people import actions
from app.people.actions import ActionRecord, Result
from app.people.who import EVERYTHING
from app.resources import kind_of
from app.web import acting
from app.web.context import actor, house, inventory, person
from app.web.perform import PlanFailed, carry_out
from app.web.recent import ask_again, is_recent


@dataclass(frozen=True)
class Part:
    """The calls of a plan that are for one resource (``of``), with what became of each."""

    of: str
    kind: str
    name: str
    calls: list[tuple[dict[str, Any], Result | None]]

    @property
    def untouched(self) -> bool:
        """Whether none of it was done, so that a form for its resource does all of it."""
        return not any(result and result.state == "done" for _, result in self.calls)


def _record(action_id: str) -> ActionRecord:
    """A record that is there for whoever asks: of their own deed, or they may see everything."""
    record = actions.get(house().engine, action_id)
    if record is None or not (record.actor == actor() or EVERYTHING in person().limits("viewer")):
        abort(404)
    return record


def action_page(action_id: str) -> ResponseReturnValue:
    """What became of a form that was sent: for one that was sent twice."""
    record = _record(action_id)
    if record.state == "done":
        flash(str(record.outcome["message"]), "success")
        return redirect(str(record.outcome["url"]), 303)
    return record_page(action_id)


def record_page(action_id: str) -> ResponseReturnValue:
    """The record of an action: who asked for what, when, and what became of it."""
    record = _record(action_id)
    parts = _parts(record)
    return render_template(
        "action.html",
        record=record,
        parts=parts,
        can_rest=actions.rest(record) is not None and acting.why_not_form(record.path) is None,
        again=_again(record, parts),
    )


def _parts(record: ActionRecord) -> list[Part]:
    by_resource: dict[str, list[tuple[dict[str, Any], Result | None]]] = {}
    for call, result in zip(record.calls, record.results, strict=True):
        by_resource.setdefault(call.get("of", ""), []).append((call, result))
    found = []
    for of, calls in by_resource.items():
        kind = kind_of(of) if of else ""
        row = inventory().get(kind, of) if kind else None
        found.append(Part(of, kind, row.name if row else "", calls))
    return found


def _again(record: ActionRecord, parts: list[Part]) -> str:
    """The form for the resources of which nothing was done; empty if that is not all there is."""
    left = [part for part in parts if any(not r or r.state != "done" for _, r in part.calls)]
    if record.state != "failed" or not all(part.of and part.untouched for part in left):
        return ""
    return f"{record.path}?{urlencode([('id', part.of) for part in left])}"


def do_rest(action_id: str) -> ResponseReturnValue:
    """Carry out the calls of a failed plan that are left."""
    services = house()
    record = _record(action_id)
    plan = actions.rest(record) or abort(404)
    if record.actor != actor():
        acting.refuse(plan.title, f"only {record.actor}, who began this, can do the rest of it.")
    acting.permit_form(plan.title, record.path)
    acting.permit(plan)
    if any(call.danger for call in plan.calls) and not is_recent(person()):
        return ask_again(f"You asked for the rest of: {plan.title}.")
    token = str(uuid.uuid5(uuid.UUID(int=0), f"{record.id}/{record.done}"))
    if not actions.begin(services.engine, token, actor(), plan, record.path):
        return redirect(url_for("action", action_id=token))
    try:
        # it is part of what was confirmed when the form was sent
        carry_out(services, token, plan, record.path, confirmed=True)
    except PlanFailed:
        return redirect(url_for("action", action_id=token), 303)
    slug = record.path.split("/")[1]
    actions.end(services.engine, token, f"{plan.title}: the rest is done.", f"/{slug}")
    flash(f"{plan.title}: the rest is done.", "success")
    return redirect(f"/{slug}", 303)


def register(app: Flask) -> None:
    """The record's page, and the button on it."""
    app.add_url_rule("/actions/<action_id>", "action", action_page)
    app.add_url_rule("/actions/<action_id>/record", "action_record", record_page)
    app.add_url_rule("/actions/<action_id>/rest", "action_rest", do_rest, methods=["POST"])

"""What became of a form that was sent: told, and its rest carried out."""

from __future__ import annotations

import uuid

from flask import Flask, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.people import actions
from app.web import acting
from app.web.context import actor, house
from app.web.perform import PlanFailed, carry_out


def action_page(action_id: str) -> ResponseReturnValue:
    """What became of a form that was sent: for one that was sent twice."""
    record = actions.get(house().engine, action_id)
    if record is None:
        abort(404)
    if record.state == "done":
        flash(str(record.outcome["message"]), "success")
        return redirect(str(record.outcome["url"]), 303)
    return record_page(action_id)


def record_page(action_id: str) -> ResponseReturnValue:
    """The record of an action: who asked for what, when, and what became of it."""
    record = actions.get(house().engine, action_id)
    if record is None:
        abort(404)
    return render_template("action.html", record=record, can_rest=actions.rest(record) is not None)


def do_rest(action_id: str) -> ResponseReturnValue:
    """Carry out the calls of a failed plan that are left."""
    services = house()
    record = actions.get(services.engine, action_id)
    plan = actions.rest(record) if record else None
    if record is None or plan is None:
        abort(404)
    acting.permit(plan)
    token = str(uuid.uuid5(uuid.UUID(int=0), f"{record.id}/{record.done}"))
    if not actions.begin(services.engine, token, actor(), plan, record.path):
        return redirect(url_for("action", action_id=token))
    try:
        carry_out(services, token, plan)
    except PlanFailed as failure:
        raise failure.error from failure
    slug = record.path.split("/")[1]
    actions.end(services.engine, token, f"{plan.title}: the rest is done.", f"/{slug}")
    flash(f"{plan.title}: the rest is done.", "success")
    return redirect(f"/{slug}", 303)


def register(app: Flask) -> None:
    """The record's page, and the button on it."""
    app.add_url_rule("/actions/<action_id>", "action", action_page)
    app.add_url_rule("/actions/<action_id>/record", "action_record", record_page)
    app.add_url_rule("/actions/<action_id>/rest", "action_rest", do_rest, methods=["POST"])

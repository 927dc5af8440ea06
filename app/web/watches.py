"""The watches: who waits for what, and what became of it."""

from __future__ import annotations

from hashlib import sha256

from flask import Flask, abort, flash, redirect, request
from flask.typing import ResponseReturnValue

from app.inventory import FilterError
from app.watches import WatchError
from app.web import polls
from app.web.context import house
from app.web.errors import page as error_page
from app.web.lists import page_number

PER_PAGE = 50
STATES = (
    "open",
    "intended",
    "waiting",
    "completed",
    "failed",
    "vanished",
    "cancelled",
    "abandoned",
)


def list_page() -> ResponseReturnValue:
    """All watches, newest first; ``state`` narrows them. Raises FilterError."""
    book = house().watches
    state = request.args.get("state", "")
    if state and state not in STATES:
        raise FilterError(
            "state", f"There is no state {state[:40]!r}; there are {', '.join(STATES)}."
        )
    page = page_number(request.args.get("page", "1"))
    total = book.count(state or None)
    views = book.list(state or None, PER_PAGE, (page - 1) * PER_PAGE)
    revision = sha256(repr(views).encode()).hexdigest()[:16]
    polled = "HX-Request" in request.headers
    if same := polls.same(revision):
        return same
    return polls.answer(
        "watches/list_body.html" if polled else "watches/list.html",
        revision,
        watches=views,
        total=total,
        state=state,
        states=STATES,
        page=page,
        pages=max(1, -(-total // PER_PAGE)),
    )


def watch_page(watch_id: str) -> ResponseReturnValue:
    """One watch: what was polled, what was sent, and when."""
    view = house().watches.get(watch_id)
    if view is None:
        return error_page(
            404, "There is no such watch", watch_id[:100], links=(("/watches", "All watches"),)
        )
    revision = sha256(repr(view).encode()).hexdigest()[:16]
    polled = "HX-Request" in request.headers
    if same := polls.same(revision):
        return same
    template = "watches/watch_body.html" if polled else "watches/watch.html"
    topic = house().inventory.get("topic", view.topic_arn)
    return polls.answer(template, revision, watch=view, topic=topic)


def cancel(watch_id: str) -> ResponseReturnValue:
    """End a watch that waits; nothing will be published."""
    try:
        house().watches.cancel(watch_id)
        flash("The watch is cancelled; nothing will be published.", "success")
    except WatchError as error:
        flash(str(error), "error")
    return redirect(f"/watches/{watch_id}", 303)


def retry(watch_id: str, notice_id: str) -> ResponseReturnValue:
    """Try to publish a notice again now."""
    if house().watches.get(watch_id) is None:
        abort(404)
    try:
        house().watches.retry(notice_id)
        house().wake.set()
        flash("Trying again now.", "success")
    except WatchError as error:
        flash(str(error), "error")
    return redirect(f"/watches/{watch_id}", 303)


def register(app: Flask) -> None:
    """The pages of the watches."""
    app.add_url_rule("/watches", "watches", list_page)
    app.add_url_rule("/watches/<watch_id>", "watch", watch_page)
    app.add_url_rule("/watches/<watch_id>/cancel", "watch_cancel", cancel, methods=["POST"])
    app.add_url_rule(
        "/watches/<watch_id>/notices/<notice_id>/retry",
        "notice_retry",
        retry,
        methods=["POST"],
    )

"""The watches: who waits for what, and what became of it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from flask import Flask, abort, flash, redirect, request
from flask.typing import ResponseReturnValue

from app.inventory import FilterError
from app.resources import AWAITED, RESOURCES
from app.resources.forms import link
from app.watches import WatchError, WatchView
from app.web import expected, polls, recording
from app.web.context import bounds, house, inventory, recall, watches
from app.web.errors import page as error_page
from app.web.lists import page_number

PER_PAGE = 50
TOPICS = 50  # offered as a facet
_OUTCOMES = [outcome.name for awaited in AWAITED.values() for outcome in awaited.outcomes]
STATES = tuple(dict.fromkeys(("open", "intended", "waiting", *_OUTCOMES, "cancelled", "abandoned")))
FILTERS = {"kind": "kind", "topic": "topic_arn", "rule": "rule_id", "of": "of"}


def _filters() -> dict[str, str]:
    """What the address asks for, as ``Watches.list`` takes it. Raises FilterError."""
    given = {name: request.args.get(name, "") for name in ("state", *FILTERS)}
    for name, known in (("state", STATES), ("kind", tuple(AWAITED))):
        if given[name] and given[name] not in known:
            raise FilterError(
                name, f"There is no {name} {given[name][:40]!r}; there are {', '.join(known)}."
            )
    return given


def list_page() -> ResponseReturnValue:
    """Watches, newest first; ``state``, ``kind``, ``topic``, ``rule`` and ``of`` narrow them.

    Raises FilterError.
    """
    given = _filters()
    wanted = {field: given[name] for name, field in FILTERS.items() if given[name]}
    book = watches()
    total = book.count(given["state"], **wanted)
    pages = max(1, -(-total // PER_PAGE))
    page = min(page_number(request.args.get("page", "1")), pages)
    views = book.list(given["state"], PER_PAGE, (page - 1) * PER_PAGE, **wanted)
    topics = recall("watched topics", lambda: tuple(book.topics(TOPICS)))
    estimates = {view.id: expected.of_watch(view) for view in views}
    revision = polls.digest(total, topics, [_told(view) for view in views], estimates)
    if same := polls.same(revision):
        return same
    return polls.answer(
        "watches/list",
        revision,
        watches=views,
        estimates=estimates,
        words=expected.in_words,
        short=expected.in_short,
        total=total,
        given=given,
        offered={"state": STATES, "kind": tuple(AWAITED), "topic": topics},
        at=lambda **changes: link("/watches", **{**given, **changes}),
        page=page,
        pages=pages,
        waiting=book.count("waiting", **wanted) if given["rule"] else 0,
    )


def _told(view: WatchView) -> list[Any]:
    """What a list shows of a watch: not how often it was polled."""
    return [
        (view.id, view.state, view.progress, view.resource_id, view.source_name, view.passed),
        view.absent_since is None,
        [(notice.id, notice.state, notice.state_class) for notice in view.notices],
    ]


def watch_page(watch_id: str) -> ResponseReturnValue:
    """One watch: what was polled, what was sent, and when."""
    view = watches().get(watch_id)
    if view is None:
        return _unknown(watch_id)
    known = expected.of_watch(view)
    revision = sha256(f"{view!r}{known!r}".encode()).hexdigest()[:16]
    if same := polls.same(revision):
        return same
    return polls.answer(
        "watches/watch",
        revision,
        watch=view,
        expected=expected.in_words(known),
        topic=inventory().get("topic", view.topic_arn),
        resource=RESOURCES[view.awaited.resource],
        keep_days=f"{house().settings.keep_days:g}",
    )


def _unknown(watch_id: str) -> ResponseReturnValue:
    links = (("/watches", "All watches"),)
    return error_page(404, "There is no such watch", watch_id[:100], links=links)


def cancel(watch_id: str) -> ResponseReturnValue:
    """End a watch that waits: it will owe nothing more."""
    view = watches("operator").get(watch_id)
    if view is None:
        return _unknown(watch_id)
    owed = any(notice.is_unsent for notice in view.notices)
    try:
        with recording.deed("watches.cancel", f"Cancel the watch {watch_id[:100]}"):
            house().watches.cancel(watch_id)
        still = " What it owed before is still sent, unless that is given up." if owed else ""
        flash(f"The watch is cancelled: nothing more is told of it.{still}", "success")
    except WatchError as error:
        flash(str(error), "error")
    return redirect(f"/watches/{watch_id}", 303)


def cancel_of_rule() -> ResponseReturnValue:
    """End all watches that a rule has made and that still wait."""
    rule_id = request.form.get("rule", "")
    if not rule_id:
        abort(400, "Which rule's watches?")
    if bounds("operator") is not None:
        abort(403, "A rule is for everything, and your role is not.")
    with recording.deed("watches.cancel", f"Cancel the watches of the rule {rule_id[:100]}"):
        ended = house().watches.cancel_of_rule(rule_id)
    flash(f"{ended:,} watch{'es are' if ended != 1 else ' is'} cancelled.", "success")
    return redirect(link("/watches", rule=rule_id), 303)


def retry(watch_id: str, notice_id: str) -> ResponseReturnValue:
    """Try to publish a notice again now."""
    seen = watches("operator")
    if seen.get(watch_id) is None or seen.notices.get(notice_id) is None:
        abort(404)
    try:
        with recording.deed("notices.retry", f"Try the notice {notice_id[:100]} again"):
            house().watches.retry(notice_id)
        house().wake.set()
        flash("Trying again now.", "success")
    except WatchError as error:
        flash(str(error), "error")
    return redirect(f"/watches/{watch_id}", 303)


def register(app: Flask) -> None:
    """The pages of the watches."""
    app.add_url_rule("/watches", "watches", list_page)
    app.add_url_rule("/watches/cancel", "watches_cancel", cancel_of_rule, methods=["POST"])
    app.add_url_rule("/watches/<watch_id>", "watch", watch_page)
    app.add_url_rule("/watches/<watch_id>/cancel", "watch_cancel", cancel, methods=["POST"])
    app.add_url_rule(
        "/watches/<watch_id>/notices/<notice_id>/retry",
        "notice_retry",
        retry,
        methods=["POST"],
    )

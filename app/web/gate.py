"""Who gets in, and where to: signing in, sessions that have ended, roles."""

from __future__ import annotations

from flask import Flask, request
from flask.typing import ResponseReturnValue

from app.web import entry, health, permits, roles, sign_in
from app.web.context import visitor
from app.web.kept import as_text, came_from, can_be_opened, kept_form

# No page of these depends on who it is, so the database is not asked.
_NOBODYS = {"static", "metrics", *health.PROBES}


def _meet() -> None:
    if request.endpoint not in _NOBODYS:
        entry.meet()


def _check_session() -> ResponseReturnValue | None:
    if permits.need_of(request.endpoint) == "open" or visitor():
        return None
    target = request.full_path.rstrip("?")
    if request.method != "POST":
        return sign_in.ask("" if target == "/" else "Sign in to see this page.", target)
    if not can_be_opened():
        reason = "Your session has ended, so nothing was done: sign in, and press the button again."
        return sign_in.ask(reason, came_from())
    reason = (
        "Your session has ended. Nothing was done, and nothing you filled in is lost: sign in, "
        "and the form comes back as it was."
    )
    return sign_in.ask(reason, target, as_text(kept_form()))


def register(app: Flask) -> None:
    """Put the gate before every request."""
    app.before_request(_meet)
    app.before_request(_check_session)
    app.before_request(roles.check)

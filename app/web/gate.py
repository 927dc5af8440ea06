"""Who gets in, and where to: signing in, sessions that have ended, roles."""

from __future__ import annotations

from flask import Flask, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.people import login_tokens
from app.people.who import OWNER
from app.web import entry, health, permits
from app.web.context import house, visitor
from app.web.errors import page
from app.web.kept import as_text, came_from, can_be_opened, kept_form, local

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
        return _ask("" if target == "/" else "Sign in to see this page.", target)
    if not can_be_opened():
        reason = "Your session has ended, so nothing was done: sign in, and press the button again."
        return _ask(reason, came_from())
    reason = (
        "Your session has ended. Nothing was done, and nothing you filled in is lost: sign in, "
        "and the form comes back as it was."
    )
    return _ask(reason, target, as_text(kept_form()))


def _check_role() -> ResponseReturnValue | None:
    if request.endpoint is None or permits.allowed(request.endpoint, visitor()):
        return None  # what is no page is told to be none
    need = permits.need_of(request.endpoint) or "nobody"
    return page(403, "This is not yours to do", f"It needs the role {need}.", "Ask an admin.")


def login() -> ResponseReturnValue:
    """The start link, or the form that the token is pasted into."""
    token = _token_in(request.values.get("token", ""))
    resume = request.form.get("resume", "")
    target = local(request.form.get("next", "/"))
    if not token or house().settings.https:
        return _ask("", target, resume)
    if not login_tokens.redeem(house().engine, token):
        if visitor():
            return redirect(target)  # the link was opened twice
        reason = "This link has been used, or is not one of this console's. For a fresh one: "
        return _ask(f"{reason}make link", target, resume)
    return entry.welcome(OWNER, "link", target, resume)


def _ask(reason: str, target: str, resume: str = "") -> ResponseReturnValue:
    kept = [("next", target), ("resume", resume)]
    return render_template("login.html", reason=reason, error=None, resume=kept), 401


def _token_in(text: str) -> str:
    # the whole link may be pasted
    return text.strip().partition("token=")[2] or text.strip()


def logout() -> ResponseReturnValue:
    """End the session."""
    entry.leave()
    response = make_response(_ask("You are signed out.", "/", ""))
    entry.drop_cookie(response, "session")
    if house().settings.https:  # what this browser has kept of pages
        response.headers["Clear-Site-Data"] = '"cache"'
    return response


def register(app: Flask) -> None:
    """Put the gate before every request."""
    app.before_request(_meet)
    app.after_request(entry.note_seen)
    app.before_request(_check_session)
    app.before_request(_check_role)
    app.add_url_rule("/login", "login", login, methods=["GET", "POST"])
    app.add_url_rule("/logout", "logout", logout, methods=["POST"])

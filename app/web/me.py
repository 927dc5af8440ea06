"""What somebody sees of themselves: their roles, their sessions, and another password."""

from __future__ import annotations

import re

from flask import Flask, flash, make_response, redirect, render_template
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app.db import now
from app.people import audit, grants, sessions, users
from app.people.audit import Entry
from app.people.passwords import Busy, PasswordError
from app.web import entry, guessing, sign_in
from app.web.context import by, house, person
from app.web.guessing import Looked

_PROGRAMS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrom", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_METHODS = {"link": "the start link", "password": "a password", "oidc": "the OpenID provider"}


def browser_in_words(agent: str) -> str:
    """What a browser says it is, in a word or three."""
    program = next((name for sign, name in _PROGRAMS if sign in agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in agent), "")
    if program and system:
        return f"{program} on {system}"
    first = re.split(r"[\s/]", agent.strip(), maxsplit=1)[0][:40]
    return program or system or first or "A program that does not say what it is"


def me() -> ResponseReturnValue:
    """Somebody's own page."""
    return _page()


def _page(looked: Looked | None = None, error: str = "", field: str = "") -> ResponseReturnValue:
    who, services = person(), house()
    user = users.get(services.engine, who.id)
    drawn = render_template(
        "me.html",
        who=who,
        roles=[grants.words_of(grant) for grant in who.grants],
        sessions=sessions.of(services.engine, who.user_id, entry.ends(), now()),
        methods=_METHODS,
        in_words=browser_in_words,
        has_password=user is not None and user.password,
        error=error,
        field=field,
    )
    response = make_response(drawn, 422 if error else 200)
    return looked.answer(response) if looked else response


def change_password() -> ResponseReturnValue:
    """Another password for whoever is signed in, who gives the present one; other sessions end."""
    who = person()
    try:
        looked = sign_in.look_at_own(who)
        if looked.user is None:
            return _page(looked, looked.error, "old")
        chosen = sign_in.chosen_password()
        users.set_password(house().engine, by(), who.id, chosen, but=who.session)
    except PasswordError as error:
        return _page(error=str(error), field="new")
    except Busy:
        return _page(Looked(None, status=503, retry_after=3), guessing.BUSY, "new")
    response = make_response(entry.again("/me", ""))
    flash("Your password is changed; you are signed out everywhere else.", "success")
    return response


def end_session(handle: str) -> ResponseReturnValue:
    """End one of one's sessions; this one is signed out of."""
    if handle == person().session:
        return sign_in.logout()
    return _ended("End a session of one's own", handle=handle)


def end_others() -> ResponseReturnValue:
    """End all of one's sessions but this one."""
    return _ended("End all other sessions of one's own", but=person().session)


def _ended(title: str, handle: str | None = None, but: str | None = None) -> ResponseReturnValue:
    with house().engine.begin() as connection:
        ended = sessions.end(connection, person().user_id, now(), handle, but)
        if ended:
            told = {"sessions": ended}
            audit.add(connection, by(), Entry("sessions.end", title, parameters=told))
    if handle and not ended:
        raise NotFound("You have no such session, or it has ended.")
    count = "The session has" if len(ended) == 1 else f"{len(ended)} sessions have"
    flash(f"{count} ended." if ended else "There is no other session.", "success")
    return redirect("/me", 303)


def register(app: Flask) -> None:
    """The page, and what its buttons do."""
    app.add_url_rule("/me", "me", me)
    app.add_url_rule("/me/password", "me_password", change_password, methods=["POST"])
    app.add_url_rule("/me/sessions/end", "me_sessions_end", end_others, methods=["POST"])
    app.add_url_rule("/me/sessions/<handle>/end", "me_session_end", end_session, methods=["POST"])

"""Getting in and out: whoever has proved who they are gets a session, and a cookie for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from flask import (
    Response,
    after_this_request,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
)
from flask.typing import ResponseReturnValue
from sqlalchemy import update

from app.db import DATABASE_FAULTS, now
from app.people import audit, sessions
from app.people.audit import By, Entry
from app.people.sessions import Ends
from app.people.tables import users
from app.people.who import OWNER, Method
from app.web import polls
from app.web.context import by, house, visitor
from app.web.kept import pairs_of

# How long a browser keeps the cookie; whether it is good for anything the database knows.
COOKIE_LASTS = timedelta(days=30)
log = structlog.get_logger()


def ends() -> Ends:
    """How long sessions last."""
    return Ends.of(house().settings)


def token() -> str:
    """The session's token that the browser sent; empty: none."""
    return request.cookies.get(house().settings.cookie("session"), "")


def meet() -> None:
    """Find out who it is, into ``g.person``; write down that they were here, once a minute."""
    sent = token()
    found = sessions.find(house().engine, sent, ends(), now()) if sent else None
    if found is None:
        return
    g.person = found.person
    often = min(sessions.SEEN_EVERY, ends().idle / 4)
    if not polls.is_poll() and now() - found.seen_at >= often:
        engine = house().engine
        afterwards(lambda: sessions.seen(engine, sent, now()))


def meet_again() -> bool:
    """Read anew who it is and what they may, amid a request. False: their session has ended."""
    found = sessions.find(house().engine, token(), ends(), now())
    if found is not None:
        g.person = found.person
    return found is not None


def afterwards(deed: Callable[[], None]) -> None:
    """Have something written once the answer to this request is gone, so that it does not wait.

    It is something that may be left out when the database is in trouble.
    """

    def later() -> None:
        try:
            deed()
        except DATABASE_FAULTS as error:
            log.warning("not written down", reason=str(error).partition("\n")[0])

    @after_this_request
    def _send(response: Response) -> Response:
        response.call_on_close(later)
        return response


def welcome(
    user_id: str,
    method: Method,
    target: str,
    resume: str = "",
    proved_at: datetime | None = None,
) -> ResponseReturnValue:
    """Let somebody in who has proved to be this user (or OWNER): a new session, new cookies.

    They are led to ``target``, or get back the form ``resume`` (from ``as_text``) that was sent
    there, unless it was another person's. ``proved_at``: when they proved it, if not now.
    """
    engine, sent, at = house().engine, token(), now()
    own = user_id != OWNER
    former = sessions.whose(engine, sent) if sent else None
    with engine.begin() as connection:
        name = OWNER
        if own:
            row = users.c.id == user_id
            connection.execute(update(users).where(row).values(signed_in_at=at))
            name = connection.execute(users.select().where(row)).one().name
        if former is not None:  # nobody needs the one that this browser had
            sessions.end_token(connection, sent, at)
        fresh, handle = sessions.start(
            connection,
            user_id if own else None,
            method,
            ends(),
            at,
            request.remote_addr or "",
            request.user_agent.string,
            proved_at,
        )
        who = By(name, user_id, method, request.remote_addr or "", handle)
        audit.add(connection, who, Entry("sign-in", "Signed in"))
    afterwards(lambda: sessions.sweep(engine, at))
    session.clear()
    session.permanent = True
    response = make_response(_onwards(target, resume if former in {None, user_id} else ""))
    put_cookie(response, "session", fresh)
    return response


def again(target: str, resume: str) -> ResponseReturnValue:
    """Whoever is signed in has proved again that it is they: another token, new cookies."""
    with house().engine.begin() as connection:
        fresh = sessions.renew(connection, token(), ends(), now())
        audit.add(connection, by(), Entry("sign-in", "Signed in again"))
    session.clear()
    session.permanent = True
    if fresh is None:  # it was ended in this very moment
        return redirect("/login")
    response = make_response(_onwards(target, resume))
    put_cookie(response, "session", fresh)
    return response


def leave() -> None:
    """End the session of whoever is signed in."""
    who = visitor()
    if who is None:
        return
    with house().engine.begin() as connection:
        sessions.end(connection, who.user_id, now(), who.session)
        audit.add(connection, by(), Entry("sign-out", "Signed out"))
    session.clear()
    g.person = None


def _onwards(target: str, resume: str) -> ResponseReturnValue:
    if not resume:
        return redirect(target)
    g.person = None  # of this request: the page is drawn plain, whoever it was
    return render_template(
        "resume.html",
        action=target,
        pairs=pairs_of(resume),
        reason="You are signed in again.",
        at_once=True,  # who signed in did so for it, and opening does nothing
    )


def put_cookie(response: Response, what: str, value: str, lasts: timedelta = COOKIE_LASTS) -> None:
    """Give the browser a cookie that no script reads."""
    response.set_cookie(house().settings.cookie(what), value, max_age=lasts, **cookie_attributes())


def drop_cookie(response: Response, what: str) -> None:
    """Have the browser forget a cookie."""
    response.delete_cookie(house().settings.cookie(what), **cookie_attributes())


def cookie_attributes() -> dict[str, Any]:
    """What every cookie of ours has: for this host, to no script, over https if there is any."""
    # Lax: a link from elsewhere, and the way back from an OpenID provider, find one signed in.
    return {"path": "/", "secure": house().settings.https, "httponly": True, "samesite": "Lax"}

"""What is dangerous needs that somebody has proved not long ago who they are."""

from __future__ import annotations

from datetime import timedelta

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.db import now
from app.people.who import Person
from app.web import recording
from app.web.context import house, person
from app.web.kept import as_text, came_from, can_be_opened, kept_form, pairs_of


def is_recent(who: Person) -> bool:
    """Whether their sign-in is recent enough (ENCANTE_RECENT_MINUTES) for what is dangerous.

    Whoever opened the start link is at their own machine, and is not asked.
    """
    settings = house().settings
    if who.method == "link":
        return True
    return now() - who.signed_in_at <= timedelta(minutes=settings.recent_minutes)


def ask_again(reason: str = "") -> ResponseReturnValue:
    """The page on which whoever is signed in proves again that it is they; nothing was done.

    Answers the request under way: afterwards its page is opened, or its form comes back as it was
    sent. Only the same person gets there from that page.
    """
    target = request.full_path.rstrip("?")
    resume = ""
    if request.method == "POST":
        recording.refused(f"POST {request.path}", "recent", reason)
    if request.method == "POST" and can_be_opened():
        resume = as_text(kept_form())
    elif request.method == "POST":
        target = came_from()
    return asking(reason, target, resume, came_from()), 403


def asking(reason: str, target: str, resume: str, cancel: str, error: str = "") -> str:
    """The page itself. ``target`` and ``resume``: where to, and which form, afterwards.

    ``cancel``: where to instead, if no form was sent; else it is opened again as it was.
    """
    return render_template(
        "again.html",
        who=person(),
        reason=reason,
        error=error,
        target=target,
        resume=resume,
        pairs=pairs_of(resume),
        cancel=cancel if cancel != target or resume else "/",
        minutes=f"{house().settings.recent_minutes:g}",
    )

"""Signing in by the start link or a password, accepting an invitation, signing out."""

from __future__ import annotations

from dataclasses import replace

from flask import Flask, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.people import invitations, login_tokens, users
from app.people.passwords import Busy, PasswordError
from app.people.users import User
from app.people.who import OWNER, Person
from app.web import entry, guessing, oidc, recording
from app.web.context import by, house, person, visitor
from app.web.errors import page
from app.web.guessing import Looked
from app.web.kept import local
from app.web.recent import asking


def ask(
    reason: str, target: str, resume: str = "", error: str = "", name: str = "", leave: str = ""
) -> Response:
    """The page to sign in on. ``target`` and ``resume``: where to, and which form, afterwards.

    ``leave``: where whoever has just signed out can sign out at the OpenID provider, too.
    """
    settings = house().settings
    drawn = render_template(
        "login.html",
        reason=reason,
        error=error,
        name=name,
        target=target,
        resume=resume,
        leave=leave,
        link=settings.loopback,
        passwords=users.any_password(house().engine),
        oidc=settings.oidc_name if settings.oidc_issuer else "",
    )
    return Response(drawn, 401, content_type="text/html; charset=utf-8")


def login() -> ResponseReturnValue:
    """The start link; or the form for a name and a password, or for the link's token."""
    token = _token_in(request.values.get("token", ""))
    resume = request.form.get("resume", "")
    target = local(request.form.get("next", "/"))
    if "password" in request.form:
        return _by_password(target, resume)
    if not token or house().settings.https:
        return ask("", target, resume)
    if not login_tokens.redeem(house().engine, token):
        if visitor():
            return redirect(target)  # the link was opened twice
        recording.refused("Sign in by a link", "link", event="sign-in.failed")
        reason = "This link has been used, or is not one of this console's. For a fresh one: "
        return ask(f"{reason}make link", target, resume)
    return entry.welcome(OWNER, "link", target, resume)


def _by_password(target: str, resume: str) -> ResponseReturnValue:
    name = request.form.get("name", "").strip()
    looked = guessing.look(name, request.form["password"])
    if looked.user is None:
        return looked.answer(ask("", target, resume, looked.error, name))
    response = make_response(entry.welcome(looked.user.id, "password", target, resume))
    guessing.know_browser(response, looked.user.name)
    return response


def _token_in(text: str) -> str:
    # the whole link may be pasted
    return text.strip().partition("token=")[2] or text.strip()


def again() -> ResponseReturnValue:
    """Whoever is signed in gives their password once more."""
    who = person()
    target = local(request.form.get("next", "/"))
    resume = request.form.get("resume", "")
    looked = look_at_own(who)
    if looked.user is None:
        cancel = local(request.form.get("cancel", "/"))
        return looked.answer(make_response(asking("", target, resume, cancel, looked.error)))
    return entry.again(target, resume)


def look_at_own(who: Person) -> Looked:
    """Whether ``password`` is that of whoever is signed in, who is counted by themselves."""
    looked = guessing.look(who.name, request.form.get("password", ""), browser=who.session)
    error = "The password is wrong." if looked.error == guessing.WRONG else looked.error
    return replace(looked, error=error)


def invitation() -> ResponseReturnValue:
    """The link of an invitation: a form for a password, which signs in."""
    token = request.values.get("token", "")
    user = invitations.of(house().engine, token)
    if user is None:
        return _no_invitation()
    if request.method != "POST":
        return _choose(user, token, 200)
    try:
        accepted = invitations.accept(house().engine, by(), token, chosen_password())
    except PasswordError as error:
        return _choose(user, token, 422, str(error))
    except Busy:
        return _choose(user, token, 503, guessing.BUSY)
    if accepted is None:
        return _no_invitation()
    response = make_response(entry.welcome(accepted.id, "password", "/"))
    guessing.know_browser(response, accepted.name)
    return response


def _choose(user: User, token: str, status: int, error: str = "") -> Response:
    drawn = render_template("invitation.html", user=user, token=token, error=error)
    response = make_response(drawn, status)
    response.headers["Cache-Control"] = "no-store"  # the token is in it
    return response


def chosen_password() -> str:
    """The password that was chosen in a form (``new``, and once more in ``repeated``).

    Raises PasswordError if the two are not the same.
    """
    chosen = request.form.get("new", "")
    if chosen != request.form.get("repeated", ""):
        raise PasswordError("The two are not the same.")
    return chosen


def _no_invitation() -> ResponseReturnValue:
    recording.refused("Accept an invitation", "invitation", event="sign-in.failed")
    return page(
        410,
        "This link is not good any more",
        "It was used, a newer one was made, or it is older than seven days.",
        "Ask whoever sent it for a fresh one.",
    )


def logout() -> ResponseReturnValue:
    """End the session."""
    who = visitor()
    there = oidc.leave_address() if who is not None and who.method == "oidc" else ""
    entry.leave()
    response = ask("You are signed out.", "/", leave=there)
    entry.drop_cookie(response, "session")
    response.headers["Clear-Site-Data"] = '"cache"'  # what Back would show, too
    return response


def register(app: Flask) -> None:
    """The pages of getting in and out."""
    app.add_url_rule("/login", "login", login, methods=["GET", "POST"])
    app.add_url_rule("/invitation", "invitation", invitation, methods=["GET", "POST"])
    app.add_url_rule("/again", "again", again, methods=["POST"])
    app.add_url_rule("/logout", "logout", logout, methods=["POST"])

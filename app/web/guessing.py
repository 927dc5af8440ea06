"""Looking at a password that somebody sent: slowed, and telling nobody who there is."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Response, copy_current_request_context, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.db import now
from app.people import guesses, passwords, users
from app.people.tokens import digest
from app.people.users import User
from app.web import entry, recording
from app.web.context import house

WRONG = "The name or the password is wrong."
BUSY = "Many are signing in just now. Try again in a few seconds."
_BROWSER_LASTS = timedelta(days=180)
_MOST_NAMES = 5
_SWEEP_EVERY = timedelta(minutes=10)
_SWEPT = "encante_guesses_swept"


@dataclass(frozen=True)
class Looked:
    """What became of it: the user whose password it is; else the words, the status, and in how many
    seconds one may try again (0: at once).
    """

    user: User | None
    error: str = ""
    status: int = 401
    retry_after: int = 0

    def answer(self, response: Response) -> Response:
        """The page that tells it, with the headers for it."""
        response.status_code = self.status
        if self.retry_after:
            response.headers["Retry-After"] = str(self.retry_after)
        return response


def look(name: str, password: str, browser: str = "") -> Looked:
    """Whether that is the password of the user of that name.

    ``browser``: what is counted by itself, if not the browser's own cookie is.
    """
    engine, key, at = house().engine, users.key_of(name), now()
    counts = guesses.counts(
        str(current_app.secret_key), key, request.remote_addr or "", browser or _known(key)
    )
    _sweep(at)
    seconds = guesses.begin(engine, counts, at)
    if seconds:
        _tell_later("Sign in", "slowed")
        return Looked(None, _slowed(seconds), 429, seconds)
    try:
        user, right = users.look(engine, name, password)
    except passwords.Busy:
        guesses.undo(engine, counts, now())
        return Looked(None, BUSY, 503, 3)
    if user is None or not right:
        code = ("disabled" if user.disabled_at else "password") if user else "nobody"
        _tell_later(f"Sign in as {user.name}" if user else "Sign in", code)
        return Looked(None, WRONG)
    guesses.succeeded(engine, counts, now())
    return Looked(user)


def know_browser(response: Response, name: str) -> None:
    """Let the browser be known as one in which that user has signed in."""
    told = _browser()
    names = [each for each in told["names"] if each != _short(name)]
    value = {"id": told["id"], "names": [_short(name), *names][:_MOST_NAMES]}
    entry.put_cookie(response, "browser", str(_signer().dumps(value)), _BROWSER_LASTS)


def _known(name_key: str) -> str:
    """The id of the browser if it is known to be this user's; else empty."""
    told = _browser()
    return str(told["id"]) if _short(name_key) in told["names"] else ""


def _browser() -> dict[str, Any]:
    sent = request.cookies.get(house().settings.cookie("browser"), "")
    try:
        told = _signer().loads(sent, max_age=int(_BROWSER_LASTS.total_seconds()))
    except BadSignature:
        told = {"id": secrets.token_hex(16), "names": []}
    return dict(told)


def _signer() -> URLSafeTimedSerializer:
    keys = [*house().settings.former_keys, str(current_app.secret_key)]
    return URLSafeTimedSerializer(keys, salt="browser")


def _short(name: str) -> str:
    return digest(users.key_of(name))[:16]


def _slowed(seconds: int) -> str:
    one = "1 second" if seconds == 1 else f"{seconds} seconds"
    wait = one if seconds < 100 else f"{-(-seconds // 60)} minutes"
    return f"That was tried too often. Try again in {wait}."


def _tell_later(title: str, code: str) -> None:
    """Record it when the answer is gone, so that the answer takes as long whoever it is about."""

    @copy_current_request_context
    def tell() -> None:
        recording.refused(title, code, event="sign-in.failed")

    entry.afterwards(tell)


def _sweep(at: datetime) -> None:
    swept = current_app.extensions.get(_SWEPT)
    if swept is None or abs(at - swept) >= _SWEEP_EVERY:
        current_app.extensions[_SWEPT] = at
        engine = house().engine
        entry.afterwards(lambda: guesses.sweep(engine, at))


def register(app: Flask) -> None:
    """Nothing was swept yet."""
    app.extensions[_SWEPT] = None

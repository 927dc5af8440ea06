"""The Flask application, put together."""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask_compress import Compress
from flask_wtf import CSRFProtect
from htmx_flask import Htmx
from jinja2 import StrictUndefined

from app.aws import turns
from app.house import House
from app.people.commands import user
from app.settings import Settings
from app.web import (
    actions,
    activity,
    audit,
    context,
    details,
    draw,
    errors,
    events,
    exports,
    forms,
    front,
    gate,
    gone,
    guessing,
    headers,
    health,
    lists,
    me,
    messages,
    notices,
    oidc,
    people,
    picks,
    places,
    preferences,
    public_images,
    rates,
    recording,
    roles,
    rules,
    search,
    sign_in,
    suggest,
    troubles,
    views,
    watches,
    wire,
    wording,
)
from app.web.timing import Timed

ROOT = Path(__file__).resolve().parent.parent.parent
MAX_FORM_BYTES = 1024 * 1024


def make_flask(house: House) -> Flask:
    """The Flask application of a console."""
    app = Flask("app", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.extensions["encante"] = house
    settings = house.settings
    key = settings.secret_key or kept_secret(settings)
    app.config.update(
        SECRET_KEY=key,
        SECRET_KEY_FALLBACKS=list(settings.former_keys),
        # of forms that were opened before the key was changed; the last one signs
        WTF_CSRF_SECRET_KEY=[*settings.former_keys, key],
        WTF_CSRF_SSL_STRICT=False,  # wire.py looks at Origin and Referer, more strictly
        SESSION_COOKIE_NAME=settings.cookie(),
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.session_hours),
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365),  # the address carries the file's version
        COMPRESS_MIN_SIZE=1000,
        COMPRESS_MIMETYPES=[
            "text/html",
            "text/css",
            "text/csv",
            "text/javascript",
            "application/json",
            "image/svg+xml",
        ],
    )
    # before anything asks for the environment, which is made then
    app.jinja_options = {**app.jinja_options, "undefined": StrictUndefined}
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    recording.register(app)
    wire.register(app)  # first: nothing is answered to whom it does not concern
    rates.register(app)
    gate.register(app)
    CSRFProtect(app)
    Compress(app)
    Htmx(app)
    for module in (
        actions,
        guessing,
        sign_in,
        me,
        headers,
        health,
        context,
        roles,
        oidc,
        people,
        draw,
        errors,
        front,
        public_images,
        search,
        suggest,
        picks,
        places,
        troubles,
        messages,
        notices,
        wording,
        watches,
        events,
        rules,
        forms,
        exports,
        preferences,
        views,
        lists,
        activity,
        audit,
        gone,
        details,
    ):
        module.register(app)
    app.cli.add_command(user)
    app.wsgi_app = turns.around(Timed(wire.Forwarded(app.wsgi_app, settings)))  # type: ignore[method-assign]
    return app


def kept_secret(settings: Settings) -> str:
    """The key that signs session cookies: made at the first start, kept beside the database."""
    path = settings.data / "secret_key"
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_hex(32)
        file.write(key)
    return key

"""The pages for what goes wrong. One handler renders every AwsError."""

from __future__ import annotations

import structlog
from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

from app.aws.errors import AwsError
from app.db import DATABASE_FAULTS
from app.inventory import FilterError
from app.web import recording
from app.web.acting import NotPermitted
from app.web.kept import came_from, can_be_opened, kept_form

log = structlog.get_logger()

_NOT_YOURS = "This is not yours to do"
_TITLES = {
    "refused": "AWS does not permit this",
    "credentials": "AWS does not know who we are",
    "throttled": "AWS asks to slow down",
    "unreachable": "AWS cannot be reached",
    "uncertain": "AWS did not answer",
    "missing": "It does not exist",
    "conflict": "Not possible now",
    "invalid": "AWS does not accept this",
    "limit": "A limit is reached",
    "unsupported": "Not offered here",
    "other": "AWS answered with an error",
}
_HTTP = {
    400: ("This request cannot be read", "Go back, and try again."),
    403: (_NOT_YOURS, "An admin of this console can give you a wider role."),
    404: ("There is no such page", "Look in the navigation, or search by id above."),
    405: ("Not in this way", "Open the page, and use its buttons."),
    413: ("This is too much at once", "A form can be 1 MiB at most."),
}


def page(
    status: int,
    title: str,
    text: str,
    advice: str = "",
    code: str = "",
    request_id: str = "",
    links: tuple[tuple[str, str], ...] = (),
) -> ResponseReturnValue:
    """An error's page, or for a part of a page that htmx asks for, its text alone."""
    values = {
        "status": status,
        "title": title,
        "text": text,
        "advice": advice,
        "code": code,
        "request_id": request_id,
        "links": links,
    }
    template = "error_part.html" if request.headers.get("HX-Request") else "error.html"
    return render_template(template, **values), status


def _aws(error: AwsError) -> ResponseReturnValue:
    log.warning("aws error", code=error.code, operation=error.operation, region=error.region)
    return page(
        error.status,
        _NOT_YOURS if error.code == NotPermitted.code else _TITLES[error.trouble],
        error.message,
        error.advice,
        error.shown_code,
        error.request_id,
        ((request.full_path.rstrip("?"), "Try again"), ("/", "To the front page"))
        if request.method == "GET"
        else (),
    )


def _not_permitted(error: NotPermitted) -> ResponseReturnValue:
    return page(error.status, _NOT_YOURS, error.message, error.advice)


def _filter(error: FilterError) -> ResponseReturnValue:
    return page(400, "This address cannot be read", str(error), f"Look at {error.field!r} in it.")


def _csrf(error: CSRFError) -> ResponseReturnValue:
    recording.refused(f"{request.method} {request.path}", "csrf", error.description)
    if not can_be_opened():
        text = "The page was opened before you signed in anew."
        back = ((came_from(), "Back to the page"),)
        return page(400, "Nothing was done", text, "Press the button there again.", links=back)
    # the session that the form belonged to is gone; the form itself need not be
    return render_template(
        "resume.html",
        action=request.full_path.rstrip("?"),
        pairs=kept_form(),
        reason="The form was opened before you signed in anew, so nothing was done.",
        at_once=False,
    ), 400


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    title, advice = _HTTP.get(status, ("This request cannot be answered", ""))
    told = error.description if error.description != type(error).description else None
    return page(status, title, told or "", advice)


def _unexpected(error: InternalServerError) -> ResponseReturnValue:
    original = getattr(error, "original_exception", None)
    log.error("unexpected error", path=request.path, exc_info=original or error)
    text = "This is a fault of Encante, not of yours; the log tells more."
    return page(500, "Something went wrong here", text)


def _without_database(error: Exception) -> ResponseReturnValue:
    reason = str(error).partition("\n")[0]
    log.warning("the database is in trouble", path=request.path, reason=reason)
    text = "What is watched and what is owed is kept in it: it goes on as soon as it answers."
    title, again = "The database does not answer", (request.full_path.rstrip("?"), "Try again")
    if request.method == "GET":
        return page(503, title, text, "Try again in a moment.", links=(again,))
    return page(503, title, text, "Look whether it was done before you do it again.")


def register(app: Flask) -> None:
    """Answer every failure with a page that says what to do."""
    app.register_error_handler(AwsError, _aws)
    app.register_error_handler(NotPermitted, _not_permitted)
    app.register_error_handler(FilterError, _filter)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    for fault in DATABASE_FAULTS:
        app.register_error_handler(fault, _without_database)
    app.register_error_handler(InternalServerError, _unexpected)

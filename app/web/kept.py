"""A form that could not be taken now, kept in the page so that it can be sent again."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from flask import request

# nor what is typed to prove who one is: no page holds a password
_NOT_KEPT = {"csrf_token", "token", "_do", "password", "new", "repeated"}
Pairs = list[tuple[str, str]]


def kept_form() -> Pairs:
    """The fields of the form that was sent, to be sent again; no tokens among them."""
    return [
        (name, value)
        for name, values in request.form.lists()
        for value in values
        if name not in _NOT_KEPT
    ]


def can_be_opened() -> bool:
    """Whether what was sent is a form that can be shown again.

    A button alone cannot: to open it again would be to press it.
    """
    rule = request.url_rule
    return rule is None or "GET" in (rule.methods or ())


def came_from() -> str:
    """The address of this console from which it was sent; the front page if that is not known."""
    return local(urlsplit(request.referrer or "")._replace(scheme="", netloc="").geturl())


def local(target: str) -> str:
    """The address if it is one of this console's pages, else the front page.

    Browsers leave out tabs and line ends, and take a backslash for a slash.
    """
    plain = target.isprintable() and "\\" not in target
    ours = plain and target.startswith("/") and not target.startswith("//")
    return target if ours and not urlsplit(target).netloc else "/"


def as_text(pairs: Pairs) -> str:
    """Fields as the text of one hidden field."""
    return json.dumps(pairs)


def pairs_of(text: str) -> Pairs:
    """What ``as_text`` wrote; empty for anything else."""
    try:
        pairs = [(str(name), str(value)) for name, value in json.loads(text)]
        "".join(name + value for name, value in pairs).encode()  # else no page could show them
    except (ValueError, TypeError, RecursionError):
        return []
    return pairs

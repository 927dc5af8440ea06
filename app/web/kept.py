"""A form that could not be taken now, kept in the page so that it can be sent again."""

from __future__ import annotations

import json

from flask import request

_NOT_KEPT = {"csrf_token", "token", "_do"}
Pairs = list[tuple[str, str]]


def kept_form() -> Pairs:
    """The fields of the form that was sent, to be sent again; no tokens among them."""
    return [
        (name, value)
        for name, values in request.form.lists()
        for value in values
        if name not in _NOT_KEPT
    ]


def as_text(pairs: Pairs) -> str:
    """Fields as the text of one hidden field."""
    return json.dumps(pairs)


def pairs_of(text: str) -> Pairs:
    """What ``as_text`` wrote; empty for anything else."""
    try:
        return [(str(name), str(value)) for name, value in json.loads(text)]
    except (ValueError, TypeError):
        return []

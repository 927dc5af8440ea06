"""Polls answered in two steps: by what costs nothing to know, and by what the page would show.

A page's tag (``HX-PTag``) has two parts. ``around`` changes whenever anything was written that the
page could depend on; as long as it is the same, nothing else is looked at. ``shown`` changes only
with what the page shows.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from flask import Response, render_template, request


def digest(*told: Any) -> str:
    """A short text that changes with what is ``told``."""
    return sha256(json.dumps(told, default=str).encode()).hexdigest()[:16]


def tag(around: str, shown: str) -> str:
    """The page's tag."""
    return f"{around}.{shown}"


def answer(page: str, page_tag: str, /, **values: Any) -> Response:
    """A rendered page with its tag, by which the next poll asks.

    ``page`` is the name of its template without the ending; a poll gets its ``…_body``.
    """
    template = f"{page}_body.html" if "HX-Request" in request.headers else f"{page}.html"
    response = Response(render_template(template, revision=page_tag, **values))
    response.headers["HX-PTag"] = page_tag
    return response


def same(page_tag: str) -> Response | None:
    """A 304 if this is a poll of a page that has this tag; nothing is rendered for it."""
    return _same(page_tag) if _has() == page_tag else None


def same_around(around: str) -> Response | None:
    """A 304 if this is a poll and nothing was written since the one before."""
    has = _has()
    return _same(has) if has.partition(".")[0] == around else None


def same_shown(around: str, shown: str) -> Response | None:
    """A 304, with the page's present tag, if this is a poll and the page would be as it was."""
    return _same(tag(around, shown)) if _has().partition(".")[2] == shown else None


def is_poll() -> bool:
    """Whether a page of ours asks by itself whether anything has changed, and nobody by hand."""
    return "HX-Request" in request.headers and "HX-PTag" in request.headers


def _has() -> str:
    return request.headers["HX-PTag"] if is_poll() else ""


def _same(page_tag: str) -> Response:
    return Response(status=304, headers={"HX-PTag": page_tag})

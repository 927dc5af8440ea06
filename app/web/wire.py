"""What comes over the wire before anybody is asked who they are: proxies, names, origins, sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, redirect, request
from flask.typing import ResponseReturnValue

from app.settings import Settings
from app.settings.wire import is_among, networks, sender
from app.web import health, recording
from app.web.context import house
from app.web.errors import page

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# More than the longest form has: one that acts on every row of a long page.
MOST_FIELDS = 20_000
_HOST = re.compile(r"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_PLAIN = "encante.plain"


class Forwarded:
    """A WSGI application that believes ``X-Forwarded-…`` of the settings' proxies, and theirs only.

    Where a request came from is then the last address before our own proxies.
    """

    def __init__(self, application: WSGIApplication, settings: Settings) -> None:
        self._application = application
        self._https = settings.https
        self._trusted = networks(settings.trusted_proxies)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        peer = environ.get("REMOTE_ADDR", "")
        if is_among(peer, self._trusted):
            told = environ.get("HTTP_X_FORWARDED_FOR", "")
            environ["REMOTE_ADDR"] = sender(peer, told, self._trusted)
            if host := _last(environ, "HTTP_X_FORWARDED_HOST"):
                environ["HTTP_HOST"] = host
            scheme = _last(environ, "HTTP_X_FORWARDED_PROTO").lower()
            environ[_PLAIN] = scheme not in {"", "https"}
        environ["wsgi.url_scheme"] = "https" if self._https else "http"
        return self._application(environ, start)


def _last(environ: WSGIEnvironment, name: str) -> str:
    """What the nearest proxy says, where each adds to what it was told."""
    return str(environ.get(name, "")).rpartition(",")[2].strip()


def _check_host() -> ResponseReturnValue | None:
    if request.endpoint in health.PROBES or (request.endpoint == "metrics" and health.has_token()):
        return None  # by address, from whoever looks after this process; no page could do that
    # a page on the internet whose name is made to point at this machine must not get an answer
    settings = house().settings
    given = request.environ.get("HTTP_HOST", "").lower()
    known = _HOST.fullmatch(given)
    name = known["name"].strip("[]") if known else ""
    allowed = {host.strip("[]").lower() for host in settings.hosts}
    if name not in allowed or not _is_port_right(settings, name, given):
        recording.refused(_what(), "host", given[:100])
        where = settings.public_url or "127.0.0.1"
        return page(
            421,
            "This is not Encante's name",
            f"The request was addressed to {given[:100]!r}, which this console does not answer to.",
            f"Open it as {where}, or name further hosts in ENCANTE_ALLOWED_HOSTS.",
        )
    if request.environ.get(_PLAIN) and settings.https:
        return _to_https(settings)
    return None


def _what() -> str:
    return f"{request.method} {request.path}"


def _is_port_right(settings: Settings, name: str, given: str) -> bool:
    if not settings.https:
        return True
    public = urlsplit(settings.public_url)
    return name != public.hostname or given == public.netloc


def _to_https(settings: Settings) -> ResponseReturnValue:
    if request.method in {"GET", "HEAD"}:
        return redirect(settings.public_url + request.full_path.rstrip("?"), 308)
    text = (
        f"This was sent readable over the network, so nothing was done. Open {settings.public_url}."
    )
    return page(403, "Not without https", text)


def _check_origin() -> ResponseReturnValue | None:
    """Refuse what a page of somebody else's makes a browser send."""
    if request.endpoint in health.PROBES or _is_our_own():
        return None
    if request.method in SAFE:
        text = "A page of another site asked for this as a part of itself."
        recording.refused(_what(), "origin", request.headers.get("Sec-Fetch-Site", ""))
        return page(403, "Only as a page of its own", text, "Open the address by itself.")
    recording.refused(_what(), "origin", request.headers.get("Origin", "")[:100])
    return page(
        403,
        "Not from this console",
        "What was sent does not say that it comes from a page of this console, so nothing was "
        "done.",
        "Open the page here, and press its button. A program must send the header Origin: "
        f"{_origin()}",
    )


def _origin() -> str:
    return f"{request.scheme}://{request.environ.get('HTTP_HOST', '').lower()}"


def _is_our_own() -> bool:
    """Whether a request comes from a page of ours, or is somebody's wish to look at one."""
    site = request.headers.get("Sec-Fetch-Site", "")
    if request.method in SAFE:
        if site in {"", "same-origin", "none"}:
            return True
        how = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")
        return how == ("navigate", "document")  # a link that leads here, from wherever
    if site and site != "same-origin":
        return False
    origin = request.headers.get("Origin")
    if origin is None and request.referrer:
        parts = urlsplit(request.referrer)
        origin = f"{parts.scheme}://{parts.netloc}"
    return origin.lower() == _origin() if origin else site == "same-origin"


def _check_size() -> ResponseReturnValue | None:
    """Refuse forms of more fields than any has: reading them takes long."""
    fields = request.query_string.count(b"&")
    if request.mimetype == "application/x-www-form-urlencoded":
        fields += request.get_data(cache=True).count(b"&")
    if fields < MOST_FIELDS:
        return None
    return page(413, "This is too much at once", f"A form has {MOST_FIELDS:,} fields at most.")


def register(app: Flask) -> None:
    """Look at every request before anything else does."""
    app.before_request(_check_host)
    app.before_request(_check_origin)
    app.before_request(_check_size)

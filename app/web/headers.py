"""The headers of every answer."""

from __future__ import annotations

from flask import Flask, Response, request

from app.web.context import house

# htmx makes elements of text that the server sent, which browsers call a dangerous place to bring
# text to; theme.js has the only policy by which it may come there. Scripts cannot be made of text.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types default"
)
_NOT_USED = (
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "usb",
    "xr-spatial-tracking",
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Origin-Agent-Cluster": "?1",
}
# It is for documents, and too long to come with every picture.
PERMISSIONS = ", ".join(f"{feature}=()" for feature in _NOT_USED)
# a year, and names below ours, which are nobody else's
_HTTPS_ONLY = "max-age=31536000; includeSubDomains"


def _add(response: Response) -> Response:
    https = house().settings.https
    response.headers.update(HEADERS)
    if response.mimetype == "text/html":
        response.headers["Permissions-Policy"] = PERMISSIONS
    if https:
        response.headers["Strict-Transport-Security"] = _HTTPS_ONLY
    if request.endpoint != "static":
        # a team's browsers keep nothing; on a laptop one goes back to a page as it was left
        kept = "no-cache, private" if not https else "no-store"
        response.headers.setdefault("Cache-Control", kept)
        response.vary.add("Cookie")
        response.vary.add("HX-Request")
    return response


def register(app: Flask) -> None:
    """Put the headers on every answer, errors too."""
    app.after_request(_add)

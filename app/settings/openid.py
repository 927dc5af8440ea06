"""The settings of the OpenID provider: all or none, and addresses that cannot be listened to."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.settings.wire import is_loopback


def problem(issuer: str, client_id: str, client_secret: str, scopes: str) -> str:
    """What is wrong with the settings together, in words that name them; empty: nothing."""
    given = {
        "ENCANTE_OIDC_ISSUER": issuer,
        "ENCANTE_OIDC_CLIENT_ID": client_id,
        "ENCANTE_OIDC_CLIENT_SECRET": client_secret,
    }
    missing = [name for name, value in given.items() if not value]
    if len(missing) == len(given):
        return ""
    if missing:
        return (
            f"{missing[0]}: is not set, but others of OpenID Connect are; issuer, client id and "
            "client secret belong together"
        )
    if why := _issuer_problem(issuer):
        return f"ENCANTE_OIDC_ISSUER: {issuer!r} {why}"
    if "openid" not in scopes.split():
        return "ENCANTE_OIDC_SCOPES: openid must be among them"
    return ""


def _issuer_problem(issuer: str) -> str:
    if not is_safe(issuer, True):
        return "must begin with https:// (plain http is for a provider on this machine alone)"
    parts = urlsplit(issuer)
    if parts.query or parts.fragment:
        return "is no issuer: it has no ? and no #"
    return ""


def is_safe(address: str, loopback: bool) -> bool:
    """Whether secrets may be sent to an address: https, or plain http on this very machine.

    ``loopback``: whether that is possible at all.
    """
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or not address.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and loopback and is_loopback(host))

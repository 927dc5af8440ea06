"""Tokens that let somebody in: of a session, a link, a sign-in under way."""

from __future__ import annotations

import hashlib


def digest(token: str) -> str:
    """What is kept of a token. Whoever reads the database cannot use it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

"""The start link's one-time token: whoever opens the link is signed in."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import Engine, delete, insert, update

from app.db import now
from app.people.tables import login_tokens
from app.people.tokens import digest

LIFETIME = timedelta(days=7)


def create(engine: Engine) -> str:
    """Make a token of 256 random bits; only its digest is stored."""
    token = secrets.token_urlsafe(32)
    with engine.begin() as connection:
        connection.execute(delete(login_tokens).where(login_tokens.c.created_at < now() - LIFETIME))
        connection.execute(insert(login_tokens).values(digest=digest(token), created_at=now()))
    return token


def redeem(engine: Engine, token: str) -> bool:
    """Use a token up. False for one that is unknown, was used before, or is a week old."""
    with engine.begin() as connection:
        result = connection.execute(
            update(login_tokens)
            .where(
                login_tokens.c.digest == digest(token),
                login_tokens.c.used_at.is_(None),
                login_tokens.c.created_at >= now() - LIFETIME,
            )
            .values(used_at=now())
        )
    return result.rowcount == 1

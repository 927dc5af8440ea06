"""Sign-ins that are under way at the provider, and the forms that wait for their end.

Each is good for once and for ten minutes. A form may hold what must not be in the database, so it
is there encrypted, by a key that only the browser has.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from sqlalchemy import Engine, delete, insert, select, update

from app.people.tables import openid_attempts
from app.people.tokens import digest

LIFETIME = timedelta(minutes=10)
MOST_FORMS = 200  # that are kept at a time; the ones nearest to their end give way
LARGEST_FORM = 512 * 1024  # characters
_HEADER = {"alg": "dir", "enc": "A256GCM"}


def begin(engine: Engine, state: str, key: str, form: str, at: datetime) -> bool:
    """Commit that a sign-in has begun. ``key``: 64 hexadecimal digits that encrypt ``form``.

    False when the form is too large to be kept.
    """
    kept = form if len(form) <= LARGEST_FORM else ""
    values = {
        "digest": digest(state),
        "form": _locked(kept, key) if kept else "",
        "ends_at": at + LIFETIME,
    }
    with engine.begin() as connection:
        connection.execute(delete(openid_attempts).where(openid_attempts.c.ends_at <= at))
        connection.execute(insert(openid_attempts).values(values))
        forms = select(openid_attempts.c.digest).where(openid_attempts.c.form != "")
        latest = forms.order_by(openid_attempts.c.ends_at.desc()).offset(MOST_FORMS)
        surplus = list(connection.scalars(latest))
        if surplus:
            theirs = openid_attempts.c.digest.in_(surplus)
            connection.execute(update(openid_attempts).where(theirs).values(form=""))
    return kept == form


def end(engine: Engine, state: str, key: str, at: datetime) -> str | None:
    """Take a sign-in away. Its form, maybe empty; None: it has ended, or never begun."""
    theirs = openid_attempts.c.digest == digest(state)
    with engine.begin() as connection:
        row = connection.execute(
            select(openid_attempts).where(theirs).with_for_update()
        ).one_or_none()
        connection.execute(delete(openid_attempts).where(theirs))
    if row is None or row.ends_at <= at:
        return None
    return _opened(row.form, key) if row.form else ""


def _locked(text: str, key: str) -> str:
    secret = OctKey.import_key(bytes.fromhex(key))
    return jwe.encrypt_compact(_HEADER, text.encode("utf-8", "surrogatepass"), secret)


def _opened(text: str, key: str) -> str:
    secret = OctKey.import_key(bytes.fromhex(key))
    try:
        opened = jwe.decrypt_compact(text, secret).plaintext or b""
    except JoseError:  # of another browser's key: there is nothing to come back
        return ""
    return opened.decode("utf-8", "surrogatepass")

"""Passwords: how long they are, which are too common, and how they are kept (argon2id)."""

from __future__ import annotations

import re
import string
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 15, 128
# 46 MiB, two passes: twice the work that OWASP asks for at this size; some 75 ms on one core.
_HASHER = PasswordHasher(time_cost=2, memory_cost=47104, parallelism=1)
# What is compared with where there is nothing to compare with, so that it takes as long: made by
# the hasher above from a password that is nobody's.
NOBODYS = (
    "$argon2id$v=19$m=47104,t=2,p=1$f2YAUo0AS/5Haoe8z3chEQ$"
    "gaKGiTNYj4iI2x7yNUYORC8jstMzCb7fpSCaTN38nq8"
)
# Whoever guesses gets one core and 46 MiB at most, however many ask; a few wait for their turn.
_ONE_AT_A_TIME = threading.Lock()
_PLACES = threading.BoundedSemaphore(4)
WAIT_SECONDS = 5.0
# zxcvbn's third of four steps: a hundred million guesses. Passwords of this length that take fewer
# are common ones, names, repeats and runs of keys.
_GUESSES = 10**8
_LEFT = 8  # characters besides names, at least


class PasswordError(Exception):
    """Why a password is not taken, in words."""


class Busy(Exception):
    """So many passwords are being looked at that this one has not got its turn."""


def check(password: str, *about: str) -> None:
    """Raises PasswordError for one that is too short, too long or too easy to guess.

    ``about``: what is known of the person, such as their names, and so easy to guess.
    """
    length = len(password)
    if length < SHORTEST:
        raise PasswordError(f"It has {length} characters; {SHORTEST} is the least.")
    if length > LONGEST:
        raise PasswordError(f"It has {length} characters; {LONGEST} is the most.")
    from zxcvbn import zxcvbn  # its lists of words are only read where a password is chosen

    known = _words((*about, "encante"))
    if _mostly(_normal(password), known):
        raise PasswordError("It is too easy to guess: it is made of a name.")
    told = zxcvbn(_normal(password)[:LONGEST], known, max_length=LONGEST)
    if told["guesses"] < _GUESSES:
        why = told["feedback"]["warning"].rstrip(".") or "It is made of common words or names"
        raise PasswordError(
            f"It is too easy to guess: {why[0].lower()}{why[1:]}. Some uncommon words in a row are "
            "good, or let a password manager make one."
        )


def hashed(password: str) -> str:
    """What is kept of a password. Raises Busy."""
    with _turn():
        return _HASHER.hash(_bytes(password))


def fits(kept: str, password: str) -> bool:
    """Whether it is the password of which ``kept`` was kept. Raises Busy.

    Takes as long where nothing was kept (an empty text), and never fits there.
    """
    sent = password if len(password) <= LONGEST else ""
    with _turn():
        try:
            _HASHER.verify(kept or NOBODYS, _bytes(sent))
        except (VerificationError, InvalidHashError):
            return False
    return bool(kept and sent)


def is_outdated(kept: str) -> bool:
    """Whether it was hashed with less work than is done today."""
    return _HASHER.check_needs_rehash(kept)


@contextmanager
def _turn() -> Iterator[None]:
    if not _PLACES.acquire(blocking=False):
        raise Busy
    try:
        if not _ONE_AT_A_TIME.acquire(timeout=WAIT_SECONDS):
            raise Busy
        try:
            yield
        finally:
            _ONE_AT_A_TIME.release()
    finally:
        _PLACES.release()


def _words(texts: tuple[str, ...]) -> list[str]:
    parts = (part for text in texts for part in (text, *re.split(r"[\W_]+", text)))
    return [part for part in parts if part]


def _mostly(password: str, known: list[str]) -> bool:
    """Whether next to nothing is left without the words that are known of the person."""
    words = sorted((re.escape(word) for word in known if len(word) > 2), key=len, reverse=True)
    rest, found = re.subn("|".join(words), "", password, flags=re.IGNORECASE)
    rest = re.sub(rf"[\s{re.escape(string.punctuation)}]+", "", rest)
    return bool(found) and len(rest) < _LEFT


def _normal(password: str) -> str:
    # the same characters, however the keyboard puts them together (NIST SP 800-63B)
    return unicodedata.normalize("NFKC", password)


def _bytes(password: str) -> bytes:
    return _normal(password).encode("utf-8", "surrogatepass")

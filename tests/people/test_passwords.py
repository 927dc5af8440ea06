"""Which passwords are taken, and how they are kept."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.people import passwords
from app.people.passwords import LONGEST, SHORTEST, Busy, PasswordError

FULL_COST = True


@pytest.mark.parametrize(
    "good",
    [
        "tulip anchor 9 fog",
        "correct horse battery staple",
        "żółw ćma źdźbło ość",
        "🐬🌊🏝🦜🌴🐚🦀🐙🪸🐡🦑🐳🪼🦈🐠",
        "kQ7#vL2$xN9@mR4!pW6",
        "x7Qj;Fm,2v/Lz.9&wTk" * 6 + "no more than this"[:14],
    ],
)
def test_a_long_password_that_is_not_common_is_taken_whatever_it_is_made_of(good: str) -> None:
    passwords.check(good, "pat")


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("Tr0ub4dor&3", "15 is the least"),
        ("a" * 14, "14 characters"),
        ("\ufdfa", "15 is the least"),
        ("qJ7;" * 33, "128 is the most"),
        ("passwordpassword", "too easy to guess"),
        ("p@ssw0rdp@ssw0rd", "too easy to guess"),
        ("123456789012345", "too easy to guess"),
        ("qwertyuiopasdfg", "too easy to guess"),
        ("aaaaaaaaaaaaaaaaaaaa", "too easy to guess"),
        ("administrator123", "too easy to guess"),
        ("encanteencante1", "too easy to guess"),
        ("pat.mayerpat.mayer", "too easy to guess"),
        ("Mayer Pat Mayer Pat", "too easy to guess"),
    ],
)
def test_short_long_and_common_ones_are_refused_and_told_why(bad: str, told: str) -> None:
    with pytest.raises(PasswordError, match=told):
        passwords.check(bad, "pat.mayer", "Pat Mayer")


def test_what_is_kept_is_argon2id_and_differs_each_time() -> None:
    first, second = passwords.hashed("tulip anchor 9 fog"), passwords.hashed("tulip anchor 9 fog")
    assert first.startswith("$argon2id$v=19$m=47104,t=2,p=1$")
    assert first != second
    assert passwords.fits(first, "tulip anchor 9 fog")
    assert not passwords.fits(first, "tulip anchor 9 fox")


def test_nothing_fits_where_there_is_no_password() -> None:
    assert not passwords.fits("", "")
    assert not passwords.fits("", "nobody's password")
    assert not passwords.fits("no hash", "no hash")
    assert passwords.fits(passwords.NOBODYS, "nobody's password"), "it is compared with in earnest"
    assert not passwords.is_outdated(passwords.NOBODYS), "it takes as long as today's"


def test_one_that_was_hashed_with_less_work_is_outdated() -> None:
    weak = "$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHQ$"
    assert passwords.is_outdated(f"{weak}7zmiOZGJ2c3XwGLEb9qNrw")


def test_a_password_is_not_cut_and_is_the_same_however_it_is_typed() -> None:
    long = "tulip anchor 9 fog" * 7
    assert len(long) <= LONGEST
    kept = passwords.hashed(long)
    assert not passwords.fits(kept, long[:-1])
    composed, apart = "tulip anch\u00f6r 9 fog", "tulip ancho\u0308r 9 fog"
    assert passwords.fits(passwords.hashed(composed), apart)


@settings(max_examples=15, deadline=None)
@example("\ud800" * 20)
@example("\0" * 20)
@example("\ufdfa" * 120)
@given(st.text(max_size=200))
def test_any_text_may_be_sent_as_a_password(text: str) -> None:
    assert not passwords.fits(passwords.NOBODYS, text)
    try:
        passwords.check(text)
    except PasswordError as error:
        assert str(error)  # noqa: PT017  # either is right, but it is told why
    else:
        assert SHORTEST <= len(text) <= LONGEST


def test_many_at_once_wait_or_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0.2)
    ready = threading.Barrier(9)

    def look(_: int) -> bool:
        ready.wait(30)
        try:
            passwords.fits("", "x")
        except Busy:
            return True
        return False

    with passwords._turn(), ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(look, n) for n in range(8)]
        ready.wait(30)
        told = [each.result(30) for each in asked]
    assert told == [True] * 8
    assert not passwords.fits("", "x"), "afterwards it goes on"

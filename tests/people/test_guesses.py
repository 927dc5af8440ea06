"""Guessing is slowed, on both databases, and nobody is locked out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from app.people import guesses
from app.people.guesses import Count
from app.people.tables import guesses as table
from app.settings.wire import network_of
from tests.databases import open_engine

START = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "s"


def attempt(name: str = "pat", address: str = "192.0.2.1", browser: str = "") -> tuple[Count, ...]:
    return guesses.counts(SECRET, name, address, browser)


def test_five_are_free_and_each_further_one_doubles_the_wait(engine: Engine) -> None:
    waits, at = [], START
    for _ in range(18):
        wait = guesses.begin(engine, attempt(), at)
        waits.append(wait)
        if wait:
            at += timedelta(seconds=wait)
            assert guesses.begin(engine, attempt(), at) == 0
    assert waits[:5] == [0] * 5
    assert waits[5:10] == [1, 2, 4, 8, 16]
    assert waits[-1] == 900, "there is a longest one"


def test_whoever_does_not_wait_is_refused_and_does_not_wait_longer_for_it(engine: Engine) -> None:
    for _ in range(5):
        assert guesses.begin(engine, attempt(), START) == 0
    assert [guesses.begin(engine, attempt(), START) for _ in range(9)] == [1] * 9
    assert guesses.begin(engine, attempt(), START + timedelta(seconds=1)) == 0


def test_the_right_password_forgets_the_failures_of_the_name_there(engine: Engine) -> None:
    for _ in range(5):
        guesses.begin(engine, attempt(), START)
    at = START + timedelta(seconds=1)
    assert guesses.begin(engine, attempt(), at) == 0
    guesses.succeeded(engine, attempt(), at)
    assert [guesses.begin(engine, attempt(), at) for _ in range(6)] == [0] * 5 + [1]


def test_whoever_has_an_account_cannot_reset_the_count_of_their_address_by_it(
    engine: Engine,
) -> None:
    waits = []
    for n in range(24):
        waits.append(guesses.begin(engine, attempt(f"name {n}"), START))
        own = attempt("attacker")
        if not guesses.begin(engine, own, START):
            guesses.succeeded(engine, own, START)
    assert waits[:20] == [0] * 20
    assert all(waits[20:])


def test_nobody_elsewhere_can_keep_somebody_out(engine: Engine) -> None:
    for n in range(130):
        guesses.begin(engine, attempt(address=f"198.51.100.{n}"), START)
    many = attempt(address="198.51.100.1")
    for _ in range(4):
        guesses.begin(engine, many, START)
    assert guesses.begin(engine, many, START), "the name is slowed for those who have failed"
    assert guesses.begin(engine, attempt(address="192.0.2.7"), START) == 0
    assert guesses.begin(engine, attempt(browser="known"), START) == 0


def test_a_browser_that_is_known_has_its_own_count(engine: Engine) -> None:
    for _ in range(30):
        guesses.begin(engine, attempt(), START)
    known = attempt(browser="b-1")
    assert [guesses.begin(engine, known, START) for _ in range(11)] == [0] * 10 + [1]


def test_one_that_was_not_looked_at_does_not_count(engine: Engine) -> None:
    for _ in range(9):
        assert guesses.begin(engine, attempt(), START) == 0
        guesses.undo(engine, attempt(), START)


def test_many_sent_at_once_are_not_looked_at_for_free(database_url: str) -> None:
    engines = [open_engine(database_url) for _ in range(4)]
    with ThreadPoolExecutor(16) as threads:
        sent = [threads.submit(guesses.begin, engines[n % 4], attempt(), START) for n in range(40)]
        waits = [each.result(60) for each in sent]
    for engine in engines:
        engine.dispose()
    assert waits.count(0) == 5


def test_counts_are_forgotten_after_a_day_and_what_is_refused_leaves_no_trace(
    engine: Engine,
) -> None:
    for n in range(40):
        guesses.begin(engine, attempt(f"name {n}"), START)
    assert rows(engine) == 1 + 2 * 20, "the address, and the names that it was let try"
    guesses.sweep(engine, START + timedelta(hours=23))
    assert rows(engine) == 41
    late = START + timedelta(hours=25)
    assert guesses.begin(engine, attempt(), late) == 0, "even if nobody has swept"
    guesses.sweep(engine, late)
    assert rows(engine) == 3


def test_there_are_never_too_many_rows(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "KEPT", 10)
    for n in range(20):
        at = START + timedelta(seconds=n)
        guesses.begin(engine, attempt(f"name {n}", f"192.0.2.{n}"), at)
    guesses.sweep(engine, START + timedelta(minutes=1))
    assert rows(engine) <= 10


def rows(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


@given(st.text(), st.text(), st.text())
def test_any_name_and_address_has_counts_that_do_not_tell_it(
    name: str, address: str, browser: str
) -> None:
    found = guesses.counts(SECRET, name, address, browser)
    assert all(len(count.key) <= 80 and count.key.isascii() for count in found)
    assert found == guesses.counts(SECRET, name, address, browser)
    assert found[0].key != guesses.counts("other", name, address, browser)[0].key


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
    ],
)
def test_of_ipv6_a_whole_network_is_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_wait_never_shrinks_as_failures_grow() -> None:
    for count in attempt():
        sequence = [count.wait(failures) for failures in range(500)]
        assert sequence == sorted(sequence)
        assert sequence[-1] == count.ceiling

"""Who arrives from the OpenID provider, and sign-ins under way: with either database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select, update

from app.db import now
from app.people.openid import Identity, attempts
from app.people.openid.arrivals import Arrived, arrive, name_from
from app.people.tables import openid_attempts, users

ISSUER = "https://id.example.com"
KEY = "ab" * 32


def jane(subject: str = "1", name: str = "jane", issuer: str = ISSUER) -> Identity:
    return Identity(issuer, subject, None, name, "Jane Doe", ("web",))


def test_many_who_arrive_at_once_are_each_themselves(engine: Engine) -> None:
    ready = Barrier(4)

    def come(number: int) -> Arrived:
        ready.wait(30)
        return arrive(engine, jane(str(number % 2)), "127.0.0.1")

    with ThreadPoolExecutor(4) as threads:
        arrived = list(threads.map(come, range(4)))
    assert len({each.user_id for each in arrived}) == 2
    assert {each.name for each in arrived} == {"jane", "jane-2"}


def test_the_same_subject_of_another_issuer_is_somebody_else(engine: Engine) -> None:
    here = arrive(engine, jane(), "")
    there = arrive(engine, jane(issuer="https://other.example"), "")
    assert (here.name, there.name) == ("jane", "jane-2")


def test_the_name_of_who_is_disabled_is_not_given_to_another(engine: Engine) -> None:
    first = arrive(engine, jane(), "")
    with engine.begin() as connection:
        connection.execute(update(users).values(disabled_at=now()))
    assert arrive(engine, jane(), "").disabled
    second = arrive(engine, jane("2"), "")
    assert (second.name, second.disabled) == ("jane-2", False)
    assert first.user_id != second.user_id


@given(st.text())
def test_any_text_gives_a_name_of_plain_letters(text: str) -> None:
    name = name_from(text)
    assert 1 <= len(name) <= 60
    assert name.isascii()
    assert name.isprintable()
    assert not set(name) & set(" \"'<>&/\\,=;")


def test_a_sign_in_ends_once(engine: Engine) -> None:
    assert attempts.begin(engine, "state", KEY, "a form, with 🔑 \ud800", now())
    assert attempts.end(engine, "other", KEY, now()) is None
    assert attempts.end(engine, "state", KEY, now()) == "a form, with 🔑 \ud800"
    assert attempts.end(engine, "state", KEY, now()) is None


def test_of_two_who_end_the_same_one_is_late(engine: Engine) -> None:
    attempts.begin(engine, "state", KEY, "form", now())
    ready = Barrier(2)

    def end(_: int) -> str | None:
        ready.wait(30)
        return attempts.end(engine, "state", KEY, now())

    with ThreadPoolExecutor(2) as threads:
        ended = list(threads.map(end, range(2)))
    assert sorted(each or "" for each in ended) == ["", "form"]


def test_what_nobody_came_back_for_is_forgotten(engine: Engine) -> None:
    attempts.begin(engine, "state", KEY, "form", now() - timedelta(minutes=11))
    assert attempts.end(engine, "state", KEY, now()) is None
    attempts.begin(engine, "older", KEY, "", now() - timedelta(minutes=11))
    attempts.begin(engine, "newer", KEY, "", now())
    with engine.connect() as connection:
        assert len(connection.execute(select(openid_attempts)).all()) == 1

"""Refusals are told at once, and nobody fills the disk with them."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from app.people import audit
from app.people.audit import By, Entry
from app.people.refusals import MOST, WINDOW, Refusals
from app.people.tables import audit as table

ANN = By("ann", address="192.0.2.1")
ROLE = Entry("refusal", "Open x", "refused", code="role", message="Not yours.")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def refusals(engine: Engine, clock: Clock) -> Iterator[Refusals]:
    """Those of a process; no timer of theirs outlives the test."""
    with mock.patch("app.people.refusals.threading.Timer"):
        yield Refusals(engine, clock)


def told(engine: Engine) -> list[tuple[str, str]]:
    """Who was refused, and what was said of it."""
    with engine.connect() as connection:
        found = connection.execute(select(table.c.actor, table.c.message).order_by(table.c.seq))
        return [(row.actor, row.message) for row in found]


def test_the_first_is_told_at_once_and_those_alike_are_counted(
    engine: Engine, refusals: Refusals, clock: Clock
):
    for _ in range(5):
        refusals.record(ANN, ROLE)
    assert told(engine) == [("ann", "Not yours.")]
    clock.now += WINDOW
    refusals.flush()
    assert told(engine)[1:] == [("ann", "Not yours. (and 4 more within a minute of it)")]


def test_another_persons_is_told_too(engine: Engine, refusals: Refusals):
    refusals.record(ANN, ROLE)
    refusals.record(By("bob"), ROLE)
    assert [actor for actor, _ in told(engine)] == ["ann", "bob"]


def test_after_a_minute_the_next_is_told_at_once(engine: Engine, refusals: Refusals, clock: Clock):
    refusals.record(ANN, ROLE)
    clock.now += WINDOW
    refusals.record(ANN, ROLE)
    assert told(engine) == [("ann", "Not yours.")] * 2


def test_of_many_sorts_the_first_are_told_and_the_others_in_one_record(
    engine: Engine, refusals: Refusals, clock: Clock
):
    for number in range(1_000):
        refusals.record(By("", address=f"192.0.2.{number}"), ROLE)
    assert len(told(engine)) == MOST
    clock.now += WINDOW
    refusals.flush()
    assert len(told(engine)) == MOST + 1
    assert "940 more" in told(engine)[-1][1]


def test_noise_from_outside_hides_neither_what_people_try_nor_who_guesses(
    engine: Engine, refusals: Refusals
):
    for number in range(1_000):
        refusals.record(By("", address=f"192.0.2.{number}"), ROLE)
    refusals.record(ANN, ROLE)
    refusals.record(By(""), Entry("sign-in.failed", "Sign in as ann", "refused", message="No."))
    assert told(engine)[MOST:] == [("ann", "Not yours."), ("", "No.")]


def test_a_database_that_is_away_keeps_no_refusal_from_being_one(refusals: Refusals):
    away = OperationalError("INSERT", {}, Exception("away"))
    with mock.patch.object(audit, "record", side_effect=away) as record:
        refusals.record(ANN, ROLE)
    assert record.called

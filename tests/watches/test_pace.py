"""Turns that all processes take together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from app.watches.pace import reserve
from tests.watches.fakes import START


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_turns_are_so_far_apart(engine: Engine) -> None:
    waits = [reserve(engine, "polls", 0.25, START, patience=1) for _ in range(6)]
    assert waits == [0, 0.25, 0.5, 0.75, 1.0, None]
    assert reserve(engine, "polls", 0.25, START + after(1), patience=1) == 0.25
    assert reserve(engine, "polls", 0.25, START + after(60), patience=1) == 0


def test_turns_of_another_name_are_others(engine: Engine) -> None:
    assert reserve(engine, "polls", 60, START) == 0
    assert reserve(engine, "polls", 60, START + after(59)) is None
    assert reserve(engine, "others", 60, START) == 0
    assert reserve(engine, "polls", 60, START + after(60)) == 0


def test_a_turn_that_is_not_taken_is_left_to_others(engine: Engine) -> None:
    reserve(engine, "polls", 10, START)
    for _ in range(5):
        assert reserve(engine, "polls", 10, START) is None
    assert reserve(engine, "polls", 10, START, patience=10) == 10


def test_a_clock_that_steps_back_stops_nobody(engine: Engine) -> None:
    reserve(engine, "polls", 0.25, START)
    assert reserve(engine, "polls", 0.25, START - after(3600)) == 0
    assert reserve(engine, "polls", 0.25, START - after(3600)) is None


@pytest.mark.parametrize("first", [True, False])
def test_those_who_ask_at_the_same_time_get_different_turns(engine: Engine, first: bool) -> None:
    if not first:
        reserve(engine, "polls", 1, START - after(1))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: reserve(engine, "polls", 1, START, 100), range(16)))
    turns = sorted(wait for wait in found if wait is not None)
    assert turns == [float(each) for each in range(len(turns))]
    assert len(turns) == 16 or first, "at the very first, who comes second may get none"

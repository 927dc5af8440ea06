"""Which places get no further call while one is under way."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from app.watches.places import MOST, SLOW, Places

HERE, THERE = ("1", "eu-central-1"), ("1", "us-east-1")


class Watch:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_place_gets_a_few_calls_at_a_time() -> None:
    places = Places(Watch())
    with ExitStack() as calls:
        for _ in range(MOST):
            assert places.away() == set()
            calls.enter_context(places.call(HERE))
        assert places.away() == {HERE}
    assert places.away() == set()


def test_a_place_that_is_slow_gets_no_more() -> None:
    watch = Watch()
    places = Places(watch)
    with places.call(HERE), places.call(THERE):
        watch.now += SLOW + 1
        assert places.away() == {HERE, THERE}
    assert places.away() == set()


def test_a_place_that_failed_gets_one_until_it_answers() -> None:
    places = Places(Watch())
    with pytest.raises(ZeroDivisionError), places.call(HERE):
        _ = 1 / 0
    assert places.away() == set()
    with places.call(HERE):
        assert places.away() == {HERE}
    with places.call(HERE):
        assert places.away() == set(), "it has answered"

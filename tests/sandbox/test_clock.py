"""The sandbox's clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from app.sandbox import clock


@pytest.fixture(autouse=True)
def _real_time() -> Iterator[None]:
    clock.reset()
    yield
    clock.reset()


def test_advancing_moves_the_clock_by_that_much():
    before = clock.now()
    clock.advance(3600)
    assert clock.now() - before >= timedelta(hours=1)
    assert clock.advanced() == 3600


def test_time_does_not_go_backwards():
    for seconds in (-1, float("nan")):
        with pytest.raises(ValueError, match="forward"):
            clock.advance(seconds)


def test_the_clock_can_stand_at_a_moment_for_one_thread_alone():
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    elsewhere: list[datetime] = []
    with clock.at(moment):
        thread = threading.Thread(target=lambda: elsewhere.append(clock.now()))
        thread.start()
        thread.join()
        assert clock.now() == moment
    assert elsewhere[0] != moment
    assert clock.now() != moment

"""Turns that all processes take together."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from app.watches.pace import KEPT_SECONDS, Turns, reserve
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


class Together:
    """Time that passes for threads only while all of them wait."""

    def __init__(self, threads: int) -> None:
        self.now = START
        self._awake = threads
        self._wakes: list[datetime] = []
        self._condition = threading.Condition()

    def sleep(self, seconds: float) -> None:
        with self._condition:
            wake = self.now + after(seconds)
            self._wakes.append(wake)
            self._fall_asleep()
            assert self._condition.wait_for(lambda: self.now >= wake, timeout=60)

    def leave(self) -> None:
        with self._condition:
            self._fall_asleep()

    def _fall_asleep(self) -> None:
        self._awake -= 1
        if self._awake or not self._wakes:
            return
        self.now = min(self._wakes)
        self._awake = self._wakes.count(self.now)
        self._wakes = [each for each in self._wakes if each > self.now]
        self._condition.notify_all()


def _calls(engine: Engine, late: tuple[float, ...]) -> list[datetime]:
    """When six pollers, of whatever processes, make eight calls each: how late each may be."""
    together, made = Together(6), []

    def poller(number: int) -> None:
        chance = random.Random(number)

        def sleep(seconds: float) -> None:
            together.sleep(seconds + chance.choice(late))

        turns = Turns(engine, "polls", 4.0, lambda: together.now, sleep)
        for _ in range(8):
            turns.take()
            made.append(together.now + after(chance.uniform(0, 0.05)))  # the way to the wire
        together.leave()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(poller, range(6)))
    return sorted(made)


@pytest.mark.parametrize("late", [(0.0,), (0.0, 0.02, 0.05), (0.0, 0.01, 0.2, 0.9)])
def test_no_second_has_more_than_four_calls_however_late_some_begin(
    engine: Engine, late: tuple[float, ...]
) -> None:
    made = _calls(engine, late)
    assert len(made) == 48
    gaps = [last - first for first, last in zip(made, made[4:], strict=False)]
    assert min(gaps) >= after(1)


def test_turns_are_not_wasted_by_who_is_in_time(engine: Engine) -> None:
    made = _calls(engine, (0.0,))
    assert made[-1] - made[0] < after(48 / 3.5)


def test_who_would_wait_for_long_sees_it_without_the_lock(engine: Engine) -> None:
    turns = Turns(engine, "polls", 4.0, lambda: START, lambda _: None)
    near = []
    for _ in range(6):
        near.append(turns.near())
        turns.take()
    assert near == [True] * 4 + [False] * 2


def test_without_a_bound_nobody_waits(engine: Engine) -> None:
    turns = Turns(engine, "polls", None, lambda: START, lambda _: pytest.fail("waited"))
    assert turns.near()
    assert turns.take() == 0.0


def test_who_is_late_again_and_again_asks_all_the_same(engine: Engine) -> None:
    slept: list[float] = []
    moment = [START]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        moment[0] += after(seconds + 0.2)

    turns = Turns(engine, "polls", 4.0, lambda: moment[0], sleep)
    for _ in range(3):
        turns.take()
    assert len(slept) > 3


POLLERS, COLLECTORS = 4, 3


def _beside(engine: Engine, seconds: float, pause: float) -> tuple[list[datetime], list[datetime]]:
    """When pollers called that have something due ``pause`` seconds after each call, and when
    collectors that go on reading after that for as long again."""
    together = Together(POLLERS + COLLECTORS)
    polled: list[datetime] = []
    collected: list[datetime] = []

    def work(
        take: Callable[[Turns], object], called: list[datetime], until: float, rest: float
    ) -> None:
        turns = Turns(engine, "polls", 4.0, lambda: together.now, together.sleep)
        while together.now < START + after(until):
            take(turns)
            called.append(together.now)
            together.sleep(rest)
        together.leave()

    with ThreadPoolExecutor(POLLERS + COLLECTORS) as pool:
        polls = [
            pool.submit(work, lambda turns: turns.take(), polled, seconds, pause)
            for _ in range(POLLERS)
        ]
        reads = [
            pool.submit(
                work, lambda turns: turns.take_left(together.sleep), collected, 2 * seconds, 0.01
            )
            for _ in range(COLLECTORS)
        ]
        for each in (*polls, *reads):
            each.result()
    return polled, collected


def test_who_may_be_late_takes_what_others_leave_and_a_little_more(engine: Engine) -> None:
    seconds = 20.0
    polled, collected = _beside(engine, seconds, pause=0.1)
    made = sorted(polled + collected)
    gaps = [last - first for first, last in zip(made, made[4:], strict=False)]
    assert min(gaps) >= after(1)
    # 10,000 snapshots are some 55 polls: with three a second each has one in less than 20 s
    assert len(polled) >= 3 * seconds
    meanwhile = [at for at in collected if at < START + after(seconds)]
    assert len(meanwhile) >= 0.8 * seconds / KEPT_SECONDS
    assert len(collected) - len(meanwhile) >= 3 * seconds, "afterwards it has them all"


def test_few_polls_leave_nearly_all_turns(engine: Engine) -> None:
    seconds = 20.0
    polled, collected = _beside(engine, seconds, pause=5.0)
    meanwhile = [at for at in collected if at < START + after(seconds)]
    assert len(polled) >= 3 * POLLERS, "each is made soon after it is due"
    assert len(meanwhile) >= 2 * seconds

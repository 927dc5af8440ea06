"""The threads that tick: they survive what fails, and end when they are told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from app.background import Background, loops, tick
from app.db import now
from app.house import House
from app.ticks import Ticks

Step = Callable[[datetime], bool]


def idle(_: datetime) -> bool:
    return False


def fails(_: datetime) -> bool:
    raise RuntimeError("a bug")


def house(collect: Step = idle, poll: Step = idle, stop: Callable[[], None] = lambda: None) -> Any:
    """As much of a house as has steps."""
    return SimpleNamespace(
        settings=SimpleNamespace(collectors=3),
        collector=SimpleNamespace(tick=collect, stop=stop),
        watches=SimpleNamespace(
            poll=poll,
            send=idle,
            recover=idle,
            sweep=idle,
            owed=threading.Event(),
            stop=lambda: None,
            finish=lambda: None,
        ),
        rules=SimpleNamespace(catch=idle, look=idle),
        meet=idle,
        hurry=idle,
        warm=lambda: False,
        wake=threading.Event(),
        stopping=threading.Event(),
        ticks=Ticks(),
    )


def until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_step_that_fails_does_not_keep_the_others_from_theirs() -> None:
    made = house(collect=fails, poll=lambda _: True)
    assert tick(cast(House, made), now())
    assert made.ticks.counts()["collect", "failed"] == made.ticks.counts()["poll", "busy"] == 1


def test_threads_go_on_when_their_step_fails() -> None:
    count: list[str] = []

    def fail(_: datetime) -> bool:
        count.append(threading.current_thread().name)
        raise RuntimeError("a bug")

    background = Background(cast(House, house(collect=fail)))
    background.start()
    until(lambda: any(count.count(name) > 1 for name in count))
    background.stop()
    assert set(count) == {"collect-0", "collect-1", "collect-2"}


def test_a_collector_that_hangs_keeps_no_notice_waiting() -> None:
    hanging, polled = threading.Event(), threading.Event()

    def hang(_: datetime) -> bool:
        return hanging.wait(600)

    def poll(_: datetime) -> bool:
        polled.set()
        return False

    background = Background(cast(House, house(collect=hang, poll=poll, stop=hanging.set)))
    background.start()
    assert polled.wait(60)
    background.stop()


def test_when_they_are_stopped_the_threads_end() -> None:
    def locked() -> None:
        raise RuntimeError("database is locked")

    made = house(stop=locked)  # claims cannot be given back: no reason to stay
    before = threading.active_count()
    background = Background(cast(House, made))
    background.start()
    wanted = sum(loop.threads for loop in loops(cast(House, made)))
    assert threading.active_count() == before + wanted
    steps = "poll send sweep recover rules look hurry identity collect warm"
    assert made.ticks.ages().keys() == set(steps.split())
    assert not made.stopping.is_set()
    background.stop()
    assert threading.active_count() == before
    assert made.stopping.is_set()

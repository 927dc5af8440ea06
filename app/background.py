"""The background threads.

One ticks the poller and the sender, some the collector, and one reads beforehand what pages need:
nothing that takes long may keep notices waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

import structlog
from flask import Flask

from app.db import now as present
from app.house import House
from app.inventory.jobs import LEAST_THREADS

PAUSE_SECONDS = 0.5
BUSY_PAUSE_SECONDS = 0.02  # lets the threads that serve pages have their turn
STOP_SECONDS = 10.0
STEPS = ("poll", "send", "identity", "collect", "warm")  # those that the threads make
Step = Callable[[datetime], bool]
log = structlog.get_logger()


def tick(house: House, now: datetime) -> bool:
    """Let each part do one step; returns whether any of them had something to do.

    A step that fails is logged and does not keep the others from theirs.
    """
    busy = _try(house, "collect", house.collector.tick, now)
    return tend(house, now) or busy


def tend(house: House, now: datetime) -> bool:
    """As ``tick``, without the collector, which has threads of its own."""
    steps: dict[str, Step] = {
        "poll": house.watches.poll,
        "send": house.watches.send,
        "identity": house.meet,
    }
    busy = [_try(house, name, step, now) for name, step in steps.items()]
    return any(busy)


def _try(house: House, name: str, step: Step, now: datetime) -> bool:
    try:
        busy = step(now)
    except Exception:  # whatever it is, the thread must go on: it holds everybody's watches
        log.exception("background step failed", step=name)
        house.ticks.note(name, "failed")
        return False
    house.ticks.note(name, "busy" if busy else "idle")
    return busy


class Background:
    """The threads around ``tend`` and the collector's ``tick``."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._stopping = house.stopping
        collecting = [
            threading.Thread(target=self._collect, name=f"collector-{number}", daemon=True)
            for number in range(max(LEAST_THREADS, house.settings.collectors))
        ]
        main = threading.Thread(target=self._run, name="background", daemon=True)
        warming = threading.Thread(target=self._warm, name="warming", daemon=True)
        self._threads = [main, warming, *collecting]

    def start(self) -> None:
        """Begin to tick."""
        self._house.ticks.expect(STEPS)
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Let the running steps end, and wait for that, at most ``seconds`` in all."""
        self._stopping.set()
        self._house.wake.set()
        try:
            self._house.collector.stop()
        except Exception:  # the database may be what is in trouble
            log.exception("the collector's claims are not given back")
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while not self._stopping.is_set():
            busy = tend(self._house, present())
            self._house.wake.wait(BUSY_PAUSE_SECONDS if busy else PAUSE_SECONDS)
            self._house.wake.clear()

    def _collect(self) -> None:
        while not self._stopping.is_set():
            busy = _try(self._house, "collect", self._house.collector.tick, present())
            self._stopping.wait(BUSY_PAUSE_SECONDS if busy else PAUSE_SECONDS)

    def _warm(self) -> None:
        while not self._stopping.is_set():
            busy = _try(self._house, "warm", lambda _: self._house.warm(), present())
            self._stopping.wait(BUSY_PAUSE_SECONDS if busy else PAUSE_SECONDS)


def start(application: Flask) -> None:
    """Start the threads of ``application``, unless the settings say that there are none."""
    house: House = application.extensions["encante"]
    if house.settings.background:
        application.extensions["encante-background"] = threads = Background(house)
        threads.start()


def stop(application: Flask) -> None:
    """Stop the threads of ``application``, if it has any."""
    threads: Background | None = application.extensions.pop("encante-background", None)
    if threads is not None:
        threads.stop()

"""The one background thread: it ticks the collector, the poller and the sender."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import structlog
from flask import Flask

from app.db import now as present
from app.house import House

PAUSE_SECONDS = 0.5
BUSY_PAUSE_SECONDS = 0.02  # lets the threads that serve pages have their turn
log = structlog.get_logger()


def tick(house: House, now: datetime) -> bool:
    """Let each part do one step; returns whether any of them had something to do.

    A step that fails is logged and does not keep the others from theirs.
    """
    steps: dict[str, Callable[[datetime], bool]] = {
        "poll": house.watches.poll,
        "send": house.watches.send,
        "collect": house.collector.tick,
        "attend": house.reread_attended,
        "identity": house.meet,
    }
    busy = False
    for name, step in steps.items():
        try:
            busy = step(now) or busy
        except Exception:  # whatever it is, the thread must go on: it holds everybody's watches
            log.exception("background step failed", step=name)
    house.ticked_at = present()
    return busy


class Background:
    """The thread around ``tick``."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)

    def start(self) -> None:
        """Begin to tick."""
        self._house.has_background = True
        self._thread.start()

    def stop(self, seconds: float = 10) -> None:
        """Let the running step end, and wait for that, at most ``seconds``."""
        self._stopping.set()
        self._house.wake.set()
        self._thread.join(seconds)
        self._house.has_background = False

    def _run(self) -> None:
        while not self._stopping.is_set():
            busy = tick(self._house, present()) or self._house.warm()
            self._house.wake.wait(BUSY_PAUSE_SECONDS if busy else PAUSE_SECONDS)
            self._house.wake.clear()


def start(application: Flask) -> None:
    """Start the thread of ``application``, unless the settings say that there is none."""
    house: House = application.extensions["encante"]
    if house.settings.background:
        application.extensions["encante-background"] = thread = Background(house)
        thread.start()


def stop(application: Flask) -> None:
    """Stop the thread of ``application``, if it has one."""
    thread: Background | None = application.extensions.pop("encante-background", None)
    if thread is not None:
        thread.stop()

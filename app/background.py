"""The background threads: each a loop around one step of the house.

A step may have to wait for AWS, so no two of them share a thread: nothing that takes long keeps
a notice waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from flask import Flask

from app.db import DATABASE_FAULTS
from app.db import now as present
from app.house import House
from app.inventory.jobs import LEAST_THREADS

PAUSE_SECONDS = 0.5
BUSY_PAUSE_SECONDS = 0.02  # lets the threads that serve pages have their turn
STOP_SECONDS = 10.0
POLLERS = 4  # an endpoint that hangs gets three of them at most, and then one (Places)
Step = Callable[[datetime], bool]
log = structlog.get_logger()


@dataclass(frozen=True)
class Loop:
    """A step that is made again and again: at once when ``bell`` rings, else after a pause."""

    name: str
    step: Step
    bell: threading.Event
    threads: int = 1
    busy_pause: float = BUSY_PAUSE_SECONDS


def loops(house: House) -> list[Loop]:
    """All there are."""
    quiet = threading.Event()  # nobody rings it but the end
    watches = house.watches
    return [
        Loop("collect", house.collector.tick, quiet, max(LEAST_THREADS, house.settings.collectors)),
        Loop("rules", house.rules.catch, house.wake),
        Loop("look", house.rules.look, quiet),
        Loop("hurry", house.hurry, quiet),
        Loop("poll", watches.poll, house.wake, POLLERS),
        Loop("recover", watches.recover, quiet),
        Loop("send", watches.send, watches.owed, busy_pause=0.0),
        Loop("sweep", watches.sweep, quiet),
        Loop("identity", house.meet, quiet),
        Loop("warm", lambda _: house.warm(), quiet),
    ]


def tick(house: House, now: datetime) -> bool:
    """Let each part do one step; returns whether any of them had something to do.

    A step that fails is logged and does not keep the others from theirs.
    """
    found = [_try(house, loop, now) for loop in loops(house) if loop.name != "warm"]
    return any(found)


def _try(house: House, loop: Loop, now: datetime) -> bool:
    try:
        busy = loop.step(now)
    except DATABASE_FAULTS as error:  # it is tried again, and there is nothing else to be told
        if house.ticks.note(loop.name, "failed"):
            reason = str(error).partition("\n")[0]
            log.warning("the database is in trouble", step=loop.name, reason=reason)
        return False
    except Exception:  # whatever it is, the thread must go on: it holds everybody's watches
        log.exception("background step failed", step=loop.name)
        house.ticks.note(loop.name, "failed")
        return False
    house.ticks.note(loop.name, "busy" if busy else "idle")
    return busy


class Background:
    """The threads of one house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._loops = loops(house)
        self._threads = [
            threading.Thread(
                target=self._run, args=(loop,), name=f"{loop.name}-{number}", daemon=True
            )
            for loop in self._loops
            for number in range(loop.threads)
        ]

    def start(self) -> None:
        """Begin to tick."""
        self._house.ticks.expect(loop.name for loop in self._loops)
        for thread in self._threads:
            thread.start()

    def begin_to_stop(self) -> None:
        """Have no step begin anything more. Returns at once; may be called by a signal's handler.

        From now on the house tells that it is not ready.
        """
        self._house.stopping.set()
        self._house.watches.stop()
        for loop in self._loops:
            loop.bell.set()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Let the running steps end, and wait for that, at most ``seconds`` in all.

        What still hangs then is a reading of AWS, from which nothing is lost. A notice is being
        published for less than that.
        """
        until = time.monotonic() + seconds
        self.begin_to_stop()
        try:
            self._house.collector.stop()
        except Exception:  # the database may be what is in trouble
            log.exception("the collector's claims are not given back")
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._finish(until)

    def _finish(self, until: float) -> None:
        """Write down what was published last; for as long as there is time, if the database is
        away."""
        written = False
        while not written:
            try:
                self._house.watches.finish()
                written = True
            except DATABASE_FAULTS:
                if time.monotonic() >= until:
                    log.exception("what was published last may be published again")
                    break
                time.sleep(PAUSE_SECONDS)

    def _run(self, loop: Loop) -> None:
        while not self._house.stopping.is_set():
            busy = _try(self._house, loop, present())
            loop.bell.wait(loop.busy_pause if busy else PAUSE_SECONDS)
            if not self._house.stopping.is_set():
                loop.bell.clear()


def start(application: Flask) -> None:
    """Start the threads of ``application``, unless the settings say that there are none."""
    house: House = application.extensions["encante"]
    if house.settings.background:
        application.extensions["encante-background"] = threads = Background(house)
        threads.start()


def begin_to_stop(application: Flask) -> None:
    """Have the threads of ``application`` begin nothing more, and its ``/readyz`` say no."""
    house: House = application.extensions["encante"]
    house.stopping.set()
    if threads := application.extensions.get("encante-background"):
        threads.begin_to_stop()


def stop(application: Flask) -> None:
    """Stop the threads of ``application``, if it has any."""
    threads: Background | None = application.extensions.pop("encante-background", None)
    if threads is not None:
        threads.stop()

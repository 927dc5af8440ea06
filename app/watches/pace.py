"""Calls of all processes together that are spaced out: who may make the next one, and when."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Engine, select, update

from app.db import insert_new
from app.watches.tables import SKEW, paces

TURNS = "polls"  # the name of the turns of all who look for what is awaited
# A turn that could not be used in time (the process had to wait for a lock, or for the processor)
# is lost: used late, it would come on top of the next ones.
LATE = timedelta(seconds=0.05)
_WAY = timedelta(seconds=0.05)  # what it may take from there to the wire
_NEAR = timedelta(seconds=1)
_PATIENCE = 5.0  # seconds
# Who has missed so many turns one after another (its machine is always late) asks without one:
# what is owed late is better than never.
_MISSED = 10
# Who takes what others leave looks so often whether there is something, and is kept one turn in
# so many seconds however busy the others are.
_SOON = 0.1
KEPT_SECONDS = 2.0


@dataclass(frozen=True)
class Pacing:
    """How often AWS is asked: about a watch that may be done soon; and a second, by all in all.

    ``a_second`` None: as often as there is something due.
    """

    poll_seconds: float = 5.0
    a_second: float | None = None
    sleep: Callable[[float], None] = time.sleep


def reserve(
    engine: Engine, name: str, seconds: float, now: datetime, patience: float = 0.0
) -> float | None:
    """Take the next turn of those that are ``seconds`` apart; how many seconds it is off.

    None, and nothing taken, if it is off by more than ``patience``. Whoever gets a turn must wait
    for it, and then may make one call. ``name`` says whose turns they are.
    """
    turn = _reserve(engine, name, seconds, lambda: now, patience)
    return None if turn is None else (turn - now).total_seconds()


def _reserve(
    engine: Engine, name: str, seconds: float, clock: Callable[[], datetime], patience: float
) -> datetime | None:
    """As ``reserve``, by what the clock shows when nobody else can take that turn any more."""
    with engine.begin() as connection:
        mine = paces.c.name == name
        held = connection.execute(select(paces).where(mine).with_for_update()).one_or_none()
        turn = now = clock()
        if held is None:
            made = insert_new(connection, paces, {"name": name}, next_at=now, set_at=now)
            if not made:  # another was faster, and has the turn that is now
                return None
        # If the clock was set back, nobody knows when the last turn was.
        elif held.set_at <= now + SKEW:
            turn = max(now, held.next_at)
        if (turn - now).total_seconds() > patience:
            return None
        after = turn + timedelta(seconds=seconds)
        connection.execute(update(paces).where(mine).values(next_at=after, set_at=now))
        return turn


class Turns:
    """Calls of all processes together, of which no second has more than ``a_second``.

    None: as many as there are. ``clock`` tells the time, and those of all processes must tell the
    same one; ``sleep`` waits.
    """

    def __init__(
        self,
        engine: Engine,
        name: str,
        a_second: float | None,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._engine = engine
        self._name = name
        self._a_second = a_second
        self._clock = clock
        self._sleep = sleep

    def near(self) -> bool:
        """Whether there is a turn within a second; else it is better left to others."""
        if self._a_second is None:
            return True
        query = select(paces.c.next_at, paces.c.set_at).where(paces.c.name == self._name)
        with self._engine.connect().execution_options(reading=True) as connection:
            held = connection.execute(query).one_or_none()
        now = self._clock()
        return held is None or held.next_at <= now + _NEAR or held.set_at > now + SKEW

    def take(self) -> float:
        """Wait for a turn, right before a call is made; the seconds that took."""
        if self._a_second is None:
            return 0.0
        waited = 0.0
        for _ in range(_MISSED):
            turn = self._reserve(_PATIENCE)
            wait = _NEAR.total_seconds()  # all others were before us
            if turn is not None:
                wait = max(0.0, (turn - self._clock()).total_seconds())
            if wait:
                self._sleep(wait)
            waited += wait
            if turn is not None and self._clock() <= turn + LATE:
                break
        return waited

    def take_left(self, wait: Callable[[float], object]) -> None:
        """Wait, by ``wait(seconds)``, for a turn that nobody else wants, or that is kept for this.

        Right before a call is made that may be late. What ``wait`` raises ends it.
        """
        if self._a_second is None:
            return
        for _ in range(_MISSED):
            while (turn := self._left()) is None:
                wait(_SOON)
            if turn > self._clock():
                wait((turn - self._clock()).total_seconds())
            if self._clock() <= turn + LATE:
                return

    def _left(self) -> datetime | None:
        turn = self._reserve(0.0)
        if turn is None:
            kept = f"{self._name}:kept"
            if reserve(self._engine, kept, KEPT_SECONDS, self._clock()) is not None:
                turn = self._reserve(2 * _PATIENCE)  # so far ahead the others take none
        return turn

    def _reserve(self, patience: float) -> datetime | None:
        # So that the first of so many may be late, the last in time, and yet a second is between.
        apart = (1 + (LATE + _WAY).total_seconds()) / cast(float, self._a_second)
        return _reserve(self._engine, self._name, apart, self._clock, patience)

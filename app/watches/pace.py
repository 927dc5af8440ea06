"""Calls of all processes together that are spaced out: who may make the next one, and when."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, select, update

from app.db import insert_new
from app.watches.tables import SKEW, paces

_TURNS = "polls"  # the name of the turns of all who look for what is awaited


@dataclass(frozen=True)
class Pacing:
    """How often AWS is asked: about a watch that may be done soon; and a second, by all in all.

    ``a_second`` None: as often as there is something due.
    """

    poll_seconds: float = 5.0
    a_second: float | None = None
    sleep: Callable[[float], None] = time.sleep

    def turn(self, engine: Engine, now: datetime, patience: float) -> float | None:
        """Take the next turn; how many seconds it is off, which the caller sleeps.

        None if it is off by more than ``patience``, and by more than turns are apart.
        """
        if self.a_second is None:
            return 0.0
        apart = 1 / self.a_second
        return reserve(engine, _TURNS, apart, now, max(patience, apart))


def reserve(
    engine: Engine, name: str, seconds: float, now: datetime, patience: float = 0.0
) -> float | None:
    """Take the next turn of those that are ``seconds`` apart; how many seconds it is off.

    None, and nothing taken, if it is off by more than ``patience``. Whoever gets a turn must wait
    for it, and then may make one call. ``name`` says whose turns they are.
    """
    with engine.begin() as connection:
        mine = paces.c.name == name
        held = connection.execute(select(paces).where(mine).with_for_update()).one_or_none()
        if held is None:
            made = insert_new(connection, paces, {"name": name}, next_at=now, set_at=now)
            if not made:  # another was faster, and has the turn that is now
                return None
            turn = now
        else:
            # If the clock was set back, nobody knows when the last turn was.
            stepped = held.set_at > now + SKEW
            turn = now if stepped else max(now, held.next_at)
        wait = (turn - now).total_seconds()
        if wait > patience:
            return None
        after = turn + timedelta(seconds=seconds)
        connection.execute(update(paces).where(mine).values(next_at=after, set_at=now))
        return wait

"""The collector's calls that pollers make as well: they take the turns that these leave."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine, select

from app.watches.outcomes import OPEN
from app.watches.pace import TURNS, Pacing, Turns
from app.watches.rows import any_row
from app.watches.tables import rules, watches

# Its watches and rules are polled by the very call that lists it.
SHARED = "snapshot"


class TurnsLeft:
    """What pollers and looks of all processes leave of their turns. Thread-safe."""

    def __init__(self, engine: Engine, pacing: Pacing, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._bounded = pacing.a_second is not None
        self._turns = Turns(engine, TURNS, pacing.a_second, clock, pacing.sleep)

    def shared(self, kind: str) -> bool:
        """Whether a kind is read in turns now: somebody watches it, or a rule looks for it."""
        if kind != SHARED or not self._bounded:
            return False
        watched = select(watches.c.id).where(watches.c.state.in_(OPEN), watches.c.kind == kind)
        ruled = select(rules.c.id).where(rules.c.kind == kind, rules.c.enabled)
        return any_row(self._engine, watched.limit(1)) or any_row(self._engine, ruled.limit(1))

    def take(self, wait: Callable[[float], object]) -> None:
        """Wait for a turn, by ``wait(seconds)``, right before a request; may take a few seconds."""
        self._turns.take_left(wait)

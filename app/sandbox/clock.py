"""The sandbox's clock: the real time, plus what a test or a demonstration has added to it.

Every timed state (pending, stopping, …) is derived from a stored time and `now()`, so time can be
made to pass without waiting.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

_offset = timedelta()
_set_to: ContextVar[datetime | None] = ContextVar("set_to", default=None)


def now() -> datetime:
    """The sandbox's current time, aware and in UTC."""
    return _set_to.get() or datetime.now(UTC) + _offset


def advance(seconds: float) -> None:
    """Let `seconds` pass at once. Negative values would make things un-happen: ValueError."""
    global _offset
    if not seconds >= 0:
        raise ValueError(f"time only goes forward: {seconds!r} seconds is below 0")
    _offset += timedelta(seconds=seconds)


def advanced() -> float:
    """How many seconds have been added to the real time so far."""
    return _offset.total_seconds()


def reset() -> None:
    """Back to the real time."""
    global _offset
    _offset = timedelta()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """It is `moment` inside the block, for this thread alone: the seed's way to make a past."""
    token = _set_to.set(moment)
    try:
        yield
    finally:
        _set_to.reset(token)

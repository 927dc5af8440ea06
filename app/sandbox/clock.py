"""The sandbox's clock: the real time, plus what a test or a demonstration has added to it.

Every timed state (pending, stopping, …) is derived from a stored time and `now()`, so time can be
made to pass without waiting.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_offset = timedelta()


def now() -> datetime:
    """The sandbox's current time, aware and in UTC."""
    return datetime.now(UTC) + _offset


def advance(seconds: float) -> None:
    """Let `seconds` pass at once. Negative values would make things un-happen: ValueError."""
    global _offset
    if not seconds >= 0:
        raise ValueError(f"time only goes forward: {seconds!r} seconds is below 0")
    _offset += timedelta(seconds=seconds)


def reset() -> None:
    """Back to the real time."""
    global _offset
    _offset = timedelta()

"""How soon AWS is to be asked again about a watch, by what is known of it. Data in, data out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from app.resources.spec import LATE
from app.watches.estimates import Estimate, from_json
from app.watches.lateness import begun, late_since

QUICK = timedelta(seconds=60)  # what is done soon is done in the first minute
LONGEST = 15.0  # seconds between two looks: what is done must be told in 20
FAR = 60.0  # the same as long as nothing can be expected, going by a solid past
_SHARE = 20  # what takes longer may be told later: by such a part of how long it takes


def next_look(watch: Mapping[str, Any], now: datetime, poll_seconds: float) -> datetime:
    """When to ask AWS again about a watch (its columns, after what was found just now).

    On a grid of ``poll_seconds``, so that watches made at different moments are asked about in
    the same call.
    """
    latest = now + timedelta(seconds=_seconds(watch, now, poll_seconds))
    turns_late = late_since(watch) if LATE in watch["outcomes"] else None
    if turns_late is not None and LATE not in watch["passed"] and turns_late >= now:
        latest = min(latest, turns_late + timedelta(seconds=poll_seconds))
    slot = max(
        math.floor(now.timestamp() / poll_seconds) + 1,
        math.floor(latest.timestamp() / poll_seconds),
    )
    return datetime.fromtimestamp(slot * poll_seconds, UTC)


def _seconds(watch: Mapping[str, Any], now: datetime, poll_seconds: float) -> float:
    if now < watch["made_at"] + QUICK:
        return poll_seconds
    expected = from_json(watch["expected"])
    seconds = _by_past(expected, now) if expected else _part(now - begun(watch))
    return max(poll_seconds, seconds)


def _by_past(expected: Estimate, now: datetime) -> float:
    """By what its past says: often while it may be done any moment, seldom long before."""
    left = expected.shortest_at - now
    if left > timedelta(0):
        early = now < expected.started_at + (expected.shortest_at - expected.started_at) / 2
        longest = FAR if expected.is_solid and early else LONGEST
        return min(left.total_seconds() / 2, longest)
    slowest = expected.started_at + timedelta(seconds=expected.past[-1])
    return _part(now - slowest) if now > slowest else 0.0


def _part(elapsed: timedelta) -> float:
    return min(max(elapsed.total_seconds(), 0.0) / _SHARE, LONGEST)

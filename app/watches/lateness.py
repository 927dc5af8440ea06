"""When a watch counts as late: longer than a person said, or than three times what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.resources import AWAITED

USUALLY = 3  # so many times what is usual is late, where no limit was set


def limit_of(watch: Mapping[str, Any]) -> int | None:
    """After how many seconds a watch is late; None: nobody said, and nothing is known of a past."""
    limit: int | None = watch["late_after"]
    usual: float | None = (watch["expected"] or {}).get("usual")
    if limit is None and usual is not None:
        limit = round(USUALLY * usual)
    return limit


def begun(watch: Mapping[str, Any]) -> datetime:
    """Since when what a watch waits for has been under way.

    AWS says since when, where it began but once. An instance has been running for weeks when
    somebody wants to be told that it is stopped: then it counts from the watch on.
    """
    awaited = AWAITED[watch["kind"]]
    told: datetime | None = watch["started_at"]
    made: datetime = watch["made_at"]
    return made if told is None or (awaited.repeats and not awaited.dated) else told


def late_since(watch: Mapping[str, Any]) -> datetime | None:
    """When a watch begins, or has begun, to be late; None if it never does."""
    limit = limit_of(watch)
    return None if limit is None else begun(watch) + timedelta(seconds=limit)

"""Times that others wrote, read with care: one that is none must not stop what goes by it."""

from __future__ import annotations

from datetime import UTC, datetime

# What lies outside was never told: 0001-01-01 is how some say that they do not know. And with
# these, sums and differences of them are still times.
_YEARS = range(1971, 3000)


def moment_of(told: object) -> datetime | None:
    """The time that a text in ISO 8601 tells, in UTC; None if it tells none that can be."""
    try:
        moment = datetime.fromisoformat(str(told))
    except ValueError:
        return None  # absent, or not a time: as good as not told
    if moment.year not in _YEARS:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

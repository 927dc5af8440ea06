"""What a rule would have caught lately, before it is saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from app.inventory import Inventory
from app.inventory.expressions import All, Between, Contains, Equals, Expression, Not, Some, Starts
from app.inventory.filters import parse
from app.resources.spec import Row
from app.watches.ruled import RULED

DAYS = 30
SHOWN = 20
# What says how far a resource is: it was otherwise while it was under way.
_PASSING = frozenset({"state", "progress", "completed", "state_message", "tier"})


@dataclass(frozen=True)
class Preview:
    """What fits a filter, of the last 30 days.

    ``total``: how many resources it would have caught, ``gone`` of them being gone since, and
    ``rows`` the newest. ``days``: for each day, the oldest first, how many began; of a kind that
    repeats, how many times one of the outcomes was reached. ``known_since``: since when it is
    known what came and went. ``passing``: columns in the filter that were otherwise at the time.
    """

    total: int
    gone: int
    rows: list[Row]
    days: list[tuple[date, int]]
    known_since: datetime | None
    passing: list[str]

    @property
    def times(self) -> int:
        """How many things happened in all of these days."""
        return sum(number for _, number in self.days)


def preview(
    inventory: Inventory, kind: str, text: str, outcomes: Sequence[str], now: datetime
) -> Preview:
    """What a rule of that kind and filter would have caught. Raises FilterError."""
    ruled = RULED[kind]
    expression = parse(text, ruled.resource, now)
    first = (now - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    repeats = ruled.awaited.repeats
    since = datetime.fromtimestamp(0, UTC) if repeats else first
    found = inventory.begun(kind, expression, ruled.began, since, SHOWN)
    times = found.times
    if repeats:
        times = _reached(inventory, kind, expression, outcomes, first)
    passing = sorted({*_keys(expression)} & _PASSING) if expression else []
    return Preview(
        len(found.times),
        found.gone,
        found.rows,
        _by_day(times, first),
        inventory.noted_since(),
        passing,
    )


def _reached(
    inventory: Inventory,
    kind: str,
    expression: Expression | None,
    outcomes: Sequence[str],
    since: datetime,
) -> list[float]:
    """When one of the outcomes was reached by what fits the filter, as far as it was seen."""
    chosen = [each for each in RULED[kind].awaited.outcomes if each.name in outcomes]
    states = [state for outcome in chosen for state in outcome.states]
    fitting = inventory.fitting(kind, expression)
    seen = inventory.reached(kind, states, since)
    return [at.timestamp() for resource_id, at in seen if resource_id in fitting]


def _by_day(times: Sequence[float], first: datetime) -> list[tuple[date, int]]:
    counted = Counter(datetime.fromtimestamp(time, UTC).date() for time in times)
    days = (first.date() + timedelta(days=number) for number in range(DAYS))
    return [(day, counted[day]) for day in days]


def _keys(expression: Expression) -> Iterator[str]:
    if isinstance(expression, Not):
        yield from _keys(expression.of)
    elif isinstance(expression, (All, Some)):
        for one in expression.of:
            yield from _keys(one)
    elif isinstance(expression, (Equals, Contains, Starts, Between)):
        yield expression.key

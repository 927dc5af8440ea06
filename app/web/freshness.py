"""How true a list is, told in one line whatever the number of regions and accounts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.inventory import Freshness, Query

OLD = 60.0  # seconds; a list that is looked at should be younger


@dataclass(frozen=True)
class Told:
    """What a list says of its age.

    ``places``: the regions that the list is of; ``failing``, ``unread``: those of them that
    cannot be read now, and that never were; ``read``: how many resources a first reading under
    way has come to; ``seen_at``, ``age``: of the oldest of the others, in seconds; None if there
    is none.
    """

    places: Sequence[Freshness]
    failing: Sequence[Freshness]
    unread: Sequence[Freshness]
    read: int
    seen_at: datetime | None
    age: float | None

    @property
    def empty(self) -> bool:
        """Whether nothing was ever read."""
        return all(place.seen_at is None for place in self.places)

    @property
    def old(self) -> bool:
        """Whether it is older than a list that is looked at should be."""
        return self.age is not None and self.age > OLD


def tell(
    places: Sequence[Freshness],
    scopes: Collection[tuple[str, str]],
    query: Query,
    now: datetime,
) -> Told:
    """What to say of these places, and of the others of ``scopes`` (account, region).

    Of those only that ``query`` has not left out.
    """
    tried = {(place.account, place.region) for place in places}
    others = [
        Freshness(account, region, None, trying=False, error=None, count=0)
        for account, region in scopes
        if (account, region) not in tried
    ]
    shown = [place for place in [*places, *others] if _asked(place, query)]
    failing = [place for place in shown if place.error]
    unread = [place for place in shown if not place.error and place.seen_at is None]
    seen = [place.seen_at for place in shown if place.seen_at and not place.error]
    oldest = min(seen, default=None)
    age = None if oldest is None else seconds_since(oldest, now)
    read = sum(place.read_count or 0 for place in unread)
    return Told(shown, failing, unread, read, oldest, age)


def seconds_since(seen_at: datetime, now: datetime) -> float:
    """How old what was seen then is; 0 if the clock was set back since."""
    return max(0.0, (now - seen_at).total_seconds())


def _asked(place: Freshness, query: Query) -> bool:
    for name, value in (("region", place.region), ("account", place.account)):
        chosen = query.facets.get(name)
        if chosen and value not in chosen:
            return False
    return True

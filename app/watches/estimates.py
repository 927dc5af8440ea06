"""When a snapshot will be done, going by the past snapshots of its volume. Data in, data out.

AWS's Progress is no honest measure, but how long the same volume took before is one: most of its
snapshots hold what was changed since the one before. How far the past varies is told as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.resources.spec import Row
from app.watches.facts import lasting
from app.watches.moments import moment_of

MOST = 20  # of the latest past snapshots; older ones tell of another time
SOLID = 5  # from so many on the past is something to go by
_TENTHS = 10  # from so many on the fastest and slowest tenth are left out of the spread
_EXACT = timedelta(minutes=5)  # what takes longer is told without seconds


@dataclass(frozen=True)
class Estimate:
    """When what began at ``started_at`` will be done, if it was not done when this was made.

    Between ``early_at`` and ``late_at`` most likely, in the middle of the past at ``median_at``.
    ``basis``: how many past snapshots it goes by; ``usual_seconds``: their median. ``past``: how
    many seconds they took, the quickest first. ``beyond``: it takes longer than any of them; then
    the three times are when the slowest of them would have been done.
    """

    median_at: datetime
    early_at: datetime
    late_at: datetime
    basis: int
    usual_seconds: float
    started_at: datetime
    past: tuple[float, ...]
    beyond: bool = False

    @property
    def shortest_at(self) -> datetime:
        """When the quickest of the past would have been done."""
        return self.started_at + timedelta(seconds=self.past[0])

    @property
    def is_solid(self) -> bool:
        """Whether it goes by enough to rely on."""
        return self.basis >= SOLID

    def given(self, now: datetime) -> Estimate:
        """The same for one that is not done at ``now``."""
        return estimate(self.past, self.started_at, now) or self

    def words(self, now: datetime) -> str:
        """For one that is not done at ``now``: when, between when and when, going by what."""
        given = self.given(now)
        if given.beyond:
            return f"longer than {_before(given.basis)}, which took {_range(given.past)}"
        times = (given.median_at, given.early_at, given.late_at)
        about, early, late = (_shown(moment, now, given) for moment in times)
        elapsed = (now - self.started_at).total_seconds()
        longer = sum(seconds > elapsed for seconds in given.past)
        if given.basis < 3 or longer == 1:
            few = _few(given.basis)
            return f"about {about} UTC, going by {few}, which is little"
        spread = f"between {early} and {late} UTC"
        those = "" if longer == given.basis else f"the {longer} slowest of "
        return f"about {about}, {spread}, going by {those}{given.basis} snapshots of this volume"

    def to_json(self) -> dict[str, Any]:
        """As it is kept in the column ``expected``."""
        return {
            "median_at": self.median_at.isoformat(),
            "early_at": self.early_at.isoformat(),
            "late_at": self.late_at.isoformat(),
            "basis": self.basis,
            "usual": self.usual_seconds,
            "started_at": self.started_at.isoformat(),
            "past": list(self.past),
        }


NOTHING_KNOWN: dict[str, Any] = {"basis": 0}  # as expected is kept where there is no past


def from_json(kept: Mapping[str, Any] | None) -> Estimate | None:
    """The estimate that the column ``expected`` holds; None where there is none."""
    if not kept or not kept["basis"]:
        return None
    median_at, early_at, late_at, started_at = (
        datetime.fromisoformat(kept[name])
        for name in ("median_at", "early_at", "late_at", "started_at")
    )
    past = tuple(kept["past"])
    return Estimate(median_at, early_at, late_at, kept["basis"], kept["usual"], started_at, past)


def estimate(past: Sequence[float], started_at: datetime, now: datetime) -> Estimate | None:
    """When what began at ``started_at`` and is not done at ``now`` will be done.

    ``past``: how many seconds others took, in any order. None if there are none.
    """
    took = sorted(seconds for seconds in past if seconds >= 0)
    if not took:
        return None
    elapsed = (now - started_at).total_seconds()
    # Those that were done by then tell nothing of one that is not.
    longer = [seconds for seconds in took if seconds > elapsed]
    left = longer or took[-1:]
    low, high = (0.1, 0.9) if len(left) >= _TENTHS else (0.0, 1.0)
    early, middle, late = (
        started_at + timedelta(seconds=_quantile(left, share)) for share in (low, 0.5, high)
    )
    return Estimate(
        middle,
        early,
        late,
        len(took),
        _quantile(took, 0.5),
        started_at,
        tuple(took),
        beyond=not longer,
    )


def durations(rows: Iterable[Row]) -> list[float]:
    """How many seconds each of these snapshots of one volume took: the last MOST completed ones.

    The first of a volume holds all of it, the others what was changed. So the earliest known does
    not count if it took longer than all others, and there are enough of these.
    """
    spans = []
    for row in rows:
        began, ended = moment_of(row.cells.get("started")), moment_of(row.cells.get("completed"))
        if row.state == "completed" and began and ended and ended >= began:
            spans.append((began, (ended - began).total_seconds()))
    took = [seconds for _, seconds in sorted(spans)]
    if len(took) > 3 and took[0] > max(took[1:]):
        del took[0]
    return took[-MOST:]


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _shown(moment: datetime, now: datetime, given: Estimate) -> str:
    # with seconds where it is about short ones, with the day where it is another one
    moment, today = moment.astimezone(UTC), now.astimezone(UTC).date()
    exact = timedelta(seconds=given.past[-1]) < _EXACT
    day = "" if moment.date() == today else "%Y-%m-%d "
    return moment.strftime(day + ("%H:%M:%S" if exact else "%H:%M"))


def _few(count: int) -> str:
    told = {1: "a single one before", 2: "only two before"}
    return told.get(count, f"the slowest of {count} snapshots of this volume alone")


def _before(count: int) -> str:
    return {1: "the one before", 2: "the two before"}.get(count, f"any of the {count} before")


def _range(past: Sequence[float]) -> str:
    shortest, longest = lasting(round(past[0])), lasting(round(past[-1]))
    return shortest if shortest == longest else f"{shortest} to {longest}"

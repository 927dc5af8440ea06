"""What rules can be made for, and which resources of it they concern."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.aws.under_way import UNDER_WAY
from app.inventory.filters import Expression
from app.inventory.match import holds
from app.resources import AWAITED, RESOURCES
from app.resources.spec import Awaited, Resource, Row
from app.watches.outcomes import facts

# The clock by which AWS says when something began, and ours, may differ by so much.
LEEWAY = timedelta(seconds=60)
YOUNG = timedelta(days=1)
# The column that tells when a resource began.
_BEGAN = {"snapshot": "started", "image": "created", "volume": "created", "instance": "launched"}


@dataclass(frozen=True)
class Ruled:
    """A kind that rules can be made for: what is awaited, and where the inventory has it."""

    awaited: Awaited
    resource: Resource
    began: str
    under_way: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The kind of its watches, which is the resource's too."""
        return self.awaited.kind


RULED: dict[str, Ruled] = {
    kind: Ruled(AWAITED[kind], RESOURCES[kind], _BEGAN[kind], UNDER_WAY[kind].states)
    for kind in _BEGAN
    if kind in AWAITED
}


def began(row: Row) -> datetime | None:
    """When AWS says that a resource began; None where it does not."""
    moment: datetime | None = facts(AWAITED[row.kind], row.description).get("started_at")
    return moment


def fits(expression: Expression | None, row: Row) -> bool:
    """Whether a rule's filter holds for a row."""
    return expression is None or holds(expression, RESOURCES[row.kind], row)


def is_new(
    row: Row, since: datetime, now: datetime, came_at: Callable[[Row], datetime | None]
) -> bool:
    """Whether a resource began after ``since``, and is not over for long.

    Over for a day is long, unless we know of it only since then (``came_at`` tells): a tag that is
    put on an old snapshot sends nothing, and what ended while nobody looked is told.
    """
    if not _after(began(row), since):
        return False
    return _recent(row, now) or _after(came_at(row), now - YOUNG)


def concerns(row: Row, new: bool) -> bool:
    """Whether a rule is for a resource that fits its filter; ``new``: it began while it was on.

    One that is new in whatever state it is, so that what was too quick for us is told of as well;
    another one while it is under way. Of what came and went between two looks it is not known what
    it reached, if it was not still under way. What repeats is always on its way to something.
    """
    ruled = RULED[row.kind]
    if ruled.awaited.repeats:
        return not row.gone
    under_way = row.state in ruled.under_way
    return (new and under_way) if row.gone else (new or under_way)


def _after(moment: datetime | None, since: datetime) -> bool:
    return moment is not None and moment >= since - LEEWAY


def _recent(row: Row, now: datetime) -> bool:
    told: Mapping[str, object] = facts(AWAITED[row.kind], row.description)
    moments = (told.get("started_at"), told.get("completed_at"))
    return any(isinstance(each, datetime) and each >= now - YOUNG for each in moments)

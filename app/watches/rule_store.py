"""Rules as they are kept: made, changed, switched and deleted, each in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Engine, delete, func, select, update

from app.db import insert_new
from app.inventory.entry import clean
from app.inventory.filters import FilterError, parse
from app.resources.spec import LATE
from app.watches.harmless import harmless
from app.watches.ruled import RULED
from app.watches.store import WatchError, check_outcomes, check_topic
from app.watches.tables import rules

LONGEST_LATE = 366 * 86_400  # seconds
_NAME_LENGTH = 200
# A change of these makes a rule another one: what is under way is looked at anew.
ESSENTIAL = ("kind", "filter", "topic_arn", "outcomes", "late_after", "enabled")


@dataclass(frozen=True)
class Draft:
    """A rule as a person asks for it. ``late_after``: seconds, None: three times what is usual."""

    name: str
    kind: str
    filter: str
    topic_arn: str
    outcomes: Sequence[str]
    late_after: int | None = None
    enabled: bool = True


@dataclass(frozen=True)
class Rule:
    """Which resources get a watch by themselves.

    ``changed_at``: since when it is as it is; what began before gets a watch only if it was still
    under way. ``cursor``: the kind's revision up to which resources have been looked at. ``error``:
    why it cannot do its work, or empty.
    """

    id: str
    name: str
    kind: str
    filter: str
    topic_arn: str
    outcomes: tuple[str, ...]
    late_after: int | None
    enabled: bool
    made_at: datetime
    changed_at: datetime
    actor: str
    cursor: int
    caught: int
    caught_at: datetime | None
    error: str

    @property
    def essence(self) -> tuple[object, ...]:
        """What makes it catch what it catches: another one, and it begins anew."""
        return (self.changed_at, *(getattr(self, name) for name in ESSENTIAL))


def rule_of(record: Any) -> Rule:
    """A rule from its row."""
    told = {name: getattr(record, name) for name in Rule.__dataclass_fields__}
    return Rule(**{**told, "outcomes": tuple(record.outcomes)})


class RuleStore:
    """Reads and writes rules."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def list(self) -> list[Rule]:
        """All rules, by name."""
        order = (func.lower(rules.c.name), rules.c.id)
        with self._engine.connect().execution_options(reading=True) as connection:
            return [rule_of(row) for row in connection.execute(select(rules).order_by(*order))]

    def get(self, rule_id: str) -> Rule | None:
        """The rule of that id, or None."""
        with self._engine.connect().execution_options(reading=True) as connection:
            found = connection.execute(select(rules).where(rules.c.id == rule_id)).one_or_none()
        return None if found is None else rule_of(found)

    def make(self, draft: Draft, actor: str, token: str = "") -> str:
        """Make a rule; returns its id. The same ``token`` again gives the rule that it made.

        Raises WatchError with the field that is wrong.
        """
        values = _values(draft, self._clock())
        name = sha256((token or secrets.token_hex(16)).encode()).hexdigest()[:16]
        key, now = {"id": f"rule-{name}"}, self._clock()
        with self._engine.begin() as connection:
            insert_new(
                connection,
                rules,
                key,
                **values,
                actor=harmless(actor),
                made_at=now,
                changed_at=now,
            )
        return key["id"]

    def change(self, rule_id: str, draft: Draft, actor: str) -> bool:
        """Change a rule; False if there is none. Raises WatchError with the field that is wrong.

        Unless it is its name alone, it begins anew: what is under way now is looked at.
        """
        now = self._clock()
        values = _values(draft, now)
        with self._engine.begin() as connection:
            held = connection.execute(
                select(rules).where(rules.c.id == rule_id).with_for_update()
            ).one_or_none()
            if held is None:
                return False
            values["actor"] = harmless(actor)
            if any(values[name] != getattr(held, name) for name in ESSENTIAL):
                values |= {"changed_at": now, "cursor": 0, "error": ""}
            connection.execute(update(rules).where(rules.c.id == rule_id).values(values))
        return True

    def switch(self, rule_id: str, on: bool, actor: str) -> bool:
        """Switch a rule on or off; False if there is none, or it is so already."""
        values = {"enabled": on, "changed_at": self._clock(), "cursor": 0, "error": ""}
        here = (rules.c.id == rule_id, rules.c.enabled != on)
        with self._engine.begin() as connection:
            done = connection.execute(
                update(rules).where(*here).values(**values, actor=harmless(actor))
            )
        return done.rowcount == 1

    def remove(self, rule_id: str) -> bool:
        """Delete a rule, if there is one; what it has promised is kept."""
        with self._engine.begin() as connection:
            return connection.execute(delete(rules).where(rules.c.id == rule_id)).rowcount == 1


def _values(draft: Draft, now: datetime) -> dict[str, Any]:
    """The columns of a draft. Raises WatchError."""
    name = harmless(draft.name, _NAME_LENGTH).strip()
    if not name:
        raise WatchError("A rule needs a name, by which it is found again.", "name")
    if draft.kind not in RULED:
        known = ", ".join(RULED)
        raise WatchError(f"There are rules for {known}, not for {draft.kind[:40]!r}.", "kind")
    ruled = RULED[draft.kind]
    try:
        parse(draft.filter, ruled.resource, now)
    except FilterError as error:
        place = "" if error.position is None else f"At character {error.position + 1}: "
        raise WatchError(place + error.message, "filter") from None
    if draft.late_after is not None and not 0 < draft.late_after <= LONGEST_LATE:
        raise WatchError("From one minute to 366 days.", "late_after")
    if ruled.awaited.repeats and LATE in draft.outcomes:
        one = ruled.awaited.one
        raise WatchError(f"An {one} that is there for long is not late.", "outcomes")
    return {
        "name": name,
        "kind": draft.kind,
        "filter": clean(draft.filter).strip(),
        "topic_arn": check_topic(draft.topic_arn),
        "outcomes": check_outcomes(ruled.awaited, draft.outcomes),
        "late_after": draft.late_after,
        "enabled": draft.enabled,
    }

"""What is promised to a rule's topic already, and what is still to be: a watch for each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from app.resources.spec import Row
from app.watches.outcomes import LAG, OPEN
from app.watches.rule_store import Rule
from app.watches.ruled import RULED, began
from app.watches.tables import watches


@dataclass(frozen=True)
class Caught:
    """A resource that a rule is for; ``new``: it has begun while the rule was on."""

    row: Row
    new: bool

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies it."""
        return (self.row.account, self.row.region, self.row.id)


Wish = tuple[Row, Sequence[str]]  # a watch to be put on: where, and the outcomes that it tells


def wishes(connection: Connection, rule: Rule, caught: Sequence[Caught]) -> list[Wish]:
    """The watches that are to be made now, as the transaction sees those that there are."""
    if RULED[rule.kind].awaited.repeats:
        return _each_time(connection, rule, caught)
    promised: dict[Any, set[str]] = defaultdict(set)
    for record in _on(connection, rule, caught):
        promised[record.account, record.region, record.resource_id] |= {*record.outcomes}
    # Whoever asked for it; and a person who cancelled a watch does not want it back.
    return [(one.row, rule.outcomes) for one in caught if not promised[one.key] >= {*rule.outcomes}]


def _each_time(connection: Connection, rule: Rule, caught: Sequence[Caught]) -> list[Wish]:
    """For each outcome a watch of its own, so that it is told of every time.

    The next one is put on when the last has ended and the resource is something else again.
    """
    last = {
        (record.account, record.region, record.resource_id, outcome): record
        for record in _on(connection, rule, caught)
        if record.rule_id == rule.id
        for outcome in record.outcomes
    }
    return [
        (one.row, (name,))
        for one in caught
        for name in rule.outcomes
        if _is_due(rule, one, name, last.get((*one.key, name)))
    ]


def _is_due(rule: Rule, one: Caught, name: str, last: Any) -> bool:
    ruled = RULED[rule.kind]
    reached = one.row.state in ruled.awaited.outcome(name).states
    may_come = not reached and ruled.resource.state_class(one.row.state) != "gone"
    if last is None:
        return may_come or (reached and one.new)
    if last.state in (*OPEN, "cancelled"):
        return False
    # So shortly after a watch has ended, the inventory may show what was before.
    return may_come and (_was_restarted(one.row, last) or one.row.seen_at > last.ended_at + LAG)


def _was_restarted(row: Row, last: Any) -> bool:
    now, then = began(row), last.started_at
    return bool(now and then and now > then)


def _on(connection: Connection, rule: Rule, caught: Sequence[Caught]) -> Sequence[Any]:
    """The watches on these resources that publish to the rule's topic, the oldest first."""
    keys = ("account", "region", "resource_id", "rule_id")
    names = (*keys, "outcomes", "state", "started_at", "ended_at")
    of_topic = (watches.c.kind == rule.kind, watches.c.topic_arn == rule.topic_arn)
    query = select(*(watches.c[name] for name in names)).where(*of_topic)
    query = query.where(watches.c.resource_id.in_([one.row.id for one in caught]))
    return connection.execute(query.order_by(watches.c.id)).all()

"""The evaluator of the rules: what was written in the inventory is held against each of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, Engine, select, update

from app.aws.turns import give_way
from app.inventory import FilterError, Inventory
from app.inventory.filters import parse
from app.inventory.tables import kinds
from app.resources.spec import Row
from app.watches.rule_store import Rule, rule_of
from app.watches.ruled import RULED, concerns, fits
from app.watches.store import WatchError, put_on
from app.watches.tables import rules, watches

_log = structlog.get_logger(__name__)
PORTION = 250  # rows of the inventory that are looked at in one step
# How far a rule has come is written down with what it caught, else now and then: what is looked at
# again after a restart finds its watches there.
_WRITE_EVERY = timedelta(seconds=10)


@dataclass(frozen=True)
class _Look:
    """How far this process has looked for a rule, and when that was last written down."""

    of: tuple[object, ...]  # the rule as it was then
    reached: int
    written_at: datetime


class Catcher:
    """Gives the resources that rules are for their watches.

    Any number of processes may do so: what a rule has caught, and how far it has looked, is
    written in one transaction, which holds the rule's row.
    """

    def __init__(self, engine: Engine, inventory: Inventory) -> None:
        self._engine = engine
        self._inventory = inventory
        self._looks: dict[str, _Look] = {}

    def step(self, now: datetime) -> bool:
        """A portion of what was written since, for each rule; whether there was any."""
        behind = self._behind()
        done = [self._advance(rule, now) for rule in behind]
        return any(done)

    def _behind(self) -> list[Rule]:
        """The rules for which something was written that they have not been held against."""
        query = select(rules, kinds.c.revision).join(kinds, kinds.c.kind == rules.c.kind)
        query = query.where(rules.c.enabled, kinds.c.revision > rules.c.cursor)
        query = query.order_by(rules.c.made_at, rules.c.id)
        with self._engine.connect().execution_options(reading=True) as connection:
            found = [(rule_of(row), row.revision) for row in connection.execute(query)]
        return [rule for rule, revision in found if self._cursor(rule) < revision]

    def _cursor(self, rule: Rule) -> int:
        look = self._looks.get(rule.id)
        if look is None or look.of != rule.essence:
            return rule.cursor
        return max(look.reached, rule.cursor)

    def _advance(self, rule: Rule, now: datetime) -> bool:
        try:
            wanted = self._wanted_by(rule, now)
            rows, reached = self._inventory.since(rule.kind, self._cursor(rule), PORTION)
            self._write(rule, [row for row in rows if wanted(row)], reached, now)
        except (FilterError, WatchError) as error:  # an upgrade has taken away what it names
            self._complain(rule, str(error))
            return False
        return True

    def _wanted_by(self, rule: Rule, now: datetime) -> Callable[[Row], bool]:
        expression = parse(rule.filter, RULED[rule.kind].resource, now)

        def wanted(row: Row) -> bool:
            give_way()
            if not fits(expression, row) or not row.description:  # forgotten for good meanwhile
                return False
            return concerns(row, rule.changed_at, now, self._inventory.came_at)

        return wanted

    def _write(self, rule: Rule, caught: Sequence[Row], reached: int, now: datetime) -> None:
        look = self._looks.get(rule.id)
        written_at = look.written_at if look and look.of == rule.essence else None
        if caught or written_at is None or abs(now - written_at) >= _WRITE_EVERY:
            with self._engine.begin() as connection:
                if _move(connection, rule, reached):
                    _catch(connection, rule, caught, now)
            written_at = now
        self._looks[rule.id] = _Look(rule.essence, reached, written_at)

    def _complain(self, rule: Rule, text: str) -> None:
        if text == rule.error:
            return
        _log.warning("a rule cannot be held", rule=rule.id, error=text)
        here = (rules.c.id == rule.id, rules.c.changed_at == rule.changed_at)
        with self._engine.begin() as connection:
            connection.execute(update(rules).where(*here).values(error=text))


def _move(connection: Connection, rule: Rule, reached: int) -> bool:
    """Take the rule's row until the transaction ends; False if it is another rule meanwhile."""
    here = (rules.c.id == rule.id, rules.c.enabled, rules.c.changed_at == rule.changed_at)
    behind = rules.c.cursor < reached
    moved = update(rules).where(*here, behind).values(cursor=reached, error="")
    return connection.execute(moved).rowcount == 1


def _catch(connection: Connection, rule: Rule, rows: Sequence[Row], now: datetime) -> None:
    """Put watches on rows, but where what the rule is to tell is told already."""
    promised = _promised(connection, rule, [row.id for row in rows])
    due = [row for row in rows if not promised[row.account, row.region, row.id] >= {*rule.outcomes}]
    for row in due:
        watch = put_on(
            connection,
            now,
            kind=rule.kind,
            account=row.account,
            region=row.region,
            found=row.description,
            source_name="",
            topic_arn=rule.topic_arn,
            outcomes=rule.outcomes,
            late_after=rule.late_after,
            actor=f"the rule {rule.name}",
            rule_id=rule.id,
        )
        _log.info("a rule has caught", rule=rule.id, watch=watch, resource=row.id)
    if due:
        counted = update(rules).where(rules.c.id == rule.id)
        connection.execute(counted.values(caught=rules.c.caught + len(due), caught_at=now))


def _promised(
    connection: Connection, rule: Rule, ids: Sequence[str]
) -> defaultdict[tuple[str, str, str], set[str]]:
    """The outcomes that the topic is told of already, or was, by account, region and id.

    Whoever asked for it; a person who cancelled a watch does not want it back.
    """
    of_topic = (watches.c.kind == rule.kind, watches.c.topic_arn == rule.topic_arn)
    columns = (watches.c.account, watches.c.region, watches.c.resource_id, watches.c.outcomes)
    query = select(*columns).where(*of_topic, watches.c.resource_id.in_(ids))
    found: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    for account, region, resource_id, outcomes in connection.execute(query):
        found[account, region, resource_id] |= {*outcomes}
    return found

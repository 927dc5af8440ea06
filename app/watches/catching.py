"""The evaluator of the rules: what was written in the inventory is held against each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, Engine, select, update

from app.aws.turns import give_way
from app.db import DATABASE_FAULTS
from app.inventory import FilterError, Inventory
from app.inventory.filters import Expression, parse
from app.inventory.tables import kinds
from app.resources.spec import Row
from app.watches.promises import Caught, Wish, wishes
from app.watches.rule_store import Rule, rule_of
from app.watches.ruled import RULED, concerns, fits, is_new
from app.watches.store import WatchError, put_on
from app.watches.tables import rules

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
        done = [self._try(rule, now) for rule in self._behind()]
        return any(done)

    def _try(self, rule: Rule, now: datetime) -> bool:
        """What keeps one rule from its work must not keep the others from theirs."""
        try:
            return self._advance(rule, now)
        except DATABASE_FAULTS:
            raise
        except Exception as error:  # noqa: BLE001 - it is logged, and told on the page of the rule
            _log.exception("a rule failed", rule=rule.id)
            self._complain(rule, f"{type(error).__name__}: it is tried again. See the log.")
            return False

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
            expression = parse(rule.filter, RULED[rule.kind].resource, now)
            rows, reached = self._inventory.since(rule.kind, self._cursor(rule), PORTION)
            self._write(rule, self._caught(rule, expression, rows, now), reached, now)
        except (FilterError, WatchError) as error:  # an upgrade has taken away what it names
            self._complain(rule, str(error))
            return False
        return True

    def _caught(
        self, rule: Rule, expression: Expression | None, rows: Sequence[Row], now: datetime
    ) -> list[Caught]:
        found = []
        for row in rows:
            give_way()
            # without a description: forgotten for good meanwhile
            if fits(expression, row) and row.description:
                new = is_new(row, rule.changed_at, now, self._inventory.came_at)
                if concerns(row, new):
                    found.append(Caught(row, new))
        return found

    def _write(self, rule: Rule, caught: Sequence[Caught], reached: int, now: datetime) -> None:
        look = self._looks.get(rule.id)
        written_at = look.written_at if look and look.of == rule.essence else None
        if caught or written_at is None or abs(now - written_at) >= _WRITE_EVERY:
            with self._engine.begin() as connection:
                if _move(connection, rule, reached):
                    _put_on(connection, rule, wishes(connection, rule, caught), now)
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


def _put_on(connection: Connection, rule: Rule, wanted: Sequence[Wish], now: datetime) -> None:
    for row, outcomes in wanted:
        watch = put_on(
            connection,
            now,
            kind=rule.kind,
            account=row.account,
            region=row.region,
            found=row.description,
            source_name="",
            topic_arn=rule.topic_arn,
            outcomes=outcomes,
            late_after=rule.late_after,
            actor=f"the rule {rule.name}",
            rule_id=rule.id,
        )
        _log.info("a rule has caught", rule=rule.id, watch=watch, resource=row.id)
    if wanted:
        counted = update(rules).where(rules.c.id == rule.id)
        connection.execute(counted.values(caught=rules.c.caught + len(wanted), caught_at=now))

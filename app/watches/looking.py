"""Looking for what has just begun, where there are rules for it: every minute, cheaply.

A complete refresh of a list that nobody looks at comes every ten minutes only. What is under way
is read by its state, and handed to the collector as everything that is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine, select, update

from app.aws.accounts import Accounts
from app.aws.errors import AwsError
from app.aws.impatient import impatient
from app.aws.under_way import UNDER_WAY
from app.watches.pace import TURNS, Pacing, Turns, reserve
from app.watches.poller import Learn
from app.watches.ruled import RULED
from app.watches.tables import SKEW, is_due, paces, regions, rules

_log = structlog.get_logger(__name__)
EVERY = timedelta(seconds=60)
AFTER_TROUBLE = timedelta(minutes=3)
Clock = Callable[[], datetime]


class Looker:
    """Shares the looks with those of other processes, and the calls with the pollers of all."""

    def __init__(
        self, engine: Engine, accounts: Accounts, learn: Learn, pacing: Pacing, clock: Clock
    ) -> None:
        self._engine = engine
        self._accounts = accounts
        self._learn = learn
        self._turns = Turns(engine, TURNS, pacing.a_second, clock, pacing.sleep)

    def step(self, now: datetime) -> bool:
        """Read one kind in one account and region, if one is due; whether one was."""
        for kind, account, region in self._due(now):
            name = _name(kind, account, region)
            if reserve(self._engine, name, EVERY.total_seconds(), now) is not None:
                self._look(kind, account, region, now)
                return True
        return False

    def _due(self, now: datetime) -> Iterator[tuple[str, str, str]]:
        """What may be looked for now. One that is in trouble is left to the collector."""
        wanted = select(rules.c.kind).where(rules.c.enabled).distinct()
        ahead = select(paces.c.name).where(
            paces.c.next_at > now, paces.c.set_at <= now + SKEW, paces.c.name.startswith("look:")
        )
        troubled = select(regions.c.account, regions.c.region)
        troubled = troubled.where(regions.c.service == "ec2", ~is_due(regions, now))
        with self._engine.connect().execution_options(reading=True) as connection:
            kinds = [kind for kind in connection.scalars(wanted) if kind in RULED]
            if not kinds:
                return
            later = {*connection.scalars(ahead)}
            away = {(row.account, row.region) for row in connection.execute(troubled)}
        for account, region in self._accounts.scopes():
            for kind in kinds:
                if (account, region) not in away and _name(kind, account, region) not in later:
                    yield kind, account, region

    def _look(self, kind: str, account: str, region: str, now: datetime) -> None:
        try:
            clients = impatient(self._accounts.clients(account), self._turns.take)
            found = UNDER_WAY[kind].read(clients, region, account)
        except AwsError as error:
            _log.warning(
                "looking failed", kind=kind, account=account, region=region, error=str(error)
            )
            self._put_off(_name(kind, account, region), now)
            return
        if found:
            self._learn(kind, account, region, found, now)

    def _put_off(self, name: str, now: datetime) -> None:
        later = {"next_at": now + AFTER_TROUBLE, "set_at": now}
        with self._engine.begin() as connection:
            connection.execute(update(paces).where(paces.c.name == name).values(later))


def _name(kind: str, account: str, region: str) -> str:
    return f"look:{kind}:{account}:{region}"

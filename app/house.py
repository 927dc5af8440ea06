"""Everything that one running console is made of, wired together once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Engine

from app.aws.account import Memory, Source
from app.aws.accounts import Accounts
from app.aws.attempts import Listener
from app.aws.errors import AwsError
from app.aws.reference import References
from app.db import make_engine, now
from app.inventory import Collector, Inventory
from app.inventory.known_accounts import KnownAccounts
from app.inventory.recent import Recent
from app.metrics import Metrics
from app.migrate import upgrade
from app.resources import RESOURCES
from app.resources.spec import Row
from app.settings import Settings
from app.ticks import Ticks
from app.watches import Pacing, Rules, TurnsLeft, Watches

Answer = TypeVar("Answer")
_RECALLED = 256


@dataclass
class House:
    """The services of one console, shared by its threads."""

    settings: Settings
    engine: Engine
    accounts: Accounts
    references: References
    inventory: Inventory
    collector: Collector
    watches: Watches
    rules: Rules
    metrics: Metrics
    ticks: Ticks
    wake: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)

    _recalled: Recent[Any] = field(default_factory=lambda: Recent(_RECALLED))
    _warmed: set[tuple[str, str]] = field(default_factory=set)

    def attend(self, row: Row) -> datetime:
        """Have a resource whose page is open read again by the collector, soon.

        Returns when it was last seen to be as it is.
        """
        return self.collector.attend(row)

    def recall(self, key: Hashable, read: Callable[[], Answer]) -> Answer:
        """What ``read`` gives, read once for as long as nothing in the database is written."""
        found: Answer = self._recalled.get((self.inventory.written(), key), read)
        return found

    def warm(self) -> bool:
        """Load the index of a kind, or read what forms of a region offer; False: nothing to do."""
        if any(self.inventory.warm(kind) for kind in RESOURCES):
            return True
        scopes = self.accounts.scopes()
        scope = next((each for each in scopes if each not in self._warmed), None)
        if scope is None:
            return False
        self._warmed.add(scope)
        account, region = scope
        try:
            reference = self.references.of(account)
            reference.instance_types(region)
            reference.zones(region)
        except AwsError:
            return True  # no harm: the form that needs them reads them, and tells
        return True

    def hurry(self, now: datetime) -> bool:
        """Hear what the event queues tell, and have the poller look at it at once."""
        told = self.watches.hurry(now)
        if told:
            self.wake.set()
        return told

    def meet(self, now: datetime) -> bool:
        """Ask AWS, once in a while, who we are, so that no page has to wait for it."""
        return self.accounts.meet(now)


def make_accounts(
    settings: Settings, memory: Memory | None = None, listener: Listener | None = None
) -> Accounts:
    """The accounts of the settings."""
    return Accounts(
        [Source(*each) for each in settings.accounts],
        settings.regions,
        sandbox_url=settings.sandbox_url if settings.aws == "sandbox" else "",
        all_regions=settings.all_regions,
        memory=memory,
        listener=listener,
    )


def _connections(settings: Settings) -> int:
    # One for each thread: those that serve pages, the collector's, the background's; some spare.
    return settings.threads + settings.collectors + 16


def build(settings: Settings) -> House:
    """Wire a console together; brings the database up to date first."""
    engine = make_engine(settings.database_url, _connections(settings))
    upgrade(engine)
    ticks = Ticks()
    metrics = Metrics(engine, settings, ticks)
    accounts = make_accounts(settings, KnownAccounts(engine), metrics.called)
    return furnish(settings, engine, accounts, metrics, ticks)


def furnish(
    settings: Settings,
    engine: Engine,
    accounts: Accounts,
    metrics: Metrics,
    ticks: Ticks,
    clock: Callable[[], datetime] = now,
    wait: Callable[[float], object] | None = None,
) -> House:
    """The services over a database that is up to date; ``clock`` and ``wait`` are their time."""
    inventory = Inventory(engine, RESOURCES, clock)
    collector = Collector(inventory, accounts, RESOURCES, settings, wait)
    pacing = Pacing(settings.poll_seconds, settings.polls_per_second)
    watches = Watches(
        engine,
        accounts,
        inventory.get,
        collector.learn,
        past=inventory.snapshots_of,
        pacing=pacing,
        clock=clock,
        sent=metrics.sent,
        keep_for=timedelta(days=settings.keep_days),
        public_url=settings.public_url,
    )
    collector.leave(watches.watched)
    collector.share(TurnsLeft(engine, pacing, clock))
    return House(
        settings,
        engine,
        accounts,
        References(accounts),
        inventory,
        collector,
        watches,
        Rules(engine, accounts, inventory, collector.learn, pacing, clock),
        metrics,
        ticks,
    )

"""Everything that one running console is made of, wired together once."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from app.aws.clients import Clients, Identity
from app.aws.errors import AwsError
from app.aws.reference import Reference
from app.db import make_engine
from app.inventory import Collector, Inventory
from app.migrate import upgrade
from app.resources import RESOURCES
from app.resources.spec import Row
from app.settings import Settings
from app.watches import Watches

ATTEND = 10.0  # seconds between two readings of a resource whose page is open
IDENTITY_EVERY = timedelta(minutes=5)
IDENTITY_RETRY = timedelta(seconds=15)


@dataclass
class House:
    """The services of one console, shared by its threads."""

    settings: Settings
    engine: Engine
    clients: Clients
    reference: Reference
    inventory: Inventory
    collector: Collector
    watches: Watches
    wake: threading.Event = field(default_factory=threading.Event)
    has_background: bool = False
    ticked_at: datetime | None = None

    identity: Identity | None = None
    identity_error: AwsError | None = None
    _meet_again: datetime | None = None
    _attended: dict[tuple[str, str, str], float] = field(default_factory=dict)
    _warmed: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def account(self) -> str:
        """The account that we are in. Raises AwsError when AWS does not tell."""
        if self.identity is None:
            self.identity = self.clients.identity(self.settings.regions[0])
        return self.identity.account

    def attend(self, row: Row) -> None:
        """Have a resource whose page is open read again by the background thread, soon."""
        if row.gone:
            return
        with self._lock:
            self._attended.setdefault((row.kind, row.region, row.id), 0.0)

    def reread_attended(self, now: datetime) -> bool:
        """Read again, once in a while, the resources whose pages are open."""
        present = time.monotonic()
        with self._lock:
            due = [key for key, last in self._attended.items() if not last]
            old = [key for key, last in self._attended.items() if last and present - last > ATTEND]
            for key in old:
                del self._attended[key]
            for key in due:
                self._attended[key] = present
        for kind, region, resource_id in due:
            self.collector.reread(kind, self.account(), region, [resource_id], settle=False)
        return bool(due)

    def warm(self) -> bool:
        """Read, one region a time, what forms offer and what takes long to read."""
        if self.identity is None:
            return False
        region = next((each for each in self.settings.regions if each not in self._warmed), None)
        if region is None:
            return False
        self._warmed.add(region)
        try:
            self.reference.instance_types(region)
            self.reference.zones(region)
        except AwsError:
            return True  # no harm: the form that needs them reads them, and tells
        return True

    def meet(self, now: datetime) -> bool:
        """Ask AWS, once in a while, who we are, so that no page has to wait for it."""
        if self._meet_again is not None and self._meet_again > now:
            return False
        try:
            self.identity = self.clients.identity(self.settings.regions[0])
            self.identity_error = None
            self._meet_again = now + IDENTITY_EVERY
        except AwsError as error:
            self.identity_error = error
            if error.trouble == "credentials":
                self.clients.forget()  # somebody may be signing in to AWS just now
            self._meet_again = now + IDENTITY_RETRY
        return True


def build(settings: Settings) -> House:
    """Wire a console together; brings the database up to date first."""
    engine = make_engine(settings.database_url)
    upgrade(engine)
    clients = Clients(settings.sandbox_url if settings.aws == "sandbox" else "")
    inventory = Inventory(engine, RESOURCES)
    return House(
        settings,
        engine,
        clients,
        Reference(clients),
        inventory,
        Collector(inventory, clients, settings.regions, RESOURCES, settings),
        Watches(engine, clients, inventory.get, poll_seconds=settings.poll_seconds),
    )

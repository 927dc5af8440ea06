"""How many AWS calls the background makes in an hour, by a clock that jumps from tick to tick."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
from sqlalchemy import event

from app.aws.clients import Clients, Identity
from app.aws.operations import Repeat
from app.background import tick
from app.db import make_engine
from app.house import House, furnish
from app.metrics import Metrics
from app.migrate import upgrade
from app.settings import Settings
from app.ticks import Ticks
from tests.accounts import one_account

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNT = "123456789012"
REGIONS = ("us-east-1", "eu-central-1")
TOPIC = f"arn:aws:sns:{REGIONS[0]}:{ACCOUNT}:backups"
IDENTITY = timedelta(minutes=5)  # for so long Clients remembers who we are
STEP = timedelta(seconds=1)
PENDING = 1_000
HOUR = timedelta(hours=1)
PART = timedelta(minutes=5)  # pending snapshots are asked about evenly: a part tells the whole


class Account(Clients):
    """An account with pending snapshots and nothing else; counts what it is asked."""

    def __init__(self, pending: int) -> None:
        super().__init__()
        self.now = START
        self.calls: Counter[str] = Counter()
        self._known_since: datetime | None = None
        self._models = botocore.session.get_session()
        self.snapshots = {
            f"snap-{number:017x}": {
                "SnapshotId": f"snap-{number:017x}",
                "VolumeId": f"vol-{number:017x}",
                "OwnerId": ACCOUNT,
                "State": "pending",
                "Progress": "40%",
                "StartTime": START,
                "VolumeSize": 100,
            }
            for number in range(pending)
        }

    def client(self, service: str, region: str, repeat: Repeat = "read") -> Any:
        """As much of a client as is needed to know the shapes of an operation."""
        model = self._models.get_service_model(service)
        return SimpleNamespace(meta=SimpleNamespace(service_model=model))

    def wait(self, seconds: float) -> None:
        """Wait by this clock."""
        self.now += timedelta(seconds=seconds)

    def identity(self, region: str, fresh: bool = False) -> Identity:
        """As Clients.identity, remembered by this clock."""
        if fresh or self._known_since is None or self.now - self._known_since >= IDENTITY:
            self._known_since = self.now
            self.calls["GetCallerIdentity"] += 1
        return Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/bench", "bench")

    def send(
        self, service: str, operation: str, parameters: dict[str, Any], region: str, repeat: Repeat
    ) -> dict[str, Any]:
        """One call."""
        self.calls[operation] += 1
        if operation != "DescribeSnapshots" or region != REGIONS[0]:
            return {}
        wanted = parameters["Filters"][0]["Values"] if "Filters" in parameters else self.snapshots
        return {"Snapshots": [self.snapshots[each] for each in wanted]}


def run(folder: Path) -> dict[str, dict[str, int]]:
    """Calls an hour by operation: of an idle console, and of one with watched snapshots."""
    idle = hour(make_house(folder / "idle", 0), HOUR)
    looked_at = hour(make_house(folder / "looked-at", 0), HOUR, "instance")
    house = make_house(folder / "watched", PENDING)
    watch_all(house)
    whole = hour(house, PART)
    poller = hour(house, PART, only_poll=True)
    return {
        "idle console": idle,
        "one list open (under 1,000 resources)": looked_at,
        f"{PENDING:,} pending snapshots watched: the watches' poller": poller,
        f"{PENDING:,} pending snapshots watched: all of the console": whole,
    }


def make_house(folder: Path, pending: int) -> House:
    """A console of an account with so many pending snapshots; nobody looks at it."""
    settings = Settings(data=folder, regions=REGIONS, database_url="", sandbox_port=1)
    engine = make_engine(settings.database_url)
    # The calls are what counts here: the disk need not have what is written.
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF").close())
    upgrade(engine)
    account, ticks = Account(pending), Ticks()
    return furnish(
        settings,
        engine,
        one_account(ACCOUNT, REGIONS, account),
        Metrics(engine, settings, ticks),
        ticks,
        lambda: account.now,
        account.wait,
    )


def watch_all(house: House) -> None:
    """Put a watch on each of the account's snapshots."""
    account = _account(house)
    for snapshot in account.snapshots.values():
        house.watches.watch(
            kind="snapshot",
            account=ACCOUNT,
            region=REGIONS[0],
            found=snapshot,
            source_name="",
            topic_arn=TOPIC,
            outcomes=["completed", "failed", "vanished"],
            actor="bench",
        )


def hour(
    house: House, during: timedelta, looking_at: str = "", only_poll: bool = False
) -> dict[str, int]:
    """Let ``during`` pass, after a first minute; what was called then, reckoned to an hour."""
    _pass(house, timedelta(minutes=1), looking_at, only_poll)
    account = _account(house)
    account.calls.clear()
    _pass(house, during, looking_at, only_poll)
    calls = {name: round(count * (HOUR / during)) for name, count in account.calls.items()}
    return {"total": sum(calls.values()), **dict(sorted(calls.items()))}


def _pass(house: House, during: timedelta, looking_at: str, only_poll: bool) -> None:
    account = _account(house)
    end = account.now + during
    while account.now < end:
        account.now += STEP
        if looking_at:
            house.inventory._noted.clear()  # its throttle goes by the real clock
            house.inventory.want(looking_at)
        if only_poll:
            while house.watches.poll(account.now):
                pass
        else:
            while tick(house, account.now):
                pass


def _account(house: House) -> Account:
    account = house.accounts.clients()
    assert isinstance(account, Account)
    return account

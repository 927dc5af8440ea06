"""Rules under test: an inventory that a test fills, and a clock that it moves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from app.inventory import Inventory
from app.resources import RESOURCES
from app.watches import Draft, Pacing, Rule, Rules, Watches, WatchView
from tests.accounts import one_account
from tests.watches.fakes import ACCOUNT, REGION, START, TOPIC, FakeAws, FakeClients

NIGHTLY = {"Backup": "nightly"}
ONE, TWO = f"snap-{1:017x}", f"snap-{2:017x}"


def snapshot(number: int, state: str = "pending", **more: Any) -> dict[str, Any]:
    """A description of a snapshot that begins now; ``tags`` become its tags, nightly if not given.

    ``began``: when, if not at START.
    """
    tags = more.pop("tags", NIGHTLY)
    done = {"CompletionTime": more.pop("done")} if "done" in more else {}
    return {
        "SnapshotId": f"snap-{number:017x}",
        "VolumeId": "vol-1",
        "OwnerId": ACCOUNT,
        "State": state,
        "Progress": "0%",
        "StartTime": more.pop("began", START),
        "VolumeSize": 8,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        **done,
        **more,
    }


class RulesDesk:
    """One process: its rules, its watches, its inventory, and the time as it sees it."""

    def __init__(self, engine: Engine, aws: FakeAws) -> None:
        self.engine, self.aws = engine, aws
        self.now = START
        self.restart()

    def restart(self) -> None:
        """A new process on the same database."""
        accounts = one_account(ACCOUNT, [REGION], FakeClients(self.aws))
        self.inventory = Inventory(self.engine, RESOURCES, self._clock)
        self.watches = Watches(self.engine, accounts, pacing=Pacing(5), clock=self._clock)
        self.rules = Rules(self.engine, accounts, self.inventory, self.learn, clock=self._clock)

    def _clock(self) -> datetime:
        return self.now

    def learn(
        self, kind: str, account: str, region: str, found: list[dict[str, Any]], at: datetime
    ) -> None:
        """As the collector takes over what was read."""
        self.inventory.store(kind, account, region, found, at, trust="read")

    def see(self, *descriptions: dict[str, Any], region: str = REGION) -> None:
        """The inventory learns of snapshots."""
        self.learn("snapshot", ACCOUNT, region, list(descriptions), self.now)

    def lose(self, *ids: str) -> None:
        """The inventory learns that snapshots are gone."""
        self.inventory.forget("snapshot", ACCOUNT, REGION, ids, self.now)

    def make(self, **more: Any) -> Rule:
        """A rule for nightly backups, or one that differs from it."""
        given = {
            "name": "Nightly",
            "kind": "snapshot",
            "filter": "tag:Backup = nightly",
            "topic_arn": TOPIC,
            "outcomes": ["completed", "failed"],
            **more,
        }
        return self.rule(self.rules.make(Draft(**given), "me"))

    def rule(self, rule_id: str) -> Rule:
        """The rule as it is now."""
        found = self.rules.get(rule_id)
        assert found is not None
        return found

    def later(self, **delta: float) -> None:
        """Time passes, or jumps back."""
        self.now += timedelta(**delta)

    def catch(self) -> int:
        """Let the rules look at all that was written; returns how many steps that took."""
        steps = 0
        while self.rules.catch(self.now):
            steps += 1
            assert steps < 10_000, "there is no end to it"
        return steps

    def caught(self) -> list[str]:
        """The ids of what is watched, each as often as there are watches on it."""
        return sorted(watch.resource_id or "" for watch in self.all())

    def all(self) -> list[WatchView]:
        """The watches."""
        return self.watches.list(limit=1000)


def draft_of(rule: Rule, **more: Any) -> Draft:
    """A rule as a person would ask for it, or for one that differs from it."""
    names = ("name", "kind", "filter", "topic_arn", "outcomes", "late_after", "enabled")
    return Draft(**{**{name: getattr(rule, name) for name in names}, **more})


def finish(desk: RulesDesk) -> None:
    """The first snapshot is completed, and what is due is done."""
    desk.aws.snapshots[ONE] = {**snapshot(1, "completed"), "region": REGION}
    desk.later(seconds=10)
    while desk.watches.poll(desk.now) or desk.watches.send(desk.now):
        pass

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from app.aws import attempts
from app.aws.clients import Clients
from app.aws.operations import Repeat
from app.inventory import Inventory
from app.resources import RESOURCES
from app.watches import Draft, Pacing, Rules
from app.watches.tables import regions
from tests.accounts import one_account
from tests.watches.fakes import ACCOUNT, START, TOPIC, Fault, unreachable
from tests.watches.rules_desk import snapshot

HERE, THERE = "eu-central-1", "us-east-1"


class Looked(Clients):
    """Clients that tell of one pending snapshot in each region, in two pages, and keep count."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.fault: Fault | None = None

    def send(
        self, service: str, operation: str, parameters: dict[str, Any], region: str, repeat: Repeat
    ) -> dict[str, Any]:
        assert repeat == "look"
        attempts.begin()
        self.calls.append((operation, region, dict(parameters)))
        if self.fault:
            self.fault()
        if operation != "DescribeSnapshots":
            return {}
        if "NextToken" not in parameters:
            return {"Snapshots": [], "NextToken": "more"}
        number = {HERE: 1, THERE: 2}[region]
        return {"Snapshots": [snapshot(number), snapshot(9, OwnerId="999999999999")]}


class LookDesk:
    """Rules, with a clock that a test moves."""

    def __init__(self, engine: Engine, pacing: Pacing | None = None) -> None:
        self.now, self.engine, self.aws = START, engine, Looked()
        self.inventory = Inventory(engine, RESOURCES, self._clock)
        accounts = one_account(ACCOUNT, [HERE, THERE], self.aws)
        self.rules = Rules(
            engine, accounts, self.inventory, self.learn, pacing or Pacing(), self._clock
        )

    def _clock(self) -> datetime:
        return self.now

    def learn(
        self, kind: str, account: str, region: str, found: list[dict[str, Any]], at: datetime
    ) -> None:
        """As the collector takes over what was read."""
        self.inventory.store(kind, account, region, found, at, trust="read")

    def make(self, **more: Any) -> str:
        """A rule for all snapshots."""
        given = {
            "name": "All",
            "kind": "snapshot",
            "filter": "",
            "topic_arn": TOPIC,
            "outcomes": ["vanished" if more.get("kind") == "volume" else "failed"],
            **more,
        }
        return self.rules.make(Draft(**given), "me")

    def look(self) -> int:
        """Look until nothing is due; returns how often."""
        looks = 0
        while self.rules.look(self.now):
            looks += 1
        return looks


@pytest.fixture
def desk(engine: Engine) -> LookDesk:
    return LookDesk(engine)


def test_without_rules_nothing_is_looked_for(desk: LookDesk) -> None:
    desk.make(enabled=False)
    assert desk.look() == 0
    assert desk.aws.calls == []


def test_what_is_pending_anywhere_is_found_and_caught_within_a_minute(desk: LookDesk) -> None:
    rule = desk.make()
    assert desk.look() == 2
    assert {row.id for row in desk.inventory.all("snapshot")} == {
        snapshot(1)["SnapshotId"],
        snapshot(2)["SnapshotId"],
    }
    desk.rules.catch(desk.now)
    found = desk.rules.get(rule)
    assert found
    assert found.caught == 2


def test_only_what_is_under_way_of_our_own_is_asked_for(desk: LookDesk) -> None:
    desk.make()
    desk.look()
    operation, region, asked = desk.aws.calls[0]
    assert (operation, region) == ("DescribeSnapshots", HERE)
    assert asked == {
        "OwnerIds": ["self"],
        "Filters": [{"Name": "status", "Values": ["pending"]}],
        "MaxResults": 1000,
    }


def test_a_place_is_looked_at_once_a_minute(desk: LookDesk) -> None:
    desk.make()
    desk.look()
    desk.now += timedelta(seconds=59)
    assert desk.look() == 0
    desk.now += timedelta(seconds=1)
    assert desk.look() == 2


def test_processes_share_the_looks(desk: LookDesk) -> None:
    desk.make()
    desks = [LookDesk(desk.engine) for _ in range(4)]
    threads = [threading.Thread(target=each.look) for each in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(each.aws.calls) for each in desks) == 4  # two regions, two pages each


def test_each_kind_that_has_a_rule_is_looked_for(desk: LookDesk) -> None:
    for kind in ("snapshot", "image", "volume", "instance"):
        outcome = "terminated" if kind == "instance" else "vanished"
        desk.make(kind=kind, outcomes=[outcome])
    assert desk.look() == 8
    assert {operation for operation, _, _ in desk.aws.calls} == {
        "DescribeSnapshots",
        "DescribeImages",
        "DescribeVolumes",
        "DescribeInstances",
    }


def test_a_region_that_fails_is_left_alone_for_a_while_and_keeps_no_other_waiting(
    desk: LookDesk,
) -> None:
    desk.make()
    desk.aws.fault = unreachable()
    assert desk.look() == 2
    desk.aws.fault = None
    desk.now += timedelta(seconds=90)
    assert desk.look() == 0
    desk.now += timedelta(seconds=90)
    assert desk.look() == 2


def test_a_region_that_the_poller_could_not_reach_is_left_alone(desk: LookDesk) -> None:
    desk.make()
    later = START + timedelta(seconds=40)
    place = {"service": "ec2", "account": ACCOUNT, "region": HERE}
    with desk.engine.begin() as connection:
        connection.execute(
            insert(regions).values(**place, failures=1, due_at=later, due_set_at=START)
        )
    assert desk.look() == 1
    assert {region for _, region, _ in desk.aws.calls} == {THERE}


def test_a_clock_that_is_set_back_stops_no_look(desk: LookDesk) -> None:
    desk.make()
    desk.look()
    desk.now -= timedelta(days=1)
    assert desk.look() == 2


def test_every_call_waits_for_its_turn(engine: Engine) -> None:
    waited: list[float] = []
    desk = LookDesk(engine, Pacing(a_second=4, sleep=waited.append))
    desk.make()
    desk.look()
    # four calls, a little more than a quarter of a second apart, while this clock stands still
    assert waited == pytest.approx([0.275, 0.55, 0.825])

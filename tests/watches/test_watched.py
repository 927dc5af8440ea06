"""What is left to the pollers by everybody else."""

from __future__ import annotations

from tests.watches.desk import Desk
from tests.watches.fakes import ACCOUNT, REGION, FakeAws


def test_what_waits_is_read_by_pollers_and_what_ended_is_not(desk: Desk, aws: FakeAws) -> None:
    first, second = desk.waiting(1), desk.waiting(2)
    watched = desk.watches.watched
    assert watched("snapshot", ACCOUNT, REGION) == {first.resource_id, second.resource_id}
    assert watched("snapshot", ACCOUNT, "us-east-1") == set()
    assert watched("volume", ACCOUNT, REGION) == set()
    aws.finish(first.resource_id or "")
    desk.tick()
    assert watched("snapshot", ACCOUNT, REGION) == {second.resource_id}


def test_without_a_poller_nothing_is_left_to_it(desk: Desk) -> None:
    watch = desk.waiting()
    desk.later(seconds=60)
    assert desk.watches.watched("snapshot", ACCOUNT, REGION) == {watch.resource_id}
    desk.later(seconds=60)
    assert desk.watches.watched("snapshot", ACCOUNT, REGION) == set()


def test_a_modification_of_a_volume_leaves_the_volume_to_others(desk: Desk, aws: FakeAws) -> None:
    found = {"VolumeId": "vol-1", "ModificationState": "modifying"}
    desk.put_on(found, kind="modification", outcomes=["completed"])
    assert desk.watches.watched("volume", ACCOUNT, REGION) == set()
    assert desk.watches.watched("modification", ACCOUNT, REGION) == set()

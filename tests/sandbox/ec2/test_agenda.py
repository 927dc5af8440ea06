"""The agenda: what happens by itself happens in order, at its time, and after a restart too."""

import pickle
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from app.sandbox import account, clock
from app.sandbox.ec2 import agenda, install, request
from app.sandbox.settings import DURATIONS, SandboxSettings

from .conftest import REGION, SETTINGS


@pytest.fixture
def backend(monkeypatch):
    """Something that an agenda can be kept on, with one kind of event that is noted down."""
    clock.reset()
    happened = []

    def note(backend, resource_id, due):
        happened.append((resource_id, due))

    monkeypatch.setitem(agenda.EVENTS, "noted", note)
    yield SimpleNamespace(happened=happened)
    clock.reset()


def test_events_happen_in_the_order_they_are_due(backend):
    for name, seconds in (("late", 20), ("soon", 5), ("middle", 10)):
        agenda.plan(backend, "noted", name, seconds)
    agenda.settle(backend)
    assert backend.happened == []
    clock.advance(15)
    agenda.settle(backend)
    assert [name for name, _ in backend.happened] == ["soon", "middle"]
    clock.advance(15)
    agenda.settle(backend)
    assert [name for name, _ in backend.happened] == ["soon", "middle", "late"]


def test_events_that_are_due_together_keep_their_order(backend):
    for name in ("b", "a", "c"):
        agenda.plan(backend, "noted", name, 0)
    clock.advance(1)
    agenda.settle(backend)
    assert [name for name, _ in backend.happened] == ["b", "a", "c"]


def test_an_event_is_told_when_it_was_due_not_when_it_was_noticed(backend):
    due = agenda.plan(backend, "noted", "it", 5)
    clock.advance(86_400)
    agenda.settle(backend)
    assert backend.happened == [("it", due)]
    assert due < request.now() - timedelta(hours=23)


def test_an_event_happens_once(backend):
    agenda.plan(backend, "noted", "it", 0)
    clock.advance(1)
    agenda.settle(backend)
    agenda.settle(backend)
    assert len(backend.happened) == 1


def test_an_event_without_a_name_cannot_be_planned(backend):
    with pytest.raises(KeyError, match="unheard-of"):
        agenda.plan(backend, "unheard-of", "it", 0)


def test_times_are_utc_without_a_zone_in_whole_milliseconds():
    time = request.now()
    assert isinstance(time, datetime)
    assert time.tzinfo is None
    assert time.microsecond % 1000 == 0


def test_what_is_pending_goes_on_in_a_state_that_was_saved(ec2, launch, make_volume):
    snapshot = ec2.create_snapshot(VolumeId=make_volume())["SnapshotId"]
    instance = launch(settled=False)["InstanceId"]
    saved = pickle.dumps(account.backend("ec2", SETTINGS.account_id, REGION))
    account.forget(SETTINGS.account_id)
    assert ec2.describe_instances()["Reservations"] == []
    clock.advance(3600)
    account.restore(
        SETTINGS.account_id,
        {"ec2": {REGION: pickle.loads(saved)}},  # noqa: S301  # just made
    )
    [found] = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"]
    assert found["State"]["Name"] == "running"
    [done] = ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
    assert done["State"] == "completed"
    assert (done["CompletionTime"] - done["StartTime"]).total_seconds() < 60


def test_without_durations_everything_is_done_at_once(ec2, launch, make_volume):
    at_once: dict[str, Any] = dict.fromkeys(DURATIONS, 0.0)
    install(SandboxSettings(**at_once, account_id=SETTINGS.account_id))
    instance = launch(settled=False)["InstanceId"]
    volume = make_volume(settled=False)
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    ec2.modify_volume(VolumeId=volume, Size=20)
    ec2.create_snapshot(VolumeId=volume)
    ec2.create_image(InstanceId=instance, Name="lj_test")
    assert {s["State"] for s in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]} == {
        "completed"
    }
    assert ec2.describe_images(Owners=["self"])["Images"][0]["State"] == "available"
    assert {v["State"] for v in ec2.describe_volumes()["Volumes"]} == {"in-use"}
    [change] = ec2.describe_volumes_modifications()["VolumesModifications"]
    assert change["ModificationState"] == "completed"
    ec2.terminate_instances(InstanceIds=[instance])
    assert ec2.describe_instances()["Reservations"] == []

"""The archive of snapshots: how they come there and back, what is refused, what is told."""

import pytest

from app.sandbox import clock

from .conftest import SETTINGS


def status(ec2, snapshot_id):
    wanted = [{"Name": "snapshot-id", "Values": [snapshot_id]}]
    [found] = ec2.describe_snapshot_tier_status(Filters=wanted)["SnapshotTierStatuses"]
    return found


@pytest.fixture
def snapshot(ec2, make_volume):
    made = ec2.create_snapshot(VolumeId=make_volume())["SnapshotId"]
    clock.advance(SETTINGS.snapshot_pending * 2)
    return made


@pytest.fixture
def archived(ec2, snapshot):
    ec2.modify_snapshot_tier(SnapshotId=snapshot, StorageTier="archive")
    clock.advance(SETTINGS.snapshot_tiering)
    return snapshot


def test_a_snapshot_that_was_never_moved_tells_no_last_operation(ec2, snapshot):
    found = status(ec2, snapshot)
    assert (found["StorageTier"], found["Status"]) == ("standard", "completed")
    assert "LastTieringOperationStatus" not in found


def test_a_snapshot_is_archived_in_a_while(ec2, snapshot):
    ec2.modify_snapshot_tier(SnapshotId=snapshot, StorageTier="archive")
    clock.advance(SETTINGS.snapshot_tiering / 2)
    found = status(ec2, snapshot)
    assert found["LastTieringOperationStatus"] == "archival-in-progress"
    assert (found["LastTieringProgress"], found["StorageTier"]) == (50, "standard")
    clock.advance(SETTINGS.snapshot_tiering / 2)
    found = status(ec2, snapshot)
    assert found["LastTieringOperationStatus"] == "archival-completed"
    assert found["StorageTier"] == "archive"
    [listed] = ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
    assert listed["StorageTier"] == "archive"


@pytest.mark.parametrize(
    ("asked", "way", "tier"),
    [
        ({"TemporaryRestoreDays": 3}, "temporary", "archive"),
        ({"PermanentRestore": True}, "permanent", "standard"),
    ],
)
def test_an_archived_snapshot_is_restored_in_a_while(ec2, archived, asked, way, tier):
    answer = ec2.restore_snapshot_tier(SnapshotId=archived, **asked)
    assert answer["IsPermanentRestore"] == (way == "permanent")
    found = status(ec2, archived)
    assert found["LastTieringOperationStatus"] == f"{way}-restore-in-progress"
    assert found["LastTieringStartTime"] == answer["RestoreStartTime"]
    clock.advance(SETTINGS.snapshot_tiering)
    found = status(ec2, archived)
    assert found["LastTieringOperationStatus"] == f"{way}-restore-completed"
    assert found["StorageTier"] == tier
    assert ("RestoreExpiryTime" in found) == (way == "temporary")


def test_what_cannot_be_archived_or_restored_is_refused(ec2, make_volume, snapshot, refusal):
    pending = ec2.create_snapshot(VolumeId=make_volume())["SnapshotId"]
    archive = {"StorageTier": "archive"}
    assert refusal(ec2.modify_snapshot_tier, SnapshotId=pending, **archive)[0] == "IncorrectState"
    restore = {"SnapshotId": snapshot}
    code, _ = refusal(ec2.restore_snapshot_tier, **restore, PermanentRestore=True)
    assert code == "IncorrectState"
    code, _ = refusal(ec2.restore_snapshot_tier, **restore)
    assert code == "InvalidParameterCombination"
    code, _ = refusal(ec2.restore_snapshot_tier, **restore, TemporaryRestoreDays=181)
    assert code == "InvalidParameterValue"
    ec2.modify_snapshot_tier(SnapshotId=snapshot, **archive)
    assert refusal(ec2.modify_snapshot_tier, SnapshotId=snapshot, **archive)[0] == "IncorrectState"


def test_statuses_are_found_by_their_last_operation(ec2, archived):
    wanted = [{"Name": "last-tiering-operation", "Values": ["archival-completed"]}]
    found = ec2.describe_snapshot_tier_status(Filters=wanted)["SnapshotTierStatuses"]
    assert [each["SnapshotId"] for each in found] == [archived]


def test_a_snapshot_that_is_deleted_on_its_way_is_told_no_more(ec2, snapshot):
    ec2.modify_snapshot_tier(SnapshotId=snapshot, StorageTier="archive")
    ec2.delete_snapshot(SnapshotId=snapshot)
    clock.advance(SETTINGS.snapshot_tiering)
    assert ec2.describe_snapshot_tier_status()["SnapshotTierStatuses"] == []

"""Snapshots: how they come to be done, what is refused, how they are found."""

import pytest

from app.sandbox import clock
from app.sandbox.ec2 import snapshots

from .conftest import SETTINGS

DONE = SETTINGS.snapshot_pending * 2


def snapshot(ec2, snapshot_id):
    return ec2.describe_snapshots(SnapshotIds=[snapshot_id])["Snapshots"][0]


@pytest.fixture
def volume(make_volume):
    return make_volume()


def mine(ec2, **params):
    return ec2.describe_snapshots(OwnerIds=["self"], **params)["Snapshots"]


def test_a_snapshot_is_pending_with_progress_and_then_completed(ec2, volume):
    tags = [{"Key": "Name", "Value": "lj_volumeSnap"}]
    answer = ec2.create_snapshot(
        VolumeId=volume,
        Description="lj_volumeSnap",
        TagSpecifications=[{"ResourceType": "snapshot", "Tags": tags}],
    )
    assert (answer["State"], answer["Progress"]) == ("pending", "0%")
    assert (answer["VolumeId"], answer["VolumeSize"], answer["Tags"]) == (volume, 10, tags)
    assert "CompletionTime" not in answer
    assert "FullSnapshotSizeInBytes" not in answer
    seen = []
    for _ in range(8):
        clock.advance(SETTINGS.snapshot_pending / 8)
        seen.append(snapshot(ec2, answer["SnapshotId"])["Progress"])
    numbers = [int(text.rstrip("%")) for text in seen]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) > 2
    clock.advance(DONE)
    found = snapshot(ec2, answer["SnapshotId"])
    assert (found["State"], found["Progress"]) == ("completed", "100%")
    took = (found["CompletionTime"] - found["StartTime"]).total_seconds()
    assert SETTINGS.snapshot_pending <= took <= SETTINGS.snapshot_pending * 1.5
    assert 0 < found["FullSnapshotSizeInBytes"] < 10 * 1024**3


def test_it_is_completed_at_its_time_however_late_one_looks(ec2, volume):
    made = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    clock.advance(86_400)
    found = snapshot(ec2, made)
    assert (found["CompletionTime"] - found["StartTime"]).total_seconds() < 60


def test_a_snapshot_can_fail(ec2, backend, volume):
    snapshots.fail_next(backend, "Internal error")
    made = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    clock.advance(DONE)
    found = snapshot(ec2, made)
    assert (found["State"], found["StateMessage"]) == ("error", "Internal error")
    assert "CompletionTime" not in found
    clock.advance(SETTINGS.snapshot_min_interval)
    again = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    clock.advance(DONE)
    assert snapshot(ec2, again)["State"] == "completed"


def test_a_pending_snapshot_can_be_made_to_fail_by_its_attribute(ec2, backend, volume):
    made = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    backend.snapshots[made]._encante_fails = "The key is disabled"
    clock.advance(DONE)
    assert snapshot(ec2, made)["StateMessage"] == "The key is disabled"


def test_two_snapshots_of_a_volume_need_15_seconds_between_them(ec2, volume, refusal):
    ec2.create_snapshot(VolumeId=volume)
    code, message = refusal(ec2.create_snapshot, VolumeId=volume)
    assert code == "SnapshotCreationPerVolumeRateExceeded"
    assert message.startswith("The maximum per volume CreateSnapshot request rate")
    clock.advance(SETTINGS.snapshot_min_interval)
    ec2.create_snapshot(VolumeId=volume)
    assert len(mine(ec2)) == 2


def test_a_volume_has_five_pending_snapshots_at_most(ec2, backend, volume, refusal):
    for _ in range(5):
        snapshots.start(backend, backend.volumes[volume], "slow", 3600.0, {})
    clock.advance(SETTINGS.snapshot_min_interval)
    assert refusal(ec2.create_snapshot, VolumeId=volume)[0] == "ConcurrentSnapshotLimitExceeded"


def test_a_cold_volume_has_one_pending_snapshot(ec2, backend, make_volume, refusal):
    cold = make_volume(VolumeType="sc1", Size=125)
    snapshots.start(backend, backend.volumes[cold], "slow", 3600.0, {})
    clock.advance(SETTINGS.snapshot_min_interval)
    assert refusal(ec2.create_snapshot, VolumeId=cold)[0] == "ConcurrentSnapshotLimitExceeded"


def test_the_volume_has_to_be_there(ec2, make_volume, refusal):
    unknown = "vol-0123456789abcdef0"
    code, message = refusal(ec2.create_snapshot, VolumeId=unknown)
    assert (code, message) == (
        "InvalidVolume.NotFound",
        f"The volume '{unknown}' does not exist.",
    )
    assert refusal(ec2.create_snapshot, VolumeId="i-1")[0] == "InvalidParameterValue"
    assert refusal(ec2.create_snapshot, VolumeId="vol-1")[0] == "InvalidVolumeID.Malformed"
    creating = make_volume(settled=False)
    assert refusal(ec2.create_snapshot, VolumeId=creating)[0] == "IncorrectState"


def test_a_description_is_at_most_255_characters(ec2, volume, refusal):
    code, _ = refusal(ec2.create_snapshot, VolumeId=volume, Description="x" * 256)
    assert code == "InvalidParameterValue"
    ec2.create_snapshot(VolumeId=volume, Description="x" * 255)


def test_a_snapshot_outlives_its_volume_and_keeps_its_size(ec2, volume):
    made = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    ec2.modify_volume(VolumeId=volume, Size=50)
    ec2.delete_volume(VolumeId=volume)
    clock.advance(DONE)
    found = snapshot(ec2, made)
    assert (found["State"], found["VolumeSize"], found["VolumeId"]) == ("completed", 10, volume)


def test_a_pending_snapshot_can_be_deleted(ec2, volume, refusal):
    made = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    ec2.delete_snapshot(SnapshotId=made)
    clock.advance(DONE)
    assert mine(ec2) == []
    assert refusal(ec2.delete_snapshot, SnapshotId=made)[0] == "InvalidSnapshot.NotFound"


def test_own_snapshots_are_told_from_those_of_public_images(ec2, volume):
    made = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    assert [s["SnapshotId"] for s in mine(ec2)] == [made]
    assert {s["OwnerId"] for s in mine(ec2)} == {SETTINGS.account_id}
    every = ec2.describe_snapshots()["Snapshots"]
    assert len(every) > 10
    assert len({s["OwnerId"] for s in every}) > 2
    restorable = ec2.describe_snapshots(RestorableByUserIds=["self"])["Snapshots"]
    assert [s["SnapshotId"] for s in restorable] == [made]


def test_a_filter_by_id_leaves_out_what_is_gone(ec2, volume):
    made = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    ids = [made, "snap-0123456789abcdef0"]
    found = mine(ec2, Filters=[{"Name": "snapshot-id", "Values": ids}])
    assert [s["SnapshotId"] for s in found] == [made]


def test_asking_by_id_for_one_that_is_gone_fails_the_call(ec2, volume, refusal):
    made = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    unknown = "snap-0123456789abcdef0"
    code, message = refusal(ec2.describe_snapshots, SnapshotIds=[made, unknown])
    assert (code, message) == (
        "InvalidSnapshot.NotFound",
        f"The snapshot '{unknown}' does not exist.",
    )


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("status", ["pending"], True),
        ("status", ["completed", "error"], False),
        ("description", ["nightly*"], True),
        ("description", ["Nightly*"], False),
        ("volume-size", ["10"], True),
        ("tag:team", ["shop"], True),
        ("tag:team", ["shop", "data"], True),
        ("tag:team", [""], False),
        ("tag-key", ["team"], True),
        ("tag-key", ["other"], False),
        ("encrypted", ["false"], True),
        ("owner-id", [SETTINGS.account_id], True),
        ("progress", ["0%"], True),
    ],
)
def test_snapshots_are_found_by_filter(ec2, volume, name, values, found):
    tags = [{"ResourceType": "snapshot", "Tags": [{"Key": "team", "Value": "shop"}]}]
    ec2.create_snapshot(VolumeId=volume, Description="nightly 1", TagSpecifications=tags)
    assert bool(mine(ec2, Filters=[{"Name": name, "Values": values}])) is found


def test_snapshots_of_a_volume_are_found(ec2, make_volume):
    one, other = make_volume(), make_volume()
    made = [ec2.create_snapshot(VolumeId=v)["SnapshotId"] for v in (one, other)]
    found = mine(ec2, Filters=[{"Name": "volume-id", "Values": [other]}])
    assert [s["SnapshotId"] for s in found] == made[1:]


def test_snapshots_come_page_by_page(ec2, backend, volume):
    for number in range(12):
        snapshots.start(backend, backend.volumes[volume], str(number), 0.0, {})
    paginator = ec2.get_paginator("describe_snapshots")
    pages = list(paginator.paginate(OwnerIds=["self"], PaginationConfig={"PageSize": 5}))
    sizes = [len(page["Snapshots"]) for page in pages]
    assert sizes == [5, 5, 2]
    assert [s["Description"] for page in pages for s in page["Snapshots"]] == [
        str(number) for number in range(12)
    ]


def test_a_page_turn_survives_a_deletion(ec2, backend, volume):
    made = [snapshots.start(backend, backend.volumes[volume], "", 0.0, {}).id for _ in range(10)]
    first = ec2.describe_snapshots(OwnerIds=["self"], MaxResults=5)
    ec2.delete_snapshot(SnapshotId=made[0])
    rest = ec2.describe_snapshots(OwnerIds=["self"], MaxResults=5, NextToken=first["NextToken"])
    assert [s["SnapshotId"] for s in rest["Snapshots"]] == made[5:]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"MaxResults": 4}, "InvalidParameterValue"),
        ({"MaxResults": 0}, "InvalidParameterValue"),
        ({"MaxResults": 5, "NextToken": "nonsense"}, "InvalidParameterValue"),
        ({"MaxResults": 5, "NextToken": "ü"}, "InvalidParameterValue"),
        ({"MaxResults": 5, "SnapshotIds": ["snap-1"]}, "InvalidSnapshotID.Malformed"),
        ({"Filters": [{"Name": "colour", "Values": ["red"]}]}, "InvalidParameterValue"),
        ({"Filters": [{"Values": ["red"]}]}, "InvalidParameterValue"),
        ({"Filters": [{"Name": "status"}]}, "InvalidParameterValue"),
        (
            {"Filters": [{"Name": "snapshot-id", "Values": [f"snap-{n}" for n in range(201)]}]},
            "FilterLimitExceeded",
        ),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(ec2, refusal, params, code):
    assert refusal(ec2.describe_snapshots, **params)[0] == code


def test_the_refusal_of_a_filter_names_it(ec2, refusal):
    filters = [{"Name": "colour", "Values": ["red"]}]
    assert refusal(ec2.describe_snapshots, Filters=filters)[1] == "The filter 'colour' is invalid"


def test_all_volumes_of_an_instance_at_once(ec2, launch):
    disk = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 30}}
    found = launch(BlockDeviceMappings=[disk])["InstanceId"]
    root = ec2.describe_instances()["Reservations"][0]["Instances"][0]["BlockDeviceMappings"][0]
    ec2.create_tags(Resources=[root["Ebs"]["VolumeId"]], Tags=[{"Key": "Name", "Value": "root"}])
    made = ec2.create_snapshots(
        InstanceSpecification={"InstanceId": found},
        Description="both",
        CopyTagsFromSource="volume",
    )["Snapshots"]
    assert sorted(s["VolumeSize"] for s in made) == [8, 30]
    assert [s["Tags"] for s in made if "Tags" in s] == [[{"Key": "Name", "Value": "root"}]]
    assert len(mine(ec2)) == 2


def test_the_root_volume_can_be_left_out(ec2, launch, refusal):
    found = launch()["InstanceId"]
    spec = {"InstanceId": found, "ExcludeBootVolume": True}
    assert refusal(ec2.create_snapshots, InstanceSpecification=spec)[0] == ("InvalidParameterValue")

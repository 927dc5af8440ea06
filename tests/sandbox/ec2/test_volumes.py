"""Volumes: limits, states, deletion, modification, and how they are found."""

import pytest

from app.sandbox import clock

from .conftest import OTHER_ZONE, SETTINGS, ZONE


def volume(ec2, volume_id):
    return ec2.describe_volumes(VolumeIds=[volume_id])["Volumes"][0]


def asked(**params):
    return {"AvailabilityZone": ZONE, "Size": 10, "VolumeType": "gp3"} | params


def test_a_volume_is_creating_and_then_available(ec2):
    made = ec2.create_volume(**asked())
    assert (made["State"], made["Size"], made["Iops"], made["Throughput"]) == (
        "creating",
        10,
        3000,
        125,
    )
    assert volume(ec2, made["VolumeId"])["State"] == "creating"
    clock.advance(SETTINGS.volume_creating)
    assert volume(ec2, made["VolumeId"])["State"] == "available"


@pytest.mark.parametrize(
    "params",
    [
        {"VolumeType": "gp3", "Size": 1},
        {"VolumeType": "gp3", "Size": 65_536},
        {"VolumeType": "gp3", "Size": 200, "Iops": 80_000, "Throughput": 2_000},
        {"VolumeType": "gp2", "Size": 16_384},
        {"VolumeType": "io1", "Size": 4, "Iops": 100},
        {"VolumeType": "io2", "Size": 500, "Iops": 256_000},
        {"VolumeType": "st1", "Size": 125},
        {"VolumeType": "sc1", "Size": 16_384},
        {"VolumeType": "standard", "Size": 1_024},
        {"Encrypted": True},
    ],
)
def test_what_ebs_offers_can_be_made(ec2, params):
    made = ec2.create_volume(**asked(**params))
    assert {name: made[name] for name in params} == params


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Size": 0}, "InvalidParameterValue"),
        ({"Size": -1}, "InvalidParameterValue"),
        ({"Size": 99_999}, "InvalidParameterValue"),
        ({"Size": None}, "MissingParameter"),
        ({"VolumeType": "gp2", "Size": 16_385}, "InvalidParameterValue"),
        ({"VolumeType": "st1", "Size": 124}, "InvalidParameterValue"),
        ({"VolumeType": "standard", "Size": 1_025}, "InvalidParameterValue"),
        ({"VolumeType": "floppy"}, "InvalidParameterValue"),
        ({"VolumeType": "io1"}, "MissingParameter"),
        ({"VolumeType": "io2"}, "MissingParameter"),
        ({"VolumeType": "io2", "Iops": 99}, "InvalidParameterValue"),
        ({"VolumeType": "io1", "Iops": 64_001, "Size": 16_384}, "InvalidParameterValue"),
        ({"VolumeType": "io1", "Iops": 501}, "InvalidParameterValue"),
        ({"VolumeType": "gp3", "Iops": 2_999}, "InvalidParameterValue"),
        ({"VolumeType": "gp3", "Iops": 5_001}, "InvalidParameterValue"),
        ({"VolumeType": "gp3", "Throughput": 124}, "InvalidParameterValue"),
        ({"VolumeType": "gp3", "Throughput": 2_001}, "InvalidParameterValue"),
        ({"VolumeType": "gp3", "Throughput": 1_000}, "InvalidParameterValue"),
        ({"VolumeType": "gp2", "Iops": 3_000}, "InvalidParameterCombination"),
        ({"VolumeType": "standard", "Iops": 100}, "InvalidParameterCombination"),
        ({"VolumeType": "gp2", "Throughput": 125}, "InvalidParameterCombination"),
        ({"AvailabilityZone": "mars-1a"}, "InvalidZone.NotFound"),
        ({"AvailabilityZone": ""}, "MissingParameter"),
        ({"SnapshotId": "snap-0123456789abcdef0"}, "InvalidSnapshot.NotFound"),
        ({"SnapshotId": "snap-x"}, "InvalidSnapshotID.Malformed"),
        ({"SnapshotId": "vol-0123456789abcdef0"}, "InvalidParameterValue"),
        ({"KmsKeyId": "alias/mine"}, "InvalidParameterDependency"),
        ({"ClientToken": "x" * 65}, "InvalidParameterValue"),
    ],
)
def test_what_ebs_does_not_offer_is_refused(ec2, refusal, params, code):
    params = {name: value for name, value in asked(**params).items() if value is not None}
    assert refusal(ec2.create_volume, **params)[0] == code
    assert ec2.describe_volumes()["Volumes"] == []


def test_a_volume_from_a_snapshot_has_its_size_or_more(ec2, make_volume, refusal):
    snapshot = ec2.create_snapshot(VolumeId=make_volume())["SnapshotId"]
    params = {"SnapshotId": snapshot, "AvailabilityZone": OTHER_ZONE, "VolumeType": "gp3"}
    code, message = refusal(ec2.create_volume, **params)
    assert (code, message) == ("IncorrectState", f"Snapshot '{snapshot}' is not 'completed'.")
    clock.advance(SETTINGS.snapshot_pending * 2)
    code, message = refusal(ec2.create_volume, Size=9, **params)
    assert code == "InvalidParameterValue"
    assert message.endswith("expect size >= 10GB")
    assert ec2.create_volume(**params)["Size"] == 10
    made = ec2.create_volume(Size=20, **params)
    assert (made["Size"], made["SnapshotId"]) == (20, snapshot)


def test_the_same_token_makes_one_volume(ec2, refusal):
    first = ec2.create_volume(**asked(ClientToken="one"))["VolumeId"]
    assert ec2.create_volume(**asked(ClientToken="one"))["VolumeId"] == first
    assert len(ec2.describe_volumes()["Volumes"]) == 1
    code, _ = refusal(ec2.create_volume, **asked(ClientToken="one", Size=11))
    assert code == "IdempotentParameterMismatch"


def test_a_dry_run_with_a_used_token_is_still_one(ec2, refusal):
    ec2.create_volume(**asked(ClientToken="one"))
    params = asked(ClientToken="one", DryRun=True)
    assert refusal(ec2.create_volume, status=412, **params)[0] == "DryRunOperation"


def test_an_encrypted_volume_names_its_key_and_so_do_its_snapshots(ec2, make_volume):
    made = make_volume(Encrypted=True)
    key = volume(ec2, made)["KmsKeyId"]
    assert key.startswith(f"arn:aws:kms:us-east-1:{SETTINGS.account_id}:key/")
    assert volume(ec2, make_volume(Encrypted=True))["KmsKeyId"] == key
    snapshot = ec2.create_snapshot(VolumeId=made)
    assert (snapshot["Encrypted"], snapshot["KmsKeyId"]) == (True, key)
    own = "arn:aws:kms:us-east-1:123456789012:key/1234"
    assert volume(ec2, make_volume(Encrypted=True, KmsKeyId=own))["KmsKeyId"] == own


def test_a_volume_is_deleted_unless_it_is_used(ec2, launch, make_volume, refusal):
    free = make_volume()
    ec2.delete_volume(VolumeId=free)
    assert refusal(ec2.delete_volume, VolumeId=free)[0] == "InvalidVolume.NotFound"
    instance = launch()["InstanceId"]
    [used] = ec2.describe_volumes()["Volumes"]
    code, message = refusal(ec2.delete_volume, VolumeId=used["VolumeId"])
    assert code == "VolumeInUse"
    assert message == f"Volume {used['VolumeId']} is currently attached to {instance}"


def test_a_volume_grows_by_way_of_modifying_and_optimizing(ec2, make_volume):
    made = make_volume()
    answer = ec2.modify_volume(VolumeId=made, Size=20, VolumeType="io2", Iops=1000)
    assert answer["VolumeModification"]["ModificationState"] == "modifying"
    seen = []
    for _ in range(3):
        [now] = ec2.describe_volumes_modifications(VolumeIds=[made])["VolumesModifications"]
        seen.append((now["ModificationState"], now["Progress"]))
        clock.advance(SETTINGS.volume_modifying / 2)
    assert seen == [("modifying", 0), ("optimizing", 50), ("completed", 100)]
    assert (now["OriginalSize"], now["TargetSize"]) == (10, 20)
    assert (now["OriginalVolumeType"], now["TargetVolumeType"]) == ("gp3", "io2")
    assert now["EndTime"] > now["StartTime"]
    found = volume(ec2, made)
    assert (found["Size"], found["VolumeType"], found["Iops"]) == (20, "io2", 1000)
    assert "Throughput" not in found


def test_a_modification_keeps_what_is_not_named(ec2, make_volume):
    made = make_volume(Size=100, Iops=4000, Throughput=500)
    ec2.modify_volume(VolumeId=made, Size=200)
    found = volume(ec2, made)
    assert (found["Size"], found["Iops"], found["Throughput"]) == (200, 4000, 500)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Size": 9}, "InvalidParameterValue"),
        ({"Size": 65_537}, "InvalidParameterValue"),
        ({}, "InvalidParameterValue"),
        ({"VolumeType": "io2"}, "MissingParameter"),
        ({"VolumeType": "gp2", "Throughput": 125}, "InvalidParameterCombination"),
        ({"VolumeType": "st1"}, "InvalidParameterValue"),
    ],
)
def test_a_modification_that_cannot_be_is_refused(ec2, make_volume, refusal, params, code):
    made = make_volume()
    assert refusal(ec2.modify_volume, VolumeId=made, **params)[0] == code
    assert volume(ec2, made)["Size"] == 10


def test_modifications_follow_each_other_and_are_four_a_day(ec2, make_volume, refusal):
    made = make_volume()
    for size in (11, 12, 13, 14):
        ec2.modify_volume(VolumeId=made, Size=size)
        code, _ = refusal(ec2.modify_volume, VolumeId=made, Size=100)
        assert code == "IncorrectModificationState"
        clock.advance(SETTINGS.volume_modifying)
    code, _ = refusal(ec2.modify_volume, VolumeId=made, Size=100)
    assert code == "VolumeModificationRateExceeded"
    clock.advance(86_400)
    ec2.modify_volume(VolumeId=made, Size=100)


def test_a_volume_that_was_never_modified_has_no_modification(ec2, make_volume, refusal):
    made = make_volume()
    assert ec2.describe_volumes_modifications()["VolumesModifications"] == []
    code, _ = refusal(ec2.describe_volumes_modifications, VolumeIds=[made])
    assert code == "InvalidVolumeModification.NotFound"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("tag:Name", "lj_volume", 1),
        ("tag:Name", "lj_*", 2),
        ("tag:Name", "lj_volum?", 1),
        ("tag:Name", "LJ_*", 0),
        ("tag:Name", r"lj_\*", 0),
        ("status", "available", 3),
        ("availability-zone", OTHER_ZONE, 1),
        ("size", "20", 1),
        ("volume-type", "gp2", 1),
        ("encrypted", "true", 1),
        ("attachment.instance-id", "i-0123456789abcdef0", 0),
        ("tag-value", "lj_volume", 1),
    ],
)
def test_volumes_are_found_by_filter(ec2, make_volume, name, value, expected):
    def named(name):
        return [{"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": name}]}]

    make_volume(TagSpecifications=named("lj_volume"))
    make_volume(TagSpecifications=named("lj_volume2"), Size=20, VolumeType="gp2")
    make_volume(AvailabilityZone=OTHER_ZONE, Encrypted=True)
    found = ec2.describe_volumes(Filters=[{"Name": name, "Values": [value]}])["Volumes"]
    assert len(found) == expected


def test_volumes_come_page_by_page(ec2, make_volume):
    made = [make_volume() for _ in range(7)]
    first = ec2.describe_volumes(MaxResults=5)
    rest = ec2.describe_volumes(MaxResults=5, NextToken=first["NextToken"])
    found = [v["VolumeId"] for v in first["Volumes"] + rest["Volumes"]]
    assert found == made
    assert "NextToken" not in rest


def test_ids_and_a_page_size_do_not_go_together(ec2, make_volume, refusal):
    code, message = refusal(ec2.describe_volumes, VolumeIds=[make_volume()], MaxResults=5)
    assert code == "InvalidParameterCombination"
    assert message == "The parameter volumeSet cannot be used with the parameter maxResults"


def test_an_empty_account_has_no_volumes(ec2):
    assert ec2.describe_volumes()["Volumes"] == []

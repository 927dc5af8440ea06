"""CreateImage, RegisterImage, DeregisterImage, DescribeImages."""

import pytest

from app.sandbox import clock

from .conftest import INSTANCE_STORE, SETTINGS, UBUNTU, ZONE

DONE = SETTINGS.snapshot_pending * 2


@pytest.fixture
def running(launch):
    return launch()["InstanceId"]


def image(ec2, image_id):
    return ec2.describe_images(ImageIds=[image_id])["Images"][0]


def test_an_image_and_its_snapshots_are_pending_and_then_done(ec2, running):
    made = ec2.create_image(InstanceId=running, Name="lj_test", Description="first")["ImageId"]
    found = image(ec2, made)
    assert (found["State"], found["Name"], found["Description"]) == ("pending", "lj_test", "first")
    assert found["SourceInstanceId"] == running
    [snapshot] = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert snapshot["State"] == "pending"
    assert snapshot["Description"] == f"Created by CreateImage({running}) for {made}"
    clock.advance(SETTINGS.image_pending)
    assert image(ec2, made)["State"] == "pending", "its snapshot is still pending"
    clock.advance(DONE)
    assert image(ec2, made)["State"] == "available"
    [snapshot] = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert snapshot["State"] == "completed"


def test_every_volume_is_in_the_image(ec2, launch):
    disk = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 30, "VolumeType": "gp2"}}
    found = launch(BlockDeviceMappings=[disk])["InstanceId"]
    made = ec2.create_image(InstanceId=found, Name="two disks", NoReboot=True)["ImageId"]
    devices = {d["DeviceName"]: d["Ebs"] for d in image(ec2, made)["BlockDeviceMappings"]}
    assert set(devices) == {"/dev/sda1", "/dev/sdf"}
    assert (devices["/dev/sdf"]["VolumeSize"], devices["/dev/sdf"]["VolumeType"]) == (30, "gp2")
    snapshots = {s["SnapshotId"] for s in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]}
    assert snapshots == {ebs["SnapshotId"] for ebs in devices.values()}


def test_a_volume_can_be_left_out_of_the_image(ec2, launch):
    disk = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 30}}
    found = launch(BlockDeviceMappings=[disk])["InstanceId"]
    made = ec2.create_image(
        InstanceId=found,
        Name="one disk",
        BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "NoDevice": ""}],
    )["ImageId"]
    assert [d["DeviceName"] for d in image(ec2, made)["BlockDeviceMappings"]] == ["/dev/sda1"]


def test_tags_go_to_the_image_and_to_its_snapshots(ec2, running):
    tags = [{"Key": "team", "Value": "shop"}]
    specs = [{"ResourceType": kind, "Tags": tags} for kind in ("image", "snapshot")]
    made = ec2.create_image(InstanceId=running, Name="lj_test", TagSpecifications=specs)["ImageId"]
    assert image(ec2, made)["Tags"] == tags
    assert ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"][0]["Tags"] == tags


def test_instances_start_from_the_image(ec2, launch, running):
    made = ec2.create_image(InstanceId=running, Name="lj_test")["ImageId"]
    clock.advance(DONE)
    again = launch(ImageId=made, MinCount=2, MaxCount=5)
    assert again["ImageId"] == made
    filters = [{"Name": "image-id", "Values": [made]}]
    found = ec2.describe_instances(Filters=filters)["Reservations"]
    assert len(found[0]["Instances"]) == 5


@pytest.mark.parametrize(
    "name", ["ab", "x" * 129, "lj#test", "<script>", "naïve", "a\tb", "semi;colon", "new\nline"]
)
def test_a_name_with_other_characters_or_length_is_refused(ec2, running, refusal, name):
    code, _ = refusal(ec2.create_image, InstanceId=running, Name=name)
    assert code == "InvalidAMIName.Malformed"


@pytest.mark.parametrize("name", ["abc", "x" * 128, "a (b) [c] ./-'@_"])
def test_a_name_of_the_allowed_characters_is_taken(ec2, running, name):
    made = ec2.create_image(InstanceId=running, Name=name)["ImageId"]
    assert image(ec2, made)["Name"] == name


def test_a_name_is_used_once(ec2, running, refusal):
    first = ec2.create_image(InstanceId=running, Name="lj_test")["ImageId"]
    clock.advance(DONE)
    code, message = refusal(ec2.create_image, InstanceId=running, Name="lj_test")
    assert code == "InvalidAMIName.Duplicate"
    assert message == f"AMI name lj_test is already in use by AMI {first}"
    ec2.deregister_image(ImageId=first)
    assert ec2.create_image(InstanceId=running, Name="lj_test")["ImageId"] != first


def test_an_instance_that_has_no_disk_or_is_going_has_no_image(ec2, launch, running, refusal):
    store = launch(ImageId=INSTANCE_STORE, InstanceType="m3.medium")["InstanceId"]
    assert refusal(ec2.create_image, InstanceId=store, Name="store")[0] == "InvalidParameterValue"
    pending = launch(settled=False)["InstanceId"]
    assert refusal(ec2.create_image, InstanceId=pending, Name="early")[0] == "IncorrectState"
    ec2.terminate_instances(InstanceIds=[running])
    assert refusal(ec2.create_image, InstanceId=running, Name="late")[0] == "IncorrectState"
    assert ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []


def test_an_image_whose_snapshot_fails_fails_with_a_reason(ec2, backend, running):
    from app.sandbox.ec2 import snapshots

    snapshots.fail_next(backend, "Client error: the key is disabled")
    made = ec2.create_image(InstanceId=running, Name="lj_test")["ImageId"]
    clock.advance(DONE)
    found = image(ec2, made)
    assert found["State"] == "failed"
    assert found["StateReason"]["Message"]


@pytest.fixture
def snapshot(ec2, make_volume):
    made = ec2.create_snapshot(VolumeId=make_volume())["SnapshotId"]
    clock.advance(DONE)
    return made


def registered(snapshot, **params):
    return {
        "Name": "from snapshot",
        "Architecture": "x86_64",
        "RootDeviceName": "/dev/sda1",
        "VirtualizationType": "hvm",
        "EnaSupport": True,
        "BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot}}],
    } | params


def test_an_image_is_registered_from_a_snapshot_and_can_be_launched(ec2, launch, snapshot):
    made = ec2.register_image(**registered(snapshot))["ImageId"]
    found = image(ec2, made)
    assert (found["State"], found["Architecture"], found["RootDeviceType"]) == (
        "available",
        "x86_64",
        "ebs",
    )
    assert found["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"] == snapshot
    assert found["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 10
    launch(ImageId=made)
    [volume] = [v for v in ec2.describe_volumes()["Volumes"] if v["Attachments"]]
    assert (volume["SnapshotId"], volume["Size"]) == (snapshot, 10)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Name": "x"}, "InvalidAMIName.Malformed"),
        ({"BlockDeviceMappings": []}, "MissingParameter"),
        ({"RootDeviceName": "/dev/xvda"}, "InvalidBlockDeviceMapping"),
        ({"Architecture": "z80"}, "InvalidParameterValue"),
        ({"VirtualizationType": "real"}, "InvalidParameterValue"),
        ({"BootMode": "floppy"}, "InvalidParameterValue"),
        ({"Architecture": "arm64", "BootMode": "legacy-bios"}, "InvalidParameterValue"),
        ({"ImageLocation": "bucket/manifest.xml"}, "UnsupportedOperation"),
    ],
)
def test_an_image_that_cannot_be_registered_is_refused(ec2, snapshot, refusal, params, code):
    assert refusal(ec2.register_image, **registered(snapshot, **params))[0] == code


def test_todays_types_need_an_image_with_ena(ec2, launch, snapshot, refusal):
    made = ec2.register_image(**registered(snapshot, EnaSupport=False, BootMode="uefi"))["ImageId"]
    assert (image(ec2, made)["EnaSupport"], image(ec2, made)["BootMode"]) == (False, "uefi")
    params = {"ImageId": made, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    code, message = refusal(ec2.run_instances, **params)
    assert code == "InvalidParameterCombination"
    assert "(ENA) is required for the 't3.micro' instance type" in message
    assert launch(ImageId=made, InstanceType="t2.micro")["ImageId"] == made


def test_an_image_needs_a_snapshot_that_is_there_and_completed(ec2, make_volume, refusal):
    unknown = registered("snap-0123456789abcdef0")
    assert refusal(ec2.register_image, **unknown)[0] == "InvalidSnapshot.NotFound"
    pending = ec2.create_snapshot(VolumeId=make_volume())["SnapshotId"]
    assert refusal(ec2.register_image, **registered(pending))[0] == "IncorrectState"


def test_an_image_keeps_its_snapshots_from_being_deleted(ec2, snapshot, refusal):
    made = ec2.register_image(**registered(snapshot))["ImageId"]
    code, message = refusal(ec2.delete_snapshot, SnapshotId=snapshot)
    assert code == "InvalidSnapshot.InUse"
    assert message == f"The snapshot {snapshot} is currently in use by {made}"
    ec2.deregister_image(ImageId=made)
    ec2.delete_snapshot(SnapshotId=snapshot)
    assert ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []


def test_deregistering_can_take_the_snapshots_along(ec2, snapshot):
    made = ec2.register_image(**registered(snapshot))["ImageId"]
    answer = ec2.deregister_image(ImageId=made, DeleteAssociatedSnapshots=True)
    assert answer["DeleteSnapshotResults"] == [{"SnapshotId": snapshot, "ReturnCode": "success"}]
    assert ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []


def test_a_deregistered_image_is_no_longer_available(ec2, snapshot, refusal):
    made = ec2.register_image(**registered(snapshot))["ImageId"]
    ec2.deregister_image(ImageId=made)
    for operation, params in (
        (ec2.deregister_image, {"ImageId": made}),
        (ec2.describe_images, {"ImageIds": [made]}),
    ):
        assert refusal(operation, **params)[0] == "InvalidAMIID.Unavailable"


def test_an_image_of_somebody_else_cannot_be_deregistered(ec2, refusal):
    assert refusal(ec2.deregister_image, status=403, ImageId=UBUNTU)[0] == "AuthFailure"


def names(answer):
    return {found["Name"] for found in answer["Images"]}


def test_images_are_found_by_owner(ec2, running):
    ec2.create_image(InstanceId=running, Name="lj_test")
    assert names(ec2.describe_images(Owners=["self"])) == {"lj_test"}
    assert names(ec2.describe_images(Owners=[SETTINGS.account_id])) == {"lj_test"}
    amazon = ec2.describe_images(Owners=["amazon"])["Images"]
    assert {found["ImageOwnerAlias"] for found in amazon} == {"amazon"}
    canonical = ec2.describe_images(Owners=["099720109477"])
    assert all("ubuntu" in name for name in names(canonical))
    assert "lj_test" in names(ec2.describe_images())
    assert "lj_test" not in names(ec2.describe_images(ExecutableUsers=["all"]))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("name", "ubuntu/images/*noble*amd64*", 1),
        ("name", "debian-1?-amd64-*", 2),
        ("architecture", "arm64", 6),
        ("root-device-type", "instance-store", 1),
        ("owner-alias", "amazon", 4),
        ("is-public", "true", 13),
        ("state", "pending", 0),
        ("virtualization-type", "hvm", 13),
        ("block-device-mapping.volume-type", "gp2", 4),
    ],
)
def test_images_are_found_by_filter(ec2, name, value, expected):
    found = ec2.describe_images(Filters=[{"Name": name, "Values": [value]}])["Images"]
    assert len(found) == expected


def test_images_come_page_by_page(ec2):
    every = [found["ImageId"] for found in ec2.describe_images()["Images"]]
    pages = list(ec2.get_paginator("describe_images").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["Images"]) for page in pages] == [5, 5, 3]
    assert [i["ImageId"] for page in pages for i in page["Images"]] == every


def test_ids_and_a_page_size_do_not_go_together(ec2, refusal):
    code, _ = refusal(ec2.describe_images, ImageIds=[UBUNTU], MaxResults=5)
    assert code == "InvalidParameterCombination"


def test_snapshots_of_public_images_are_not_ours(ec2, launch, refusal):
    device = image(ec2, UBUNTU)["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    code, _ = refusal(ec2.delete_snapshot, status=403, SnapshotId=device)
    assert code == "AuthFailure"
    assert ec2.describe_volumes()["Volumes"] == [], "stock images leave no volumes behind"
    assert ec2.create_volume(SnapshotId=device, AvailabilityZone=ZONE)["Size"] == 8

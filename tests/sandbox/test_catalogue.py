"""The public images."""

from __future__ import annotations

from typing import Any

import pytest

from app.sandbox import catalogue
from tests.sandbox.conftest import Sandbox


def test_the_catalogue_is_what_everybody_sees_and_nobody_here_owns(ec2: Any):
    images = ec2.describe_images()["Images"]
    assert {image["Name"] for image in images} == {image.name for image in catalogue.IMAGES}
    assert all(image["Public"] and image["State"] == "available" for image in images)
    assert ec2.describe_images(Owners=["self"])["Images"] == []
    assert ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []


def test_ubuntu_is_found_by_owner_name_architecture_and_root_device(ec2: Any):
    (image,) = ec2.describe_images(
        Owners=["099720109477"],
        Filters=[
            {"Name": "name", "Values": ["ubuntu/images/*24.04*"]},
            {"Name": "architecture", "Values": ["x86_64"]},
            {"Name": "root-device-type", "Values": ["ebs"]},
        ],
    )["Images"]
    (device,) = image["BlockDeviceMappings"]
    assert device["DeviceName"] == image["RootDeviceName"] == "/dev/sda1"
    assert (device["Ebs"]["VolumeSize"], device["Ebs"]["VolumeType"]) == (8, "gp3")


def test_the_snapshots_of_images_belong_to_the_images_owners(ec2: Any):
    for image in ec2.describe_images(Owners=["136693071363"])["Images"]:
        snapshot_id = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
        (snapshot,) = ec2.describe_snapshots(SnapshotIds=[snapshot_id])["Snapshots"]
        assert snapshot["OwnerId"] == "136693071363"
        assert (snapshot["State"], snapshot["VolumeSize"]) == ("completed", 8)


def test_amazon_is_an_owner_by_name(ec2: Any):
    images = ec2.describe_images(Owners=["amazon"])["Images"]
    assert {image["OwnerId"] for image in images} == {"137112412989"}


def test_one_old_image_is_instance_store_backed(ec2: Any):
    filters = [{"Name": "root-device-type", "Values": ["instance-store"]}]
    (image,) = ec2.describe_images(Filters=filters)["Images"]
    assert image["BlockDeviceMappings"] == []


def test_ids_differ_between_regions_and_never_between_sandboxes(sandbox: Sandbox, ec2: Any):
    def ids(client: Any) -> dict[str, str]:
        return {image["Name"]: image["ImageId"] for image in client.describe_images()["Images"]}

    here, there = ids(ec2), ids(sandbox.client("ec2", "eu-central-1"))
    assert here.keys() == there.keys()
    assert not set(here.values()) & set(there.values())
    assert here == {image.name: image.image_id("us-east-1") for image in catalogue.IMAGES}


def test_an_image_that_is_not_there_is_not_found():
    with pytest.raises(LookupError):
        catalogue.find("plan9")

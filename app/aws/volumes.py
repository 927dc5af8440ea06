"""EBS volumes: how they are listed, their limits, and what can be done with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.aws.call import Call
from app.aws.listing import Description, ec2_listing
from app.aws.tags import made_for, tag_specifications

LISTING = ec2_listing("DescribeVolumes", "Volumes[]", "volume-id")
# The latest modification of each volume that has one.
MODIFICATIONS = ec2_listing("DescribeVolumesModifications", "VolumesModifications[]", "volume-id")


@dataclass(frozen=True)
class VolumeType:
    """The limits of a volume type: GiB, IOPS and MiB/s, each (least, most) or None: not to be set.

    https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html
    """

    name: str
    title: str
    size: tuple[int, int]
    iops: tuple[int, int] | None = None
    throughput: tuple[int, int] | None = None
    iops_required: bool = False


VOLUME_TYPES: dict[str, VolumeType] = {
    kind.name: kind
    for kind in (
        VolumeType("gp3", "General purpose SSD", (1, 65536), (3000, 80000), (125, 2000)),
        VolumeType("gp2", "General purpose SSD, older", (1, 16384)),
        VolumeType("io2", "Provisioned IOPS SSD", (4, 65536), (100, 256000), iops_required=True),
        VolumeType(
            "io1", "Provisioned IOPS SSD, older", (4, 16384), (100, 64000), iops_required=True
        ),
        VolumeType("st1", "Throughput-optimised HDD", (125, 16384)),
        VolumeType("sc1", "Cold HDD", (125, 16384)),
        VolumeType("standard", "Magnetic, previous generation", (1, 1024)),
    )
}


@dataclass(frozen=True)
class NewVolume:
    """What volume to make. ``size`` in GiB; empty values are left to AWS."""

    availability_zone: str
    volume_type: str
    client_token: str
    size: int | None = None
    snapshot_id: str = ""
    iops: int | None = None
    throughput: int | None = None
    encrypted: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


def attachments(volume: Description) -> list[Description]:
    """What AWS tells of the instances that a volume is attached to."""
    return volume.get("Attachments") or []


def attached_to(volume: Description) -> list[str]:
    """The ids of the instances that a volume is attached to."""
    return [entry["InstanceId"] for entry in attachments(volume) if entry.get("InstanceId")]


def create_volume(region: str, volume: NewVolume) -> Call:
    """Make a volume, empty or from a snapshot; ``client_token`` makes a repeat harmless."""
    parameters: dict[str, Any] = {"AvailabilityZone": volume.availability_zone}
    optional = {
        "SnapshotId": volume.snapshot_id,
        "Size": volume.size,
        "VolumeType": volume.volume_type,
        "Iops": volume.iops,
        "Throughput": volume.throughput,
        "Encrypted": volume.encrypted,
        "TagSpecifications": tag_specifications(volume=volume.tags),
    }
    parameters |= {key: value for key, value in optional.items() if value}
    parameters["ClientToken"] = volume.client_token
    size = f" of {volume.size} GiB" if volume.size else ""
    source = f" from {volume.snapshot_id}" if volume.snapshot_id else ""
    return Call(
        "ec2",
        "CreateVolume",
        region,
        parameters,
        says=f"Make a {volume.volume_type} volume{size}{source} in {volume.availability_zone}",
        makes=("volume", "@", {}),
    )


def find_by_request(request_ids: Sequence[str]) -> tuple[str, Mapping[str, object], str]:
    """The read that finds the volumes made for these requests, at most 200."""
    return made_for("DescribeVolumes", "Volumes[]", request_ids)


def attach_volume(region: str, volume_id: str, instance_id: str, device: str) -> Call:
    """Attach a volume to an instance of its own availability zone."""
    return Call(
        "ec2",
        "AttachVolume",
        region,
        {"VolumeId": volume_id, "InstanceId": instance_id, "Device": device},
        says=f"Attach {volume_id} to {instance_id} as {device}",
        touches=(("volume", volume_id), ("instance", instance_id)),
    )


def detach_volume(region: str, volume_id: str, instance_id: str, force: bool = False) -> Call:
    """Detach a volume; ``force`` as a last resort, it can damage the file system."""
    return Call(
        "ec2",
        "DetachVolume",
        region,
        {"VolumeId": volume_id, "InstanceId": instance_id, **({"Force": True} if force else {})},
        says=f"Detach {volume_id} from {instance_id}",
        touches=(("volume", volume_id), ("instance", instance_id)),
    )


def delete_volume(region: str, volume_id: str) -> Call:
    """Delete a volume that is attached to nothing."""
    return Call(
        "ec2",
        "DeleteVolume",
        region,
        {"VolumeId": volume_id},
        says=f"Delete volume {volume_id}",
        removes=(("volume", volume_id),),
        of=volume_id,
    )

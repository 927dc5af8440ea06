"""Volumes: CreateVolume, DescribeVolumes, DeleteVolume."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from moto.ec2.models.elastic_block_store import Volume
from moto.ec2.utils import random_volume_id

from app.sandbox.ec2 import agenda, filters, ids, news, once, paging, tags, volume_limits
from app.sandbox.ec2.refusal import Refused, bad_value, missing
from app.sandbox.ec2.request import Answer, Moto, Request, now, operation


def make(
    backend: Moto,
    zone: str,
    size: int,
    kind: str = "gp3",
    *,
    iops: int | None = None,
    throughput: int | None = None,
    snapshot_id: str | None = None,
    encrypted: bool = False,
    kms_key_id: str | None = None,
    created: datetime | None = None,
) -> Moto:
    """A new volume, there at once (moto's object). The caller has checked that it can be.

    Size in GiB, throughput in MiB/s; `created` is UTC without a zone, and now when left out.
    """
    volume: Moto = Volume(  # type: ignore[abstract]  # moto makes them so itself
        backend,
        volume_id=random_volume_id(),
        size=size,
        zone=backend.get_zone_by_name(zone),
        snapshot_id=snapshot_id,
        encrypted=encrypted,
        kms_key_id=kms_key_id or (_default_key(backend) if encrypted else None),
        volume_type=kind,
        iops=iops if iops is not None else volume_limits.baseline_iops(kind, size),
        throughput=throughput if throughput is not None else (125 if kind == "gp3" else None),
    )
    volume.create_time = created or now()
    backend.volumes[volume.id] = volume
    return volume


def _default_key(backend: Moto) -> str:
    """The account's own key for EBS in the region, which encrypts where no other is named."""
    place = f"{backend.region_name}:{backend.account_id}"
    key = uuid.uuid5(uuid.NAMESPACE_URL, f"aws/ebs:{place}")
    return f"arn:aws:kms:{place}:key/{key}"


def state(volume: Moto) -> str:
    """creating, available, in-use or deleting."""
    return volume._encante_state or ("in-use" if volume.attachment else "available")


@agenda.event("volume created")
def _created(backend: Moto, volume_id: str, due: datetime) -> None:
    volume = backend.volumes.get(volume_id)
    if volume is not None and volume._encante_state == "creating":
        volume._encante_state = None
        news.volume(backend, volume_id, "createVolume", "available", due)


def remove(backend: Moto, volume_id: str) -> None:
    """The volume is gone at once, and its tags with it."""
    backend.volumes.pop(volume_id, None)
    tags.forget(backend, volume_id)


@operation("CreateVolume")
def create_volume(request: Request) -> Answer:
    backend = request.backend
    tokens = once.remembered(request, "volumes")
    if tokens.earlier is not None:
        request.stop_if_dry_run()
        return view(ids.one(backend, ids.VOLUME, tokens.earlier))
    given = tags.specified(request, "volume")
    zone = check_zone(backend, request.need("AvailabilityZone"))
    size, snapshot = check_size(request)
    kind = request.get("VolumeType") or "gp2"
    iops, throughput = request.get("Iops"), request.get("Throughput")
    volume_limits.check(kind, size, iops, throughput)
    encrypted = bool(request.get("Encrypted"))
    if request.get("KmsKeyId") and not encrypted:
        raise Refused("InvalidParameterDependency", "The parameter KmsKeyId requires Encrypted.")
    request.stop_if_dry_run()
    volume = make(
        backend,
        zone,
        size,
        kind,
        iops=iops,
        throughput=throughput,
        snapshot_id=snapshot.id if snapshot else None,
        encrypted=encrypted or bool(snapshot and snapshot.encrypted),
        kms_key_id=request.get("KmsKeyId"),
    )
    tags.put(backend, volume.id, given["volume"])
    volume._encante_state = "creating"
    agenda.plan(backend, "volume created", volume.id, request.settings.volume_creating)
    tokens.remember(volume.id)
    return view(volume)


def check_zone(backend: Moto, zone: str) -> str:
    """The zone's name, when it is one of this region."""
    if backend.get_zone_by_name(zone) is None:
        raise Refused("InvalidZone.NotFound", f"The zone '{zone}' does not exist.")
    return zone


def check_size(request: Request) -> tuple[int, Moto | None]:
    """The size in GiB that the request leads to, and the snapshot it starts from, if any."""
    size, snapshot_id = request.get("Size"), request.get("SnapshotId")
    if size is None and not snapshot_id:
        raise missing("size/snapshot")
    if not snapshot_id:
        return int(size), None
    snapshot = usable_snapshot(request.backend, snapshot_id)
    least = snapshot_size(snapshot)
    if size is not None and size < least:
        raise bad_value(
            f"Volume of size {size}GB is smaller than snapshot '{snapshot_id}', "
            f"expect size >= {least}GB"
        )
    return int(size or least), snapshot


def usable_snapshot(backend: Moto, snapshot_id: str) -> Moto:
    """A snapshot that something can be made from: it is there and completed."""
    snapshot = ids.one(backend, ids.SNAPSHOT, snapshot_id)
    if snapshot.status != "completed":
        raise Refused("IncorrectState", f"Snapshot '{snapshot_id}' is not 'completed'.")
    return snapshot


def snapshot_size(snapshot: Moto) -> int:
    """GiB of the volume at the time it was snapshotted; it may have grown since."""
    return int(snapshot._encante_size or snapshot.volume.size)


@operation("DeleteVolume")
def delete_volume(request: Request) -> Answer:
    volume = ids.one(request.backend, ids.VOLUME, request.need("VolumeId"))
    if volume.attachment:
        raise Refused(
            "VolumeInUse",
            f"Volume {volume.id} is currently attached to {volume.attachment.instance.id}",
        )
    if state(volume) == "creating":
        raise Refused("IncorrectState", f"The volume '{volume.id}' is in state 'creating'.")
    request.stop_if_dry_run()
    remove(request.backend, volume.id)
    return {}


FIELDS: dict[str, filters.Field] = {
    "attachment.attach-time": lambda v: v.attachment and v.attachment.attach_time,
    "attachment.delete-on-termination": lambda v: v.attachment and deletes_on_termination(v),
    "attachment.device": lambda v: v.attachment and v.attachment.device,
    "attachment.instance-id": lambda v: v.attachment and v.attachment.instance.id,
    "attachment.status": lambda v: v.attachment and v.attachment.status,
    "availability-zone": lambda v: v.zone.name,
    "create-time": lambda v: v.create_time,
    "encrypted": lambda v: bool(v.encrypted),
    "fast-restored": lambda v: False,
    "multi-attach-enabled": lambda v: bool(v.multi_attach_enabled),
    "size": lambda v: v.size,
    "snapshot-id": lambda v: v.snapshot_id,
    "status": state,
    "volume-id": lambda v: v.id,
    "volume-type": lambda v: v.volume_type,
}


@operation("DescribeVolumes", reads=True)
def describe_volumes(request: Request) -> Answer:
    backend, wanted = request.backend, request.items("VolumeIds")
    found = ids.many(backend, ids.VOLUME, wanted) if wanted else list(backend.volumes.values())
    found = filters.apply(request, found, FIELDS)
    shown, token = paging.page(
        request, found, lambda v: v.id, ids="VolumeIds", said="volumeSet", cuts=True
    )
    return paging.listed("Volumes", [view(volume) for volume in shown], token)


def deletes_on_termination(volume: Moto) -> bool:
    """Whether the volume goes when the instance that it is attached to is terminated."""
    attachment = volume.attachment
    device = attachment.instance.block_device_mapping.get(attachment.device)
    return bool(device and device.delete_on_termination)


def attachment_view(attachment: Moto, said: str | None = None) -> dict[str, Any]:
    """An attachment as AWS shows it, in the state `said` or its own."""
    return {
        "AttachTime": attachment.attach_time,
        "Device": attachment.device,
        "InstanceId": attachment.instance.id,
        "State": said or attachment.status,
        "VolumeId": attachment.volume.id,
        "DeleteOnTermination": deletes_on_termination(attachment.volume),
    }


def view(volume: Moto) -> dict[str, Any]:
    """A volume as DescribeVolumes and CreateVolume show it."""
    return {
        "VolumeId": volume.id,
        "Size": volume.size,
        "SnapshotId": volume.snapshot_id or "",
        "AvailabilityZone": volume.zone.name,
        "AvailabilityZoneId": volume.zone.zone_id,
        "State": state(volume),
        "CreateTime": volume.create_time,
        "Attachments": [attachment_view(volume.attachment)] if volume.attachment else [],
        "Tags": tags.view(volume.ec2_backend, volume.id),
        "VolumeType": volume.volume_type,
        "Iops": volume.iops,
        "Throughput": volume.throughput,
        "Encrypted": bool(volume.encrypted),
        "KmsKeyId": volume.kms_key_id,
        "MultiAttachEnabled": bool(volume.multi_attach_enabled),
    }

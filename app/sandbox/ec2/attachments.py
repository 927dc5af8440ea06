"""Volumes and instances together: AttachVolume, DetachVolume."""

from __future__ import annotations

import re
from datetime import datetime

from moto.ec2.models.block_device import BlockDeviceType
from moto.ec2.models.elastic_block_store import VolumeAttachment

from app.sandbox.ec2 import agenda, ids, volumes
from app.sandbox.ec2.refusal import Refused, bad_value
from app.sandbox.ec2.request import Answer, Moto, Request, now, operation


def put(volume: Moto, instance: Moto, device: str, delete_on_termination: bool) -> Moto:
    """Attach the volume at once; gives moto's attachment. The caller has checked."""
    made: Moto = VolumeAttachment(volume, instance, device, "attached")  # type: ignore[abstract]
    volume.attachment = made
    volume.attachment.attach_time = now()
    instance.block_device_mapping[device] = BlockDeviceType(
        volume_id=volume.id,
        status="in-use",
        size=volume.size,
        attach_time=volume.attachment.attach_time,
        delete_on_termination=delete_on_termination,
    )
    return volume.attachment


def take(volume: Moto) -> None:
    """Detach the volume at once from wherever it is."""
    if volume.attachment:
        volume.attachment.instance.block_device_mapping.pop(volume.attachment.device, None)
        volume.attachment = None


@agenda.event("volume attached")
def _attached(backend: Moto, volume_id: str, due: datetime) -> None:
    volume = backend.volumes.get(volume_id)
    if volume and volume.attachment and volume.attachment.status == "attaching":
        volume.attachment.status = "attached"


@agenda.event("volume detached")
def _detached(backend: Moto, volume_id: str, due: datetime) -> None:
    volume = backend.volumes.get(volume_id)
    if volume and volume.attachment and volume.attachment.status == "detaching":
        take(volume)


@operation("AttachVolume")
def attach_volume(request: Request) -> Answer:
    backend = request.backend
    device = request.need("Device")
    instance = ids.one(backend, ids.INSTANCE, request.need("InstanceId"))
    volume = ids.one(backend, ids.VOLUME, request.need("VolumeId"))
    _check_attachable(volume, instance, device)
    request.stop_if_dry_run()
    attachment = put(volume, instance, device, delete_on_termination=False)
    attachment.status = "attaching"
    agenda.plan(backend, "volume attached", volume.id, request.settings.volume_attaching)
    return volumes.attachment_view(attachment)


def _check_attachable(volume: Moto, instance: Moto, device: str) -> None:
    if volume.attachment:
        raise Refused("VolumeInUse", f"{volume.id} is already attached to an instance")
    if volumes.state(volume) != "available":
        raise Refused("IncorrectState", f"{volume.id} is not 'available'.")
    if instance.state not in ("running", "stopped", "stopping"):
        raise Refused("IncorrectState", f"Instance '{instance.id}' is not 'running'.")
    if volume.zone.name != instance.placement.zone:
        raise Refused(
            "InvalidVolume.ZoneMismatch",
            f"The volume '{volume.id}' is not in the same availability zone as instance "
            f"'{instance.id}'",
        )
    if not re.fullmatch(r"/dev/[a-z0-9]{2,16}|xvd[a-z]{1,2}", device):
        raise bad_value(
            f"Value ({device}) for parameter device is invalid. "
            f"{device} is not a valid EBS device name."
        )
    if device in instance.block_device_mapping:
        raise bad_value(
            f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use"
        )


@operation("DetachVolume")
def detach_volume(request: Request) -> Answer:
    volume = ids.one(request.backend, ids.VOLUME, request.need("VolumeId"))
    attachment = volume.attachment
    if attachment is None or attachment.status == "detaching":
        raise Refused(
            "IncorrectState",
            f"Volume '{volume.id}' is in the '{volumes.state(volume)}' state."
            if attachment is None
            else f"Volume '{volume.id}' is already being detached.",
        )
    _check_names_attachment(request, volume, attachment)
    instance = attachment.instance
    if attachment.device == instance.root_device_name and instance.state != "stopped":
        raise Refused(
            "OperationNotPermitted",
            f"Unable to detach root volume '{volume.id}' from instance '{instance.id}'",
        )
    request.stop_if_dry_run()
    attachment.status = "detaching"
    seconds = request.settings.volume_detaching
    agenda.plan(request.backend, "volume detached", volume.id, seconds)
    return volumes.attachment_view(attachment)


def _check_names_attachment(request: Request, volume: Moto, attachment: Moto) -> None:
    instance_id, device = request.get("InstanceId"), request.get("Device")
    if instance_id:
        ids.one(request.backend, ids.INSTANCE, instance_id)
    if (instance_id and instance_id != attachment.instance.id) or (
        device and device != attachment.device
    ):
        raise Refused(
            "InvalidAttachment.NotFound",
            f"The volume '{volume.id}' is not attached to instance "
            f"'{instance_id or attachment.instance.id}' as device "
            f"'{device or attachment.device}'.",
        )

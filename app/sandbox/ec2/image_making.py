"""CreateImage, and how an image of our own comes to be."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from moto.ec2.models.amis import Ami
from moto.ec2.utils import random_ami_id

from app.sandbox.ec2 import agenda, ids, images, news, snapshot_making, tags
from app.sandbox.ec2.refusal import Refused, bad_value
from app.sandbox.ec2.request import Answer, Moto, Request, now, operation


def make(
    backend: Moto,
    image_id: str,
    name: str,
    description: str,
    devices: list[dict[str, Any]],
    *,
    instance: Moto | None = None,
    root_device_name: str | None = None,
    architecture: str = "x86_64",
    virtualization_type: str = "hvm",
    created: datetime | None = None,
) -> Moto:
    """An available, EBS-backed image of our own; moto's object.

    `devices` are BlockDeviceMappings as AWS names them; what an `instance` is like, its image is.
    """
    image: Moto = Ami(
        backend,
        image_id,
        instance=instance,
        name=name,
        description=description,
        architecture=architecture,
        virtualization_type=virtualization_type,
        hypervisor="xen",
        root_device_type="ebs",
        root_device_name=root_device_name
        or (instance.root_device_name if instance else "/dev/sda1"),
        region_name=f"{backend.region_name}a",
    )
    # moto has made a snapshot for the image; ours come from the devices.
    snapshot_making.remove(backend, image.ebs_snapshot.id)
    image.ebs_snapshot = None
    image._encante_devices = devices
    image.creation_date = created or now()
    if instance is not None and (source := backend.amis.get(instance.image_id)) is not None:
        image._encante_boot_mode, image._encante_ena = (
            source._encante_boot_mode,
            source._encante_ena,
        )
    backend.amis[image_id] = image
    return image


def check_name(backend: Moto, account_id: str, name: str) -> None:
    """AWS's rules for image names; a name is unique per account and region."""
    if not re.fullmatch(r"[A-Za-z0-9()\[\] ./\-'@_]{3,128}", name):
        raise Refused(
            "InvalidAMIName.Malformed",
            "AMI names must be between 3 and 128 characters long, and may contain letters, "
            "numbers, '(', ')', '[', ']', ' ', '.', '/', '-', ''', '@' and '_'",
        )
    for image in backend.amis.values():
        if image.name == name and image.owner_id == account_id:
            raise Refused(
                "InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {image.id}"
            )


@operation("CreateImage")
def create_image(request: Request) -> Answer:
    """An image of an instance, with a snapshot of each EBS volume; pending until these are done."""
    backend = request.backend
    name = request.need("Name")
    instance = ids.one(backend, ids.INSTANCE, request.need("InstanceId"))
    given = tags.specified(request, "image", "snapshot")
    check_name(backend, request.account_id, name)
    description = snapshot_making.check_description(request)
    _check_instance(instance)
    plan = _devices_of_instance(request, instance)
    for volume, _ in plan:
        if volume is not None:
            snapshot_making.check_volume(request, volume)
    request.stop_if_dry_run()
    image_id = random_ami_id()
    devices = _with_snapshots(request, instance, image_id, plan, given["snapshot"])
    image = make(backend, image_id, name, description, devices, instance=instance)
    image.state = "pending"
    tags.put(backend, image_id, given["image"])
    agenda.plan(backend, "image done", image_id, request.settings.image_pending)
    return {"ImageId": image_id}


def _check_instance(instance: Moto) -> None:
    if instance.state not in ("running", "stopping", "stopped"):
        raise Refused(
            "IncorrectState",
            f"Instance '{instance.id}' is not in state 'running' or 'stopped' "
            f"(it is '{instance.state}')",
        )
    if instance.root_device_type != "ebs":
        raise bad_value(
            f"Instance '{instance.id}' is not EBS-backed: an image of an instance-store-backed "
            "instance has to be bundled on it"
        )
    if instance.root_device_name not in instance.block_device_mapping:
        raise bad_value(
            f"Instance does not have a volume attached at root ({instance.root_device_name})"
        )


Plan = list[tuple[Moto | None, dict[str, Any]]]


def _devices_of_instance(request: Request, instance: Moto) -> Plan:
    """The volumes to snapshot, each with what the image will say of it."""
    wanted = {entry.get("DeviceName"): entry for entry in request.items("BlockDeviceMappings")}
    plan: Plan = []
    for name, device in instance.block_device_mapping.items():
        entry = wanted.pop(name, {})
        if entry.get("NoDevice") is not None:
            continue
        volume = request.backend.volumes[device.volume_id]
        ebs = {
            "VolumeSize": volume.size,
            "VolumeType": volume.volume_type,
            "DeleteOnTermination": bool(device.delete_on_termination),
            "Encrypted": bool(volume.encrypted),
        }
        if volume.volume_type in ("io1", "io2", "gp3"):
            ebs |= {"Iops": volume.iops}
        if volume.volume_type == "gp3":
            ebs |= {"Throughput": volume.throughput}
        ebs |= entry.get("Ebs") or {}
        if ebs["VolumeSize"] < volume.size:
            raise Refused(
                "InvalidBlockDeviceMapping",
                f"Volume of size {ebs['VolumeSize']}GB is smaller than the volume at {name}, "
                f"expect size >= {volume.size}GB",
            )
        plan.append((volume, {"DeviceName": name, "Ebs": ebs}))
    plan += [(None, dict(entry)) for entry in wanted.values() if entry.get("NoDevice") is None]
    return plan


def _with_snapshots(
    request: Request, instance: Moto, image_id: str, plan: Plan, kept: dict[str, str]
) -> list[dict[str, Any]]:
    devices = []
    for volume, device in plan:
        if volume is not None:
            text = f"Created by CreateImage({instance.id}) for {image_id}"
            snapshot = snapshot_making.begin(request, volume, text, kept)
            device["Ebs"] = {"SnapshotId": snapshot.id, **device["Ebs"]}
        devices.append(device)
    return devices


@agenda.event("image done")
def _done(backend: Moto, image_id: str, due: datetime) -> None:
    image = backend.amis.get(image_id)
    if image is None or image.state != "pending":
        return
    made = [backend.snapshots.get(snapshot_id) for snapshot_id in images.snapshot_ids(image)]
    if any(snapshot is None or snapshot.status == "error" for snapshot in made):
        image.state = "failed"
        image._encante_reason = {
            "Code": "Client.SnapshotFailed",
            "Message": "A snapshot of the image failed or was deleted",
        }
    elif waits := [snapshot._encante_due for snapshot in made if snapshot.status == "pending"]:
        agenda.plan(backend, "image done", image_id, max((max(waits) - now()).total_seconds(), 0))
        return
    else:
        image.state = "available"
    news.image(backend, image, due)

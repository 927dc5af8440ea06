"""RegisterImage and DeregisterImage."""

from __future__ import annotations

from typing import Any

from moto.ec2.utils import random_ami_id

from app.sandbox.ec2 import (
    image_making,
    images,
    snapshot_making,
    snapshots,
    tags,
    volume_limits,
)
from app.sandbox.ec2.refusal import Refused, bad_value, missing
from app.sandbox.ec2.request import Answer, Request, operation
from app.sandbox.ec2.volumes import snapshot_size, usable_snapshot


@operation("RegisterImage")
def register_image(request: Request) -> Answer:
    """An image from snapshots that exist; available at once."""
    backend, name = request.backend, request.need("Name")
    given = tags.specified(request, "image")
    image_making.check_name(backend, request.account_id, name)
    description = snapshot_making.check_description(request)
    devices = _registered_devices(request)
    machine = _machine(request)
    request.stop_if_dry_run()
    image = image_making.make(
        backend,
        random_ami_id(),
        name,
        description,
        devices,
        root_device_name=request.get("RootDeviceName") or devices[0]["DeviceName"],
        architecture=machine["architecture"],
        virtualization_type=machine["virtualizationType"],
    )
    image._encante_boot_mode = machine["bootMode"] or None
    image._encante_ena = bool(request.get("EnaSupport"))
    tags.put(backend, image.id, given["image"])
    return {"ImageId": image.id}


def _machine(request: Request) -> dict[str, str]:
    """What kind of machine the image is for; AWS's defaults are those of 2006."""
    machine = {
        "architecture": request.get("Architecture") or "i386",
        "virtualizationType": request.get("VirtualizationType") or "paravirtual",
        "bootMode": request.get("BootMode") or "",
    }
    allowed = {
        "architecture": ("i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac"),
        "virtualizationType": ("hvm", "paravirtual"),
        "bootMode": ("", "legacy-bios", "uefi", "uefi-preferred"),
    }
    for name, value in machine.items():
        if value not in allowed[name]:
            raise bad_value(f"Value ({value}) for parameter {name} is invalid.")
    if machine["architecture"] == "arm64" and machine["bootMode"] not in ("", "uefi"):
        raise bad_value("An image of the architecture arm64 has the boot mode uefi")
    return machine


def _registered_devices(request: Request) -> list[dict[str, Any]]:
    entries = request.need("BlockDeviceMappings", "blockDeviceMapping")
    root = request.get("RootDeviceName") or entries[0].get("DeviceName")
    names = [entry.get("DeviceName") for entry in entries]
    if len(set(names)) < len(names):
        raise Refused("InvalidBlockDeviceMapping", "A device name is given more than once")
    devices = [_registered_device(request, entry) for entry in entries]
    if not any(d["DeviceName"] == root and d["Ebs"].get("SnapshotId") for d in devices):
        raise Refused(
            "InvalidBlockDeviceMapping",
            f"The root device {root} must have a snapshot in the block device mapping",
        )
    return devices


def _registered_device(request: Request, entry: dict[str, Any]) -> dict[str, Any]:
    name, ebs = entry.get("DeviceName"), dict(entry.get("Ebs") or {})
    if not name:
        raise missing("blockDeviceMapping.deviceName")
    size = ebs.get("VolumeSize")
    if ebs.get("SnapshotId"):
        snapshot = usable_snapshot(request.backend, ebs["SnapshotId"])
        snapshots.check_owned(request, snapshot)
        least = snapshot_size(snapshot)
        if size is not None and size < least:
            raise Refused(
                "InvalidBlockDeviceMapping",
                f"Volume of size {size}GB is smaller than snapshot '{snapshot.id}', "
                f"expect size >= {least}GB",
            )
        size = size or least
    if size is None:
        raise missing("size/snapshot")
    kind = ebs.get("VolumeType") or "gp2"
    volume_limits.check(kind, size, ebs.get("Iops"), ebs.get("Throughput"))
    usual = {"DeleteOnTermination": True, "Encrypted": False}
    return {"DeviceName": name, "Ebs": usual | ebs | {"VolumeSize": size, "VolumeType": kind}}


@operation("DeregisterImage")
def deregister_image(request: Request) -> Answer:
    """The image goes; its snapshots stay, unless DeleteAssociatedSnapshots asks for them too."""
    backend = request.backend
    image = images.find(request, request.need("ImageId"))
    if not images.is_own(request, image):
        raise Refused("AuthFailure", f"Not authorized for image:{image.id}", 403)
    request.stop_if_dry_run()
    associated = images.snapshot_ids(image)
    backend.amis.pop(image.id)
    backend.deleted_amis.append(image.id)
    tags.forget(backend, image.id)
    if not request.get("DeleteAssociatedSnapshots"):
        return {"Return": True}
    results = [_delete_associated(request, snapshot_id) for snapshot_id in associated]
    return {"Return": True, "DeleteSnapshotResults": results}


def _delete_associated(request: Request, snapshot_id: str) -> dict[str, str]:
    snapshot = request.backend.snapshots.get(snapshot_id)
    if snapshot is None:
        return {"SnapshotId": snapshot_id, "ReturnCode": "missing-permissions"}
    if any(snapshot_id in images.snapshot_ids(i) for i in request.backend.amis.values()):
        return {"SnapshotId": snapshot_id, "ReturnCode": "skipped"}
    snapshot_making.remove(request.backend, snapshot_id)
    return {"SnapshotId": snapshot_id, "ReturnCode": "success"}

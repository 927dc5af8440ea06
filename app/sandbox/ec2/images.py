"""Images: how they are told, and DescribeImages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from app.sandbox.ec2 import filters, ids, paging, tags
from app.sandbox.ec2.refusal import Refused
from app.sandbox.ec2.request import Answer, Moto, Request, operation
from app.sandbox.ec2.volumes import snapshot_size


def devices(image: Moto) -> list[dict[str, Any]]:
    """The image's BlockDeviceMappings.

    Our own images carry them. moto's stock images have one snapshot; its volume's size and type
    are taken for the root device, unless the image is instance-store-backed.
    """
    if image._encante_devices is not None:
        return [dict(device) for device in image._encante_devices]
    if image.root_device_type == "instance-store" or image.ebs_snapshot is None:
        return []
    snapshot = image.ebs_snapshot
    ebs = {
        "SnapshotId": snapshot.id,
        "VolumeSize": snapshot_size(snapshot),
        "VolumeType": snapshot.volume.volume_type,
        "DeleteOnTermination": True,
        "Encrypted": False,
    }
    return [{"DeviceName": image.root_device_name, "Ebs": ebs}]


def snapshot_ids(image: Moto) -> list[str]:
    """Ids of the snapshots that instances of the image start from."""
    found = [device.get("Ebs", {}).get("SnapshotId") for device in devices(image)]
    return [snapshot_id for snapshot_id in found if snapshot_id]


def root_type(image: Moto) -> str:
    """ebs or instance-store; moto says "standard" where its catalogue is silent."""
    return "instance-store" if image.root_device_type == "instance-store" else "ebs"


def has_ena(image: Moto) -> bool:
    """Whether the image has the driver that today's instance types need for their network."""
    return bool(image._encante_ena) and image.virtualization_type != "paravirtual"


def is_own(request: Request, image: Moto) -> bool:
    return bool(image.owner_id == request.account_id)


def launchable(request: Request, image: Moto) -> bool:
    """Whether this account may start instances from the image: own, public or shared."""
    shared = {"UserId": request.account_id} in image.launch_permissions
    return is_own(request, image) or bool(image.is_public) or shared


def find(request: Request, image_id: str) -> Moto:
    """An image that this account can see; to others it does not exist."""
    image = ids.one(request.backend, ids.IMAGE, image_id)
    if not launchable(request, image):
        raise Refused(ids.IMAGE.not_found, ids.IMAGE.says([image_id]))
    return image


def location(image: Moto) -> str:
    return str(image.image_location or f"{image.owner_id}/{image.name}")


FIELDS: dict[str, filters.Field] = {
    "architecture": lambda i: i.architecture,
    "boot-mode": lambda i: i._encante_boot_mode,
    "block-device-mapping.device-name": lambda i: [d["DeviceName"] for d in devices(i)],
    "block-device-mapping.snapshot-id": snapshot_ids,
    "block-device-mapping.volume-size": lambda i: _each_ebs(i, "VolumeSize"),
    "block-device-mapping.volume-type": lambda i: _each_ebs(i, "VolumeType"),
    "block-device-mapping.delete-on-termination": lambda i: _each_ebs(i, "DeleteOnTermination"),
    "block-device-mapping.encrypted": lambda i: _each_ebs(i, "Encrypted"),
    "creation-date": lambda i: i.creation_date,
    "description": lambda i: i.description or "",
    "ena-support": lambda i: has_ena(i),
    "hypervisor": lambda i: i.hypervisor or "xen",
    "image-id": lambda i: i.id,
    "image-type": lambda i: i.image_type,
    "is-public": lambda i: bool(i.is_public),
    "kernel-id": lambda i: i.kernel_id,
    "manifest-location": location,
    "name": lambda i: i.name,
    "owner-alias": lambda i: i.owner_alias,
    "owner-id": lambda i: i.owner_id,
    "platform": lambda i: i.platform,
    "product-code": lambda i: list(i.product_codes),
    "root-device-name": lambda i: i.root_device_name,
    "root-device-type": root_type,
    "source-instance-id": lambda i: i.instance_id,
    "state": lambda i: i.state,
    "virtualization-type": lambda i: i.virtualization_type,
}


def _each_ebs(image: Moto, name: str) -> list[Any]:
    return [device.get("Ebs", {}).get(name) for device in devices(image)]


@operation("DescribeImages", reads=True)
def describe_images(request: Request) -> Answer:
    wanted = request.items("ImageIds")
    if wanted:
        found = ids.many(request.backend, ids.IMAGE, wanted)
        hidden = [image.id for image in found if not launchable(request, image)]
        if hidden:
            raise Refused(ids.IMAGE.not_found, ids.IMAGE.says(hidden))
    else:
        found = [i for i in list(request.backend.amis.values()) if launchable(request, i)]
    found = [image for image in found if _asked_for(request, image)]
    found = filters.apply(request, found, FIELDS)
    shown, token = paging.page(
        request, found, lambda i: i.id, ids="ImageIds", said="imagesSet", least=1
    )
    return paging.listed("Images", [view(image) for image in shown], token)


def _asked_for(request: Request, image: Moto) -> bool:
    owners, users = request.items("Owners"), request.items("ExecutableUsers")
    own = is_own(request, image)
    named = image.owner_id in owners or (image.owner_alias and image.owner_alias in owners)
    if owners and not (named or ("self" in owners and own)):
        return False
    if not users:
        return True
    shared = {permission.get("UserId") for permission in image.launch_permissions}
    asked = {request.account_id if user == "self" else user for user in users}
    # AWS: "self" means explicit permission, not ownership; "all" means public.
    return bool(asked & shared) or ("all" in asked and bool(image.is_public))


def view(image: Moto) -> dict[str, Any]:
    """An image as DescribeImages shows it."""
    created = image.creation_date
    return {
        "ImageId": image.id,
        "ImageLocation": location(image),
        "ImageType": image.image_type,
        "Public": bool(image.is_public),
        "Name": image.name,
        "Description": image.description or None,
        "OwnerId": image.owner_id,
        "ImageOwnerAlias": image.owner_alias,
        "State": image.state,
        "StateReason": image._encante_reason,
        "CreationDate": created.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "DeprecationTime": _two_years_after(created) if image.is_public else None,
        "Architecture": image.architecture or "x86_64",
        "Platform": image.platform or None,
        "PlatformDetails": "Windows" if image.platform == "windows" else "Linux/UNIX",
        "UsageOperation": "RunInstances:0002" if image.platform == "windows" else "RunInstances",
        "VirtualizationType": image.virtualization_type or "hvm",
        "Hypervisor": image.hypervisor or "xen",
        "RootDeviceType": root_type(image),
        "RootDeviceName": image.root_device_name,
        "BlockDeviceMappings": devices(image),
        "EnaSupport": has_ena(image),
        "BootMode": image._encante_boot_mode,
        "SriovNetSupport": "simple",
        "SourceInstanceId": image.instance_id,
        "Tags": tags.view(image.ec2_backend, image.id),
    }


def _two_years_after(created: Any) -> str:
    # Public images are deprecated two years after they were made, if nothing else was asked for.
    return str((created + timedelta(days=730)).strftime("%Y-%m-%dT%H:%M:%S.000Z"))

"""What RunInstances is asked for, one part per function; each refuses as AWS does."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from moto.core.types import Base64EncodedString

from app.sandbox.ec2 import images, instance_types, key_pairs, volume_limits, volumes
from app.sandbox.ec2.refusal import Refused, bad_combination, bad_value, missing
from app.sandbox.ec2.request import Moto, Request

MAX_USER_DATA = 16 * 1024


def counts(request: Request) -> tuple[int, int]:
    """Minimum and maximum count."""
    least, most = int(request.need("MinCount")), int(request.need("MaxCount"))
    if least < 1:
        raise bad_value("Minimum instance count must be greater than zero")
    if most < 1:
        raise bad_value("Maximum instance count must be greater than zero")
    if least > most:
        raise bad_value(
            f"Minimum instance count ({least}) must be less than or equal to the maximum "
            f"instance count ({most})"
        )
    if most > 1000:
        raise Refused(
            "InstanceLimitExceeded",
            f"You have requested more instances ({most}) than your current instance limit of "
            "1000 allows for the specified instance type.",
        )
    return least, most


def image(request: Request) -> Moto:
    """The image; it must be available here and to this account."""
    found = images.find(request, request.need("ImageId", "ImageId"))
    if found.state != "available":
        raise Refused("InvalidAMIID.Unavailable", f"The image ID '{found.id}' is not available")
    return found


def instance_type(request: Request, image: Moto) -> str:
    """The type's name; it must exist here and be able to run the image."""
    name = str(request.get("InstanceType") or "m1.small")
    kind = instance_types.find(name, request.region)
    if kind is None:
        raise bad_value(f"Invalid value '{name}' for InstanceType.")
    wanted = image.architecture or "x86_64"
    can = kind.get("ProcessorInfo", {}).get("SupportedArchitectures", [])
    if wanted not in can:
        raise bad_value(
            f"The architecture '{','.join(can)}' of the specified instance type does not match "
            f"the architecture '{wanted}' of the specified AMI. Specify an instance type and an "
            "AMI that have matching architectures, and try again. You can use "
            "'describe-instance-types' or 'describe-images' to discover the architecture of the "
            "instance type or AMI."
        )
    root = images.root_type(image)
    if root not in kind.get("SupportedRootDeviceTypes", ["ebs"]):
        raise bad_combination(
            f"The instance type '{name}' does not support an AMI with root device type '{root}'."
        )
    virtualization = image.virtualization_type or "hvm"
    if virtualization not in kind.get("SupportedVirtualizationTypes", ["hvm"]):
        raise bad_combination(
            f"The instance type '{name}' does not support AMIs with virtualization type "
            f"'{virtualization}'."
        )
    if kind.get("NetworkInfo", {}).get("EnaSupport") == "required" and not images.has_ena(image):
        raise bad_combination(
            "Enhanced networking with the Elastic Network Adapter (ENA) is required for the "
            f"'{name}' instance type. Ensure that you are using an AMI that is enabled for ENA."
        )
    return name


def key_pair(request: Request) -> str | None:
    """The key pair's name, or None for an instance without one."""
    name = request.get("KeyName")
    if name:
        key_pairs.find(request.backend, name)
    return name or None


def user_data(request: Request) -> Base64EncodedString | None:
    """At most 16 KB before base64."""
    text = request.get("UserData")
    if not text:
        return None
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as malformed:
        raise bad_value("Invalid BASE64 encoding of user data.") from malformed
    if len(raw) > MAX_USER_DATA:
        raise bad_value(f"User data is limited to {MAX_USER_DATA} bytes")
    return Base64EncodedString(text)


def shutdown_behavior(request: Request) -> str:
    """stop or terminate."""
    value = request.get("InstanceInitiatedShutdownBehavior") or "stop"
    if value not in ("stop", "terminate"):
        raise bad_value(f"Invalid value '{value}' for InstanceInitiatedShutdownBehavior")
    return str(value)


def metadata(request: Request) -> dict[str, Any]:
    """The metadata options asked for, checked."""
    options = dict(request.get("MetadataOptions") or {})
    allowed = {
        "HttpTokens": ("optional", "required"),
        "HttpEndpoint": ("enabled", "disabled"),
        "HttpProtocolIpv6": ("enabled", "disabled"),
        "InstanceMetadataTags": ("enabled", "disabled"),
    }
    for name, values in allowed.items():
        if name in options and options[name] not in values:
            raise bad_value(f"Value ({options[name]}) for parameter {name} is invalid.")
    limit = options.get("HttpPutResponseHopLimit", 1)
    if not 1 <= limit <= 64:
        raise bad_value(f"Value ({limit}) for parameter HttpPutResponseHopLimit is invalid.")
    return options


def devices(request: Request, image: Moto) -> list[dict[str, Any]]:
    """The image's block devices, changed and added to as the request asks."""
    merged = {device["DeviceName"]: dict(device) for device in images.devices(image)}
    for entry in request.items("BlockDeviceMappings"):
        name = entry.get("DeviceName")
        if not name:
            raise missing("blockDeviceMapping.deviceName")
        if entry.get("NoDevice") is not None:
            merged.pop(name, None)
        elif entry.get("Ebs") is not None:
            merged[name] = {
                "DeviceName": name,
                "Ebs": _merged_ebs(merged.get(name, {}).get("Ebs", {}), entry["Ebs"]),
            }
    root = image.root_device_name
    if images.root_type(image) == "ebs" and root not in merged:
        raise Refused("InvalidBlockDeviceMapping", f"The root device {root} cannot be left out")
    made = [device for device in merged.values() if device.get("Ebs")]
    return [{**device, "Ebs": _checked_ebs(request, device["Ebs"])} for device in made]


def _merged_ebs(of_image: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    ebs = {**of_image, **asked}
    if "VolumeType" in asked and asked["VolumeType"] != of_image.get("VolumeType"):
        # IOPS and throughput belong to a type: those of the image's do not carry over.
        for name in ("Iops", "Throughput"):
            if name not in asked:
                ebs.pop(name, None)
    return ebs


def _checked_ebs(request: Request, ebs: dict[str, Any]) -> dict[str, Any]:
    size, snapshot_id = ebs.get("VolumeSize"), ebs.get("SnapshotId")
    if snapshot_id:
        snapshot = volumes.usable_snapshot(request.backend, snapshot_id)
        least = volumes.snapshot_size(snapshot)
        if size is not None and size < least:
            raise Refused(
                "InvalidBlockDeviceMapping",
                f"Volume of size {size}GB is smaller than snapshot '{snapshot_id}', "
                f"expect size >= {least}GB",
            )
        size = size or least
        ebs = {**ebs, "Encrypted": bool(ebs.get("Encrypted") or snapshot.encrypted)}
    if size is None:
        raise missing("size or snapshotId")
    kind = ebs.get("VolumeType") or "gp2"
    volume_limits.check(kind, size, ebs.get("Iops"), ebs.get("Throughput"))
    return {**ebs, "VolumeSize": size, "VolumeType": kind}

"""Images (AMIs): how they are listed, and what can be done with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from app.aws.call import Call, plain
from app.aws.clients import Clients
from app.aws.listing import Description, ec2_listing
from app.aws.tags import made_for, marked_with, tag_list, tag_specifications

LISTING = ec2_listing(
    "DescribeImages", "Images[]", "image-id", {"Owners": ["self"]}, owner="OwnerId"
)
PUBLIC_LIMIT = 1000
PUBLIC_PAGES = 20  # a search without terms would go through hundreds


def create_image(
    region: str,
    instance_id: str,
    name: str,
    description: str,
    no_reboot: bool,
    tags: Mapping[str, str],
    request_id: str = "",
) -> Call:
    """Make an image of an instance and snapshots of all its EBS volumes, tagged alike.

    Reboots the instance unless ``no_reboot``. ``request_id`` goes along as a tag of the image, by
    which a watch finds it. Names are unique per account and region, which
    finds an image again whose answer got lost.
    """
    named = [{"Name": "name", "Values": [_literal(name)]}]
    marked = marked_with(tags, request_id)
    return Call(
        "ec2",
        "CreateImage",
        region,
        {
            "InstanceId": instance_id,
            "Name": name,
            **({"Description": description} if description else {}),
            "NoReboot": no_reboot,
            **_tagged(tag_specifications(image=marked, snapshot=tags)),
        },
        says=f"Make the image {name} of {instance_id}",
        touches=(("instance", instance_id),),
        makes=("image", "{ImageId: ImageId}", _newborn(name, description, marked)),
        find_again=("DescribeImages", {"Owners": ["self"], "Filters": named}, "Images[]"),
    )


def register_image(
    region: str,
    name: str,
    description: str,
    architecture: str,
    root_device: str,
    root_volume: Mapping[str, Any],
    boot_mode: str,
    tags: Mapping[str, str],
) -> Call:
    """Make an image whose root volume comes from a snapshot.

    ``root_volume`` is the Ebs part of its block device mapping, SnapshotId among it.
    """
    named = [{"Name": "name", "Values": [_literal(name)]}]
    return Call(
        "ec2",
        "RegisterImage",
        region,
        {
            "Name": name,
            **({"Description": description} if description else {}),
            "Architecture": architecture,
            "RootDeviceName": root_device,
            "VirtualizationType": "hvm",
            "EnaSupport": True,
            **({"BootMode": boot_mode} if boot_mode else {}),
            "BlockDeviceMappings": [{"DeviceName": root_device, "Ebs": dict(root_volume)}],
            **_tagged(tag_specifications(image=tags)),
        },
        says=f"Register the image {name}",
        makes=("image", "{ImageId: ImageId}", _newborn(name, description, tags)),
        find_again=("DescribeImages", {"Owners": ["self"], "Filters": named}, "Images[]"),
    )


def find_by_request(request_ids: Sequence[str]) -> tuple[str, Mapping[str, object], str]:
    """The read that finds the images made for these requests, at most 200."""
    return made_for("DescribeImages", "Images[]", request_ids, Owners=["self"])


def deregister_image(region: str, image_id: str) -> Call:
    """Take an image away; its snapshots stay."""
    return Call(
        "ec2",
        "DeregisterImage",
        region,
        {"ImageId": image_id},
        says=f"Deregister image {image_id}",
        removes=(("image", image_id),),
        of=image_id,
    )


def find_public(
    clients: Clients,
    region: str,
    owner: str = "",
    name: str = "",
    architecture: str = "",
    root_device_type: str = "",
) -> list[Description]:
    """Public images that fit, newest first, at most PUBLIC_LIMIT. Raises AwsError.

    ``name`` may hold the wildcards * and ?; without any it is looked for anywhere in the name.
    """
    pattern = name if any(mark in name for mark in "*?") or not name else f"*{name}*"
    wanted = {
        "is-public": "true",
        "state": "available",
        "name": pattern,
        "architecture": architecture,
        "root-device-type": root_device_type,
    }
    filters = [{"Name": key, "Values": [value]} for key, value in wanted.items() if value]
    parameters: dict[str, Any] = {"Filters": filters, "MaxResults": PUBLIC_LIMIT}
    if owner:
        parameters["Owners"] = [owner]
    # Filters are applied page by page, so that a page may hold few that fit, or none.
    pages = Call("ec2", "DescribeImages", region, parameters).pages(clients)
    found: list[Description] = []
    for page in islice(pages, PUBLIC_PAGES):
        found += page.get("Images", [])
        if len(found) >= PUBLIC_LIMIT:
            break
    found.sort(key=lambda image: image.get("CreationDate") or "", reverse=True)
    return found[:PUBLIC_LIMIT]


def read_any(clients: Clients, region: str, image_id: str) -> Description | None:
    """One image, of whatever owner; None where there is none. Raises AwsError."""
    filters = [{"Name": "image-id", "Values": [image_id]}]
    answer = Call("ec2", "DescribeImages", region, {"Filters": filters}).run(clients)
    return next(iter(answer.get("Images") or []), None)


def _newborn(name: str, description: str, tags: Mapping[str, str]) -> Description:
    # the answer of a create holds nothing but the id
    return {
        "Name": name,
        "Description": description,
        "State": "pending",
        "Tags": tag_list(tags),
        "CreationDate": plain(datetime.now(UTC)),
    }


def _literal(value: str) -> str:
    # * and ? are wildcards in filter values, \ escapes them
    return value.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


def _tagged(specifications: list[dict[str, Any]]) -> dict[str, Any]:
    return {"TagSpecifications": specifications} if specifications else {}

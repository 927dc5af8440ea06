"""Instances: how they are listed, and what can be done with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.aws.call import Call
from app.aws.clients import Clients
from app.aws.listing import Description, Listing, ec2_listing
from app.aws.tags import made_for, marked_with, tag_specifications

PROTECTION = "_DisableApiTermination"  # not in DescribeInstances; asked for by instance
_ITEMS = "Reservations[].Instances[]"
PLAIN = ec2_listing("DescribeInstances", _ITEMS, "instance-id")  # without what takes more calls


def _read(clients: Clients, region: str, account: str, ids: Sequence[str]) -> list[Description]:
    found = PLAIN.read(clients, region, account, ids)
    if len(found) <= DETAILED:
        for instance in found:
            if instance.get("State", {}).get("Name") not in {"terminated", "shutting-down"}:
                protected = is_protected(clients, region, instance["InstanceId"])
                if protected is not None:  # what was known before goes on being known
                    instance[PROTECTION] = protected
    return found


def _pages(clients: Clients, region: str, account: str) -> Iterator[list[Description]]:
    return PLAIN.pages(clients, region, account)


DETAILED = 10  # protection is asked for only when so few are read: one call each
LISTING = Listing(_pages, _read)


def is_protected(clients: Clients, region: str, instance_id: str) -> bool | None:
    """Whether termination protection is on; None when this endpoint does not tell."""
    from app.aws.errors import AwsError

    call = Call(
        "ec2",
        "DescribeInstanceAttribute",
        region,
        {"InstanceId": instance_id, "Attribute": "disableApiTermination"},
    )
    try:
        answer = call.run(clients)
    except AwsError as error:
        if error.trouble in {"missing", "refused", "unsupported", "conflict"}:
            return None
        raise
    value = answer.get("DisableApiTermination", {}).get("Value")
    return None if value is None else bool(value)


def public_addresses(instance: Description) -> list[tuple[str, bool]]:
    """The public IPv4 addresses of an instance, each with whether it is an Elastic IP address."""
    told = {
        str(association["PublicIp"]): association.get("IpOwnerId") != "amazon"
        for interface in instance.get("NetworkInterfaces") or []
        for association in [interface.get("Association") or {}]
        if association.get("PublicIp")
    }
    if not told and instance.get("PublicIpAddress"):
        told[str(instance["PublicIpAddress"])] = False
    return list(told.items())


def find_by_request(request_ids: Sequence[str]) -> tuple[str, Mapping[str, object], str]:
    """The read that finds the instances launched for these requests, at most 200."""
    return made_for("DescribeInstances", _ITEMS, request_ids)


@dataclass(frozen=True)
class Launch:
    """What to launch. Empty values are left to AWS."""

    image_id: str
    instance_type: str
    min_count: int
    max_count: int
    client_token: str
    key_name: str = ""
    security_group_ids: Sequence[str] = ()
    availability_zone: str = ""
    disable_api_termination: bool = False
    user_data: str = ""
    root_device: str = ""
    root_volume: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    request_id: str = ""  # goes along as a tag of the instances, by which watches find them


def run_instances(region: str, launch: Launch) -> Call:
    """Launch between ``min_count`` and ``max_count`` instances: as many as AWS can.

    Tags go to the instances and their volumes. IMDSv2 is asked for. ``client_token`` makes a
    repeated request launch nothing more, and finds the instances when the answer got lost.
    """
    parameters: dict[str, Any] = {
        "ImageId": launch.image_id,
        "InstanceType": launch.instance_type,
        "MinCount": launch.min_count,
        "MaxCount": launch.max_count,
    }
    if launch.key_name:
        parameters["KeyName"] = launch.key_name
    if launch.security_group_ids:
        parameters["SecurityGroupIds"] = list(launch.security_group_ids)
    if launch.availability_zone:
        parameters["Placement"] = {"AvailabilityZone": launch.availability_zone}
    parameters["DisableApiTermination"] = launch.disable_api_termination
    parameters["MetadataOptions"] = {"HttpTokens": "required"}
    if launch.user_data:
        parameters["UserData"] = launch.user_data
    if launch.root_volume:
        parameters["BlockDeviceMappings"] = [
            {"DeviceName": launch.root_device, "Ebs": dict(launch.root_volume)}
        ]
    marked = marked_with(launch.tags, launch.request_id)
    if marked:
        parameters["TagSpecifications"] = tag_specifications(instance=marked, volume=launch.tags)
    parameters["ClientToken"] = launch.client_token
    token = [{"Name": "client-token", "Values": [launch.client_token]}]
    return Call(
        "ec2",
        "RunInstances",
        region,
        parameters,
        says=f"Launch {_how_many(launch.min_count, launch.max_count)} "
        f"of {launch.image_id or 'an image'}",
        makes=("instance", "Instances[]", {PROTECTION: launch.disable_api_termination}),
        find_again=("DescribeInstances", {"Filters": token}, "Reservations[].Instances[]"),
    )


def _how_many(least: int, most: int) -> str:
    if least == most:
        return "1 instance" if most == 1 else f"{most} instances"
    return f"{least} to {most} instances"


def _several(operation: str, verb: str, region: str, ids: Sequence[str]) -> Call:
    return Call(
        "ec2",
        operation,
        region,
        {"InstanceIds": list(ids)},
        says=f"{verb} {', '.join(ids)}",
        touches=tuple(("instance", instance_id) for instance_id in ids),
    )


def start_instances(region: str, ids: Sequence[str]) -> Call:
    """Start stopped instances."""
    return _several("StartInstances", "Start", region, ids)


def stop_instances(region: str, ids: Sequence[str]) -> Call:
    """Stop running instances; AWS refuses it for instance-store-backed ones."""
    return _several("StopInstances", "Stop", region, ids)


def reboot_instances(region: str, ids: Sequence[str]) -> Call:
    """Reboot running instances."""
    return _several("RebootInstances", "Reboot", region, ids)


def terminate_instance(region: str, instance_id: str) -> Call:
    """Terminate an instance.

    One by itself: a protected one among several makes a call fail for all of its availability
    zone, while those of others are terminated.
    """
    return replace(
        _several("TerminateInstances", "Terminate", region, [instance_id]), of=instance_id
    )


def set_protection(region: str, instance_id: str, on: bool) -> Call:
    """Put termination protection on or take it off."""
    return Call(
        "ec2",
        "ModifyInstanceAttribute",
        region,
        {"InstanceId": instance_id, "DisableApiTermination": {"Value": on}},
        says=f"{'Put' if on else 'Take'} termination protection {'on' if on else 'off'} "
        f"{instance_id}",
        touches=(("instance", instance_id),),
        of=instance_id,
    )

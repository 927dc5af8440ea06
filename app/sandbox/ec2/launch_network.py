"""Where in the network a launch goes: zone, subnet, security groups, private address."""

from __future__ import annotations

import ipaddress
import random
from typing import Any

from app.sandbox.ec2 import instance_types
from app.sandbox.ec2.refusal import Refused, bad_combination, bad_value, unsupported
from app.sandbox.ec2.request import Moto, Request

# The first four addresses of a subnet and its last one are AWS's own.
_RESERVED = 5
_NIC_KNOWS = {
    "AssociatePublicIpAddress",
    "DeleteOnTermination",
    "Description",
    "DeviceIndex",
    "Groups",
    "PrivateIpAddress",
    "SubnetId",
}


def interface(request: Request) -> dict[str, Any]:
    """The one network interface that may be described; empty where none is."""
    nics = request.items("NetworkInterfaces")
    if not nics:
        return {}
    for name, said in (("SubnetId", "subnet ID"), ("SecurityGroupIds", "security groups")):
        if request.get(name):
            raise bad_combination(
                f"Network interfaces and an instance-level {said} may not be specified on the "
                "same request"
            )
    nic: dict[str, Any] = nics[0]
    if len(nics) > 1 or nic.get("DeviceIndex") != 0 or not set(nic) <= _NIC_KNOWS:
        raise unsupported(
            "The sandbox launches with one new network interface, at device index 0, of which "
            f"can be said: {', '.join(sorted(_NIC_KNOWS))}"
        )
    return nic


def place(request: Request, type_name: str, nic: dict[str, Any], least: int) -> Moto:
    """The subnet: the one asked for, or the default one of a zone that offers the type."""
    backend = request.backend
    placement = {"Tenancy": "default"} | (request.get("Placement") or {})
    if placement["Tenancy"] != "default" or set(placement) - {"Tenancy", "AvailabilityZone"}:
        raise unsupported("Of Placement, the sandbox supports AvailabilityZone only")
    zone = placement.get("AvailabilityZone")
    if zone and backend.get_zone_by_name(zone) is None:
        raise bad_value(f"Invalid availability zone: [{zone}]")
    subnet_id = request.get("SubnetId") or nic.get("SubnetId")
    if subnet_id:
        subnet = backend.get_subnet(subnet_id)
        if zone and zone != subnet.availability_zone:
            raise bad_value(f"The subnet '{subnet_id}' is not in the availability zone '{zone}'")
        zone = subnet.availability_zone
    offering = sorted(instance_types.offered("availability-zone", request.region)[type_name])
    here = backend.get_default_subnets()
    if not zone:
        fit = [name for name in offering if name in here]
        # One with room for the launch, if there is any; AWS chooses too.
        zone = next((name for name in fit if room(here[name]) >= least), fit[0] if fit else None)
    if zone not in offering:
        raise Refused(
            "Unsupported",
            f"Your requested instance type ({type_name}) is not supported in your requested "
            f"Availability Zone ({zone}). Please retry your request by not specifying an "
            f"Availability Zone or choosing {', '.join(offering)}.",
        )
    if not subnet_id and zone not in here:
        raise Refused("MissingInput", f"No default subnet for availability zone: '{zone}'.")
    return backend.get_subnet(subnet_id) if subnet_id else here[zone]


def security_groups(request: Request, vpc_id: str, nic: dict[str, Any]) -> list[Moto]:
    """The groups named by id or by name; the VPC's default group where none is."""
    backend = request.backend
    wanted = [*request.items("SecurityGroupIds"), *(nic.get("Groups") or [])]
    found = [_group_by_id(backend, group_id, vpc_id) for group_id in dict.fromkeys(wanted)]
    for name in request.items("SecurityGroups"):
        group = backend.get_security_group_from_name(name, vpc_id)
        if group is None:
            raise Refused(
                "InvalidGroup.NotFound",
                f"The security group '{name}' does not exist in default VPC '{vpc_id}'",
            )
        found.append(group)
    return found or [backend.get_default_security_group(vpc_id)]


def _group_by_id(backend: Moto, group_id: str, vpc_id: str) -> Moto:
    group = backend.get_security_group_from_id(group_id)
    if group is None:
        raise Refused("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
    if group.vpc_id != vpc_id:
        raise Refused(
            "InvalidParameter",
            f"Security group {group_id} and subnet belong to different networks.",
        )
    return group


def room(subnet: Moto) -> int:
    """How many addresses of the subnet are free."""
    return int(subnet.cidr.num_addresses) - _RESERVED - len(subnet._subnet_ips)


def pick(subnet: Moto) -> str:
    """A free address of the subnet, any one, as in AWS. The caller knows that there is room."""
    last = int(subnet.cidr.num_addresses) - 2
    while True:
        address = str(subnet.cidr[random.randint(4, last)])
        if address not in subnet._subnet_ips:
            return address


def address(request: Request, subnet: Moto, nic: dict[str, Any], most: int) -> str | None:
    """The private address asked for, or None for any."""
    text = request.get("PrivateIpAddress") or nic.get("PrivateIpAddress")
    if not text:
        return None
    try:
        wanted = ipaddress.IPv4Address(text)
    except ValueError as malformed:
        raise bad_value(f"Invalid value '{text}' for privateIpAddress.") from malformed
    if most > 1:
        raise bad_combination("A private IP address can be given to one instance only")
    if wanted not in subnet.cidr or wanted in list(subnet.cidr)[:4] or wanted == subnet.cidr[-1]:
        raise bad_value(f"Address {text} does not fall within the subnet's address range")
    if text in subnet._subnet_ips:
        raise Refused("InvalidIPAddress.InUse", f"Address {text} is in use.")
    return str(text)

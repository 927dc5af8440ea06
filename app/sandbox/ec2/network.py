"""What a launch chooses from besides images and types: zones, security groups, VPCs, subnets.

moto has the resources; here they are told with AWS's filters, pages and refusals.
"""

from __future__ import annotations

from typing import Any

from app.sandbox.ec2 import filters, paging, tags
from app.sandbox.ec2.refusal import Refused, bad_value
from app.sandbox.ec2.request import Answer, Moto, Request, operation

ZONE_FIELDS: dict[str, filters.Field] = {
    "group-name": lambda z: z.region_name,
    "opt-in-status": lambda z: "opt-in-not-required",
    "region-name": lambda z: z.region_name,
    "state": lambda z: z.state,
    "zone-id": lambda z: z.zone_id,
    "zone-name": lambda z: z.name,
    "zone-type": lambda z: z.zone_type,
}


@operation("DescribeAvailabilityZones", reads=True)
def describe_availability_zones(request: Request) -> Answer:
    every = request.backend.describe_availability_zones()
    names, zone_ids = request.items("ZoneNames"), request.items("ZoneIds")
    for name in names:
        if name not in {zone.name for zone in every}:
            raise bad_value(f"Invalid availability zone: [{name}]")
    for zone_id in zone_ids:
        if zone_id not in {zone.zone_id for zone in every}:
            raise bad_value(f"Invalid availability zone-id: [{zone_id}]")
    if names or zone_ids:
        every = [zone for zone in every if zone.name in names or zone.zone_id in zone_ids]
    found = filters.apply(request, every, ZONE_FIELDS)
    return {"AvailabilityZones": [_zone_view(zone) for zone in found]}


def _zone_view(zone: Moto) -> dict[str, Any]:
    return {
        "ZoneName": zone.name,
        "ZoneId": zone.zone_id,
        "ZoneType": zone.zone_type,
        "RegionName": zone.region_name,
        "State": zone.state,
        "OptInStatus": "opt-in-not-required",
        "GroupName": f"{zone.region_name}-zg-1",
        "NetworkBorderGroup": zone.region_name,
        "Messages": [],
    }


GROUP_FIELDS: dict[str, filters.Field] = {
    "description": lambda g: g.description,
    "group-id": lambda g: g.id,
    "group-name": lambda g: g.name,
    "owner-id": lambda g: g.owner_id,
    "vpc-id": lambda g: g.vpc_id,
}


@operation("DescribeSecurityGroups", reads=True)
def describe_security_groups(request: Request) -> Answer:
    groups = request.backend.groups.values()
    every = [group for of_vpc in groups for group in of_vpc.values()]
    group_ids, names = request.items("GroupIds"), request.items("GroupNames")
    for group_id in group_ids:
        if group_id not in {group.id for group in every}:
            raise Refused(
                "InvalidGroup.NotFound", f"The security group '{group_id}' does not exist"
            )
    for name in names:
        if name not in {group.name for group in every}:
            raise Refused("InvalidGroup.NotFound", f"The security group '{name}' does not exist")
    if group_ids or names:
        every = [group for group in every if group.id in group_ids or group.name in names]
    found = filters.apply(request, every, GROUP_FIELDS)
    shown, token = paging.page(request, found, lambda g: g.id, ids="GroupIds", said="groupIds")
    return paging.listed("SecurityGroups", [_group_view(request, group) for group in shown], token)


def _group_view(request: Request, group: Moto) -> dict[str, Any]:
    return {
        "GroupId": group.id,
        "GroupName": group.name,
        "Description": group.description,
        "OwnerId": group.owner_id,
        "VpcId": group.vpc_id,
        "SecurityGroupArn": group.arn,
        "Tags": tags.view(request.backend, group.id),
        "IpPermissions": [_rule_view(rule) for rule in group.ingress_rules],
        "IpPermissionsEgress": [_rule_view(rule) for rule in group.egress_rules],
    }


def _rule_view(rule: Moto) -> dict[str, Any]:
    cidr = rule.ip_range or {}
    return {
        "IpProtocol": rule.ip_protocol,
        "FromPort": rule.from_port,
        "ToPort": rule.to_port,
        "IpRanges": [dict(cidr)] if "CidrIp" in cidr else [],
        "Ipv6Ranges": [dict(cidr)] if "CidrIpv6" in cidr else [],
        "UserIdGroupPairs": [_pair_view(rule.source_group)] if rule.source_group else [],
    }


def _pair_view(pair: dict[str, Any]) -> dict[str, Any]:
    shown = ("Description", "GroupId", "GroupName", "UserId", "VpcId")
    return {name: pair[name] for name in shown if name in pair}

"""What is told of a security group."""

from __future__ import annotations

from typing import Any

import pytest

from app.resources.security_groups import SECURITY_GROUP, refers_to, rules
from tests.recordings import listed, needs_recordings


def group(*permissions: dict[str, Any]) -> dict[str, Any]:
    return {"GroupId": "sg-1", "IpPermissions": list(permissions)}


@pytest.mark.parametrize(
    ("permission", "told"),
    [
        ({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}, "tcp 22"),
        ({"IpProtocol": "udp", "FromPort": 6000, "ToPort": 6010}, "udp 6000-6010"),
        ({"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535}, "tcp, all"),
        ({"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1}, "icmp, all"),
        ({"IpProtocol": "-1"}, "all traffic"),
        ({"IpProtocol": "50"}, "50, all"),
    ],
)
def test_a_rule_says_what_it_is_about(permission: dict[str, Any], told: str) -> None:
    described = group({**permission, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]})
    assert rules(described, "IpPermissions") == [f"{told}: 10.0.0.0/8"]


def test_every_address_range_list_and_group_is_a_rule_in_an_order_of_its_own() -> None:
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "office"}, {"CidrIp": "0.0.0.0/0"}],
        "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
        "PrefixListIds": [{"PrefixListId": "pl-1"}],
        "UserIdGroupPairs": [{"GroupId": "sg-2", "UserId": "123456789012"}],
    }
    turned = {**permission, "IpRanges": permission["IpRanges"][::-1]}  # type: ignore[index]
    told = rules(group(permission), "IpPermissions")
    assert told == [
        "tcp 443: 0.0.0.0/0",
        "tcp 443: 10.0.0.0/8 (office)",
        "tcp 443: ::/0",
        "tcp 443: pl-1",
        "tcp 443: sg-2",
    ]
    assert rules(group(turned), "IpPermissions") == told


def test_a_group_does_not_refer_to_itself() -> None:
    pairs = [{"GroupId": "sg-1"}, {"GroupId": "sg-9"}, {"UserId": "123456789012"}]
    assert refers_to(group({"IpProtocol": "-1", "UserIdGroupPairs": pairs})) == ["sg-9"]


@needs_recordings
def test_every_recorded_group_is_told() -> None:
    found = [entry for _, _, some in listed(SECURITY_GROUP) for entry in some]
    assert found
    for entry in found:
        cells = {column.name: column.value(entry) for column in SECURITY_GROUP.columns}
        assert cells["group_name"] == entry["GroupName"]
        assert cells["rules_in"] == len(cells["inbound"])
    assert any(refers_to(entry) for entry in found)

"""Security groups: how they are listed. Nothing is done with them yet but tagging."""

from __future__ import annotations

from app.aws.listing import ec2_listing

LISTING = ec2_listing("DescribeSecurityGroups", "SecurityGroups[]", "group-id")

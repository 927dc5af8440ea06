"""Security groups: columns, relations, actions."""

from __future__ import annotations

from collections.abc import Iterator

from app.aws import security_groups
from app.aws.listing import Description
from app.resources.spec import Action, Column, Resource, referred, refers, tag_name
from app.resources.tagging import TagsForm

_IN, _OUT = "IpPermissions", "IpPermissionsEgress"
_PARTNERS = (
    ("IpRanges", "CidrIp"),
    ("Ipv6Ranges", "CidrIpv6"),
    ("PrefixListIds", "PrefixListId"),
    ("UserIdGroupPairs", "GroupId"),
)


def rules(description: Description, which: str) -> list[str]:
    """The rules of one direction in words, in an order of their own: AWS promises none.

    One for each address range, prefix list or group, as AWS counts them: ``tcp 22: 10.0.0.0/8``.
    """
    return sorted(set(_rules(description, which)))


def _rules(description: Description, which: str) -> Iterator[str]:
    for permission in description.get(which) or []:
        what = _protocol(permission)
        for key, name in _PARTNERS:
            for partner in permission.get(key) or []:
                whom = partner.get(name) or partner.get("GroupName") or "?"
                why = partner.get("Description")
                yield f"{what}: {whom} ({why})" if why else f"{what}: {whom}"


def _protocol(permission: Description) -> str:
    protocol = str(permission.get("IpProtocol", ""))
    if protocol == "-1":
        return "all traffic"
    first, last = permission.get("FromPort"), permission.get("ToPort")
    if first is None or -1 in (first, last) or (first, last) == (0, 65535):
        return f"{protocol}, all"
    return f"{protocol} {first}" if first == last else f"{protocol} {first}-{last}"


def refers_to(description: Description) -> list[str]:
    """The ids of the groups that the rules name, its own left out."""
    named = {
        pair.get("GroupId", "")
        for which in (_IN, _OUT)
        for permission in description.get(which) or []
        for pair in permission.get("UserIdGroupPairs") or []
    }
    return sorted(named - {"", description.get("GroupId", "")})


SECURITY_GROUP = Resource(
    kind="security_group",
    slug="security-groups",
    title="Security groups",
    one="security group",
    group="Compute",
    icon="security_group",
    prefix="sg-",
    id_key="GroupId",
    listing=security_groups.LISTING,
    name=lambda d: tag_name(d) or d.get("GroupName") or "",
    columns=(
        Column("group_name", "Group name", lambda d: d.get("GroupName")),
        Column("vpc_id", "VPC", lambda d: d.get("VpcId"), "code", facet=True),
        Column("rules_in", "Rules in", lambda d: len(rules(d, _IN)), "number"),
        Column("rules_out", "Rules out", lambda d: len(rules(d, _OUT)), "number"),
        Column("description", "Description", lambda d: d.get("Description"), tracked=True),
        Column("inbound", "Lets in", lambda d: rules(d, _IN), "ids", shown=False, tracked=True),
        Column("outbound", "Lets out", lambda d: rules(d, _OUT), "ids", shown=False, tracked=True),
        Column("refers_to", "Refers to", refers_to, "ids", of="security_group", shown=False),
        Column("owner", "Owner", lambda d: d.get("OwnerId"), "code", shown=False),
    ),
    relations=(
        refers("Groups it refers to", "security_group", "refers_to"),
        referred("Groups that refer to it", "security_group", "refers_to"),
        referred("Instances in it", "instance", "security_group_ids"),
    ),
    actions=(Action("tags", "Edit tags", TagsForm),),
    empty="A security group says which traffic reaches the instances in it. Every VPC has one.",
)

"""Instance types: what there is in a region and zone, and what fits what.

moto ships AWS's own answers; here they are looked up, and told page by page.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from moto.core.utils import get_service_model
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS, INSTANCE_TYPES, InstanceType

from app.sandbox.ec2 import filters, paging
from app.sandbox.ec2.refusal import Refused
from app.sandbox.ec2.request import Answer, Request, operation

# The families that the sandbox offers: AWS has five times as many types, which nobody needs here
# and which would make every first launch wait for them.
FAMILIES = frozenset(
    [
        "t2",
        "t3",
        "t3a",
        "t4g",
        "m1",
        "m3",
        "m4",
        "m5",
        "m5a",
        "m6i",
        "m6g",
        "m7i",
        "m7g",
        "c4",
        "c5",
        "c6i",
        "c6g",
        "c7g",
        "r5",
        "r6i",
        "r6g",
        "i3",
        "i4i",
        "d2",
        "g4dn",
        "p3",
        "x1",
    ]
)


@cache
def offered(kind: str, region: str) -> dict[str, frozenset[str]]:
    """Type → the places that offer it; `kind` is `region`, `availability-zone` or …`-id`."""
    places: dict[str, set[str]] = {}
    for offer in INSTANCE_TYPE_OFFERINGS[kind].get(region, []):
        if offer["InstanceType"].partition(".")[0] in FAMILIES:
            places.setdefault(offer["InstanceType"], set()).add(offer["Location"])
    return {name: frozenset(found) for name, found in sorted(places.items())}


def find(name: str, region: str) -> dict[str, Any] | None:
    """AWS's description of the type, or None when the region does not offer it."""
    if name not in offered("region", region):
        return None
    found: dict[str, Any] | None = INSTANCE_TYPES.get(name)
    return found


def vcpus(name: str) -> int:
    """vCPUs that an instance of the type counts against the limit; 0 for an unknown type."""
    found = INSTANCE_TYPES.get(name, {})
    return int(found.get("VCpuInfo", {}).get("DefaultVCpus", 0))


FIELDS: dict[str, filters.Field] = {
    name: (lambda thing, name=name: thing.get_filter_value(name))  # type: ignore[misc]
    for name in InstanceType._filter_attributes
}


@operation("DescribeInstanceTypes", reads=True)
def describe_instance_types(request: Request) -> Answer:
    wanted = request.items("InstanceTypes")
    here = offered("region", request.region)
    unknown = [name for name in wanted if name not in here or name not in INSTANCE_TYPES]
    if unknown:
        raise Refused(
            "InvalidInstanceType",
            "The following supplied instance types do not exist: "
            f"[{', '.join(sorted(set(unknown)))}]",
        )
    names = dict.fromkeys(wanted) if wanted else here
    every = [InstanceType(name) for name in names if name in INSTANCE_TYPES]
    found = filters.apply(request, every, FIELDS)
    shown, token = paging.page(
        request,
        found,
        lambda thing: str(thing["InstanceType"]),
        ids="InstanceTypes",
        said="instanceTypesSet",
        most=100,
    )
    return paging.listed("InstanceTypes", [_view(thing["InstanceType"]) for thing in shown], token)


@cache
def _view(name: str) -> dict[str, Any]:
    shape = get_service_model("ec2").shape_for("InstanceTypeInfo")
    view: dict[str, Any] = _known(shape, INSTANCE_TYPES[name])
    return view


def _known(shape: Any, value: Any) -> Any:
    """What of `value` botocore's model knows: moto's data was taken with another version."""
    if shape.type_name == "structure":
        members = shape.members
        return {key: _known(members[key], item) for key, item in value.items() if key in members}
    if shape.type_name == "list":
        return [_known(shape.member, item) for item in value]
    return value


@operation("DescribeInstanceTypeOfferings", reads=True)
def describe_instance_type_offerings(request: Request) -> Answer:
    kind = request.get("LocationType") or "region"
    if kind not in INSTANCE_TYPE_OFFERINGS:
        raise Refused("InvalidParameterValue", f"Invalid value '{kind}' for LocationType")
    every = [
        {"InstanceType": name, "LocationType": kind, "Location": place}
        for name, places in offered(kind, request.region).items()
        for place in sorted(places)
    ]
    fields: dict[str, filters.Field] = {
        "instance-type": lambda offer: offer["InstanceType"],
        "location": lambda offer: offer["Location"],
    }
    found = filters.apply(request, every, fields)
    shown, token = paging.page(
        request, found, lambda offer: f"{offer['InstanceType']} {offer['Location']}"
    )
    return paging.listed("InstanceTypeOfferings", shown, token)

"""DescribeInstanceAttribute, ModifyInstanceAttribute, ModifyInstanceMetadataOptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.types import Base64EncodedString
from moto.ec2.models.instances import MetadataOptions

from app.sandbox.ec2 import ids, instance_types, instances, launch_checks, launch_network
from app.sandbox.ec2.refusal import Refused, bad_combination, bad_value
from app.sandbox.ec2.request import Answer, Moto, Request, operation

# The name in `Attribute` → the name in the answer, and what it is.
_SHOWN: dict[str, tuple[str, Callable[[Moto], Any]]] = {
    "disableApiTermination": (
        "DisableApiTermination",
        lambda i: {"Value": bool(i.disable_api_termination)},
    ),
    "disableApiStop": ("DisableApiStop", lambda i: {"Value": bool(i.disable_api_stop)}),
    "ebsOptimized": ("EbsOptimized", lambda i: {"Value": bool(i.ebs_optimized)}),
    "groupSet": ("Groups", lambda i: instances.view(i)["SecurityGroups"]),
    "instanceInitiatedShutdownBehavior": (
        "InstanceInitiatedShutdownBehavior",
        lambda i: {"Value": i.instance_initiated_shutdown_behavior},
    ),
    "instanceType": ("InstanceType", lambda i: {"Value": i.instance_type}),
    "rootDeviceName": ("RootDeviceName", lambda i: {"Value": i.root_device_name}),
    "sourceDestCheck": ("SourceDestCheck", lambda i: {"Value": bool(i.source_dest_check)}),
    "userData": ("UserData", lambda i: {"Value": str(i.user_data)} if i.user_data else {}),
    "blockDeviceMapping": (
        "BlockDeviceMappings",
        lambda i: instances.view(i)["BlockDeviceMappings"],
    ),
    "enaSupport": ("EnaSupport", lambda i: {"Value": True}),
    "sriovNetSupport": ("SriovNetSupport", lambda i: {"Value": "simple"}),
    "productCodes": ("ProductCodes", lambda i: []),
    "kernel": ("KernelId", lambda i: {}),
    "ramdisk": ("RamdiskId", lambda i: {}),
}


@operation("DescribeInstanceAttribute", reads=True)
def describe_instance_attribute(request: Request) -> Answer:
    instance = ids.one(request.backend, ids.INSTANCE, request.need("InstanceId"))
    attribute = request.need("Attribute")
    if attribute not in _SHOWN:
        raise bad_value(
            f"Value ({attribute}) for parameter attribute is invalid. Unknown attribute."
        )
    name, show = _SHOWN[attribute]
    return {"InstanceId": instance.id, name: show(instance)}


# The parameter → the attribute of moto's instance; those that need a stopped instance apart.
_FLAGS = {
    "DisableApiTermination": "disable_api_termination",
    "DisableApiStop": "disable_api_stop",
    "SourceDestCheck": "source_dest_check",
}
_WHEN_STOPPED = ("InstanceType", "UserData", "EbsOptimized")


@operation("ModifyInstanceAttribute")
def modify_instance_attribute(request: Request) -> Answer:
    """One attribute at a time, as AWS demands."""
    instance = ids.one(request.backend, ids.INSTANCE, request.need("InstanceId"))
    asked = _asked(request)
    if len(asked) != 1:
        raise bad_combination("Fields for exactly one attribute must be specified")
    [(name, value)] = asked.items()
    if name in _WHEN_STOPPED and instance.state != "stopped":
        raise Refused(
            "IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'stopped' state."
        )
    if instance.state in ("shutting-down", "terminated"):
        raise Refused(
            "IncorrectInstanceState",
            f"The instance '{instance.id}' is not in a state from which it can be modified.",
        )
    deed = _deed(request, instance, name, value)
    request.stop_if_dry_run()
    deed()
    return {}


def _asked(request: Request) -> dict[str, Any]:
    """The attribute and its value; both of the API's ways to say it."""
    asked: dict[str, Any] = {}
    if request.get("Attribute"):
        name = str(request.get("Attribute"))
        asked[name[0].upper() + name[1:]] = request.get("Value", "")
    for name, value in request.params.items():
        if name in ("DryRun", "InstanceId", "Attribute", "Value"):
            continue
        asked[name] = value.get("Value") if isinstance(value, dict) else value
    return asked


def _deed(request: Request, instance: Moto, name: str, value: Any) -> Callable[[], None]:
    if name in _FLAGS:
        attribute, flag = _FLAGS[name], str(value).lower()
        if flag not in ("true", "false"):
            raise bad_value(f"Value ({value}) for parameter {name} is invalid. Expected a boolean.")
        return lambda: setattr(instance, attribute, flag == "true")
    deeds: dict[str, Callable[[Request, Moto, Any], Callable[[], None]]] = {
        "InstanceType": _type_deed,
        "UserData": _user_data_deed,
        "EbsOptimized": lambda r, i, v: lambda: setattr(i, "ebs_optimized", bool(v)),
        "InstanceInitiatedShutdownBehavior": _shutdown_deed,
        "Groups": _groups_deed,
        "BlockDeviceMappings": _devices_deed,
    }
    if name not in deeds:
        raise bad_value(f"The sandbox cannot change the attribute {name}")
    return deeds[name](request, instance, value)


def _type_deed(request: Request, instance: Moto, value: Any) -> Callable[[], None]:
    image = request.backend.amis.get(instance.image_id)
    kind = instance_types.find(str(value), request.region)
    if kind is None:
        raise bad_value(f"Invalid value '{value}' for InstanceType.")
    if image is not None:
        wanted = Request(request.operation, {"InstanceType": value}, request.backend)
        launch_checks.instance_type(wanted, image)
    return lambda: setattr(instance, "instance_type", value)


def _user_data_deed(request: Request, instance: Moto, value: Any) -> Callable[[], None]:
    # moto gives the bytes where the model says blob, the base64 text where it says string.
    raw = value if isinstance(value, bytes) else None
    if raw is not None:
        if len(raw) > launch_checks.MAX_USER_DATA:
            raise bad_value(f"User data is limited to {launch_checks.MAX_USER_DATA} bytes")
        data = Base64EncodedString.from_raw_bytes(raw)
    else:
        checked = Request(request.operation, {"UserData": value}, request.backend)
        found = launch_checks.user_data(checked)
        if found is None:
            return lambda: setattr(instance, "user_data", None)
        data = found
    return lambda: setattr(instance, "user_data", data)


def _shutdown_deed(request: Request, instance: Moto, value: Any) -> Callable[[], None]:
    wanted = Request(
        request.operation, {"InstanceInitiatedShutdownBehavior": value}, request.backend
    )
    behavior = launch_checks.shutdown_behavior(wanted)
    return lambda: setattr(instance, "instance_initiated_shutdown_behavior", behavior)


def _groups_deed(request: Request, instance: Moto, value: Any) -> Callable[[], None]:
    wanted = Request(request.operation, {"SecurityGroupIds": value}, request.backend)
    groups = launch_network.security_groups(wanted, instances.vpc_id(instance) or "", {})
    return lambda: setattr(instance, "security_groups", groups)


def _devices_deed(request: Request, instance: Moto, value: Any) -> Callable[[], None]:
    chosen = []
    for entry in value:
        device = instance.block_device_mapping.get(entry.get("DeviceName"))
        if device is None:
            raise Refused(
                "InvalidInstanceAttributeValue",
                f"No device is currently mapped at {entry.get('DeviceName')}",
            )
        chosen.append((device, bool((entry.get("Ebs") or {}).get("DeleteOnTermination"))))

    def change() -> None:
        for device, goes in chosen:
            device.delete_on_termination = goes

    return change


@operation("ModifyInstanceMetadataOptions")
def modify_instance_metadata_options(request: Request) -> Answer:
    """Changes what is named, and leaves the rest."""
    instance = ids.one(request.backend, ids.INSTANCE, request.need("InstanceId"))
    names = (
        "HttpTokens",
        "HttpPutResponseHopLimit",
        "HttpEndpoint",
        "HttpProtocolIpv6",
        "InstanceMetadataTags",
    )
    given = {name: request.get(name) for name in names if request.get(name) is not None}
    checked = Request(request.operation, {"MetadataOptions": given}, request.backend)
    options = {**instances.metadata_view(instance), **launch_checks.metadata(checked)}
    request.stop_if_dry_run()
    instance.metadata_options = MetadataOptions(options)
    view = instances.metadata_view(instance)
    return {"InstanceId": instance.id, "InstanceMetadataOptions": view}

"""Instances: how they are told, and DescribeInstances."""

from __future__ import annotations

from typing import Any

from app.sandbox.ec2 import filters, ids, instance_states, paging, tags
from app.sandbox.ec2.request import Answer, Moto, Request, operation


def vpc_id(instance: Moto) -> Any:
    """The instance's VPC; remembered after termination, when its network interface is gone."""
    return instance._encante_network["vpc"] if instance._encante_network else instance.vpc_id


def subnet_id(instance: Moto) -> Any:
    return instance._encante_network["subnet"] if instance._encante_network else instance.subnet_id


def _nic(instance: Moto) -> Moto | None:
    return instance.nics.get(0)


def private_ip(instance: Moto) -> str | None:
    nic = _nic(instance)
    return nic.private_ip_address if nic else None


def public_ip(instance: Moto) -> str | None:
    """Only while it runs, unless it has an Elastic IP address."""
    nic = _nic(instance)
    return nic.public_ip if nic and instance.state in ("pending", "running") else None


def _private_name(instance: Moto) -> str:
    return str(instance.private_dns_name) if private_ip(instance) else ""


def _public_name(instance: Moto) -> str:
    return str(instance.public_dns_name) if public_ip(instance) else ""


FIELDS: dict[str, filters.Field] = {
    "architecture": lambda i: i.architecture,
    "availability-zone": lambda i: i.placement.zone,
    "block-device-mapping.attach-time": lambda i: [
        d.attach_time for d in i.block_device_mapping.values()
    ],
    "block-device-mapping.delete-on-termination": lambda i: [
        bool(d.delete_on_termination) for d in i.block_device_mapping.values()
    ],
    "block-device-mapping.device-name": lambda i: list(i.block_device_mapping),
    "block-device-mapping.status": lambda i: [
        attachment_state(i, d) for d in i.block_device_mapping.values()
    ],
    "block-device-mapping.volume-id": lambda i: [
        d.volume_id for d in i.block_device_mapping.values()
    ],
    "client-token": lambda i: i.client_token,
    "dns-name": _public_name,
    "group-id": lambda i: [g.id for g in i.security_groups],
    "group-name": lambda i: [g.name for g in i.security_groups],
    "hypervisor": lambda i: "xen",
    "image-id": lambda i: i.image_id,
    "instance-id": lambda i: i.id,
    "instance-lifecycle": lambda i: i.lifecycle,
    "instance-state-code": lambda i: instance_states.CODES[i.state],
    "instance-state-name": lambda i: i.state,
    "instance-type": lambda i: i.instance_type,
    "instance.group-id": lambda i: [g.id for g in i.security_groups],
    "instance.group-name": lambda i: [g.name for g in i.security_groups],
    "ip-address": public_ip,
    "kernel-id": lambda i: i.kernel,
    "key-name": lambda i: i.key_name,
    "launch-index": lambda i: i.ami_launch_index,
    "launch-time": lambda i: i.launch_time,
    "metadata-options.http-endpoint": lambda i: i.metadata_options.http_endpoint,
    "metadata-options.http-tokens": lambda i: i.metadata_options.http_tokens,
    "monitoring-state": lambda i: i.monitoring_state,
    "owner-id": lambda i: i.owner_id,
    "placement-group-name": lambda i: i.placement.group_name,
    "platform": lambda i: i.platform,
    "private-dns-name": _private_name,
    "private-ip-address": private_ip,
    "product-code": lambda i: list(i.product_codes),
    "reason": lambda i: i._reason,
    "reservation-id": lambda i: i._encante_reservation,
    "root-device-name": lambda i: i.root_device_name,
    "root-device-type": lambda i: i.root_device_type,
    "source-dest-check": lambda i: bool(i.source_dest_check),
    "state-reason-code": lambda i: i.state_reason.code,
    "subnet-id": subnet_id,
    "tenancy": lambda i: i.placement.tenancy,
    "virtualization-type": lambda i: i.virtualization_type or "hvm",
    "vpc-id": vpc_id,
}


def every(backend: Moto) -> list[Moto]:
    """All instances, oldest reservation first."""
    found = []
    for reservation in list(backend.reservations.values()):
        for instance in reservation.instances:
            instance._encante_reservation = reservation.id
            found.append(instance)
    return found


@operation("DescribeInstances", reads=True)
def describe_instances(request: Request) -> Answer:
    backend, wanted = request.backend, request.items("InstanceIds")
    found = every(backend)
    if wanted:
        asked = {instance.id for instance in ids.many(backend, ids.INSTANCE, wanted)}
        found = [instance for instance in found if instance.id in asked]
    found = filters.apply(request, found, FIELDS)
    shown, token = paging.page(
        request, found, lambda i: i.id, ids="InstanceIds", said="instancesSet"
    )
    groups: dict[str, list[Moto]] = {}
    for instance in shown:
        groups.setdefault(instance._encante_reservation, []).append(instance)
    views = [reservation_view(backend, name, group) for name, group in groups.items()]
    return paging.listed("Reservations", views, token)


def reservation_view(backend: Moto, reservation_id: str, group: list[Moto]) -> dict[str, Any]:
    """A reservation with these of its instances, as DescribeInstances and RunInstances show it."""
    return {
        "ReservationId": reservation_id,
        "OwnerId": backend.account_id,
        "Groups": [],
        "Instances": [view(instance) for instance in group],
    }


def attachment_state(instance: Moto, device: Moto) -> str:
    volume = instance.ec2_backend.volumes.get(device.volume_id)
    return str(volume.attachment.status) if volume and volume.attachment else "attached"


def view(instance: Moto) -> dict[str, Any]:
    """An instance as DescribeInstances shows it."""
    return {
        "InstanceId": instance.id,
        "ImageId": instance.image_id,
        "State": instance_states.told(instance),
        "PrivateDnsName": _private_name(instance),
        "PublicDnsName": _public_name(instance),
        "StateTransitionReason": instance._reason,
        "KeyName": instance.key_name,
        "AmiLaunchIndex": instance.ami_launch_index,
        "ProductCodes": [],
        "InstanceType": instance.instance_type,
        "LaunchTime": instance.launch_time,
        "Placement": {
            "AvailabilityZone": instance.placement.zone,
            "GroupName": "",
            "Tenancy": "default",
        },
        "Platform": instance.platform or None,
        "Monitoring": {"State": instance.monitoring_state},
        "Architecture": instance.architecture,
        "RootDeviceType": instance.root_device_type,
        "RootDeviceName": instance.root_device_name,
        "BlockDeviceMappings": [
            _device_view(instance, name, device)
            for name, device in instance.block_device_mapping.items()
        ],
        "VirtualizationType": instance.virtualization_type or "hvm",
        "ClientToken": instance.client_token or "",
        "Tags": tags.view(instance.ec2_backend, instance.id),
        "SecurityGroups": _groups(instance),
        "SourceDestCheck": bool(instance.source_dest_check),
        "Hypervisor": "xen",
        "EbsOptimized": bool(instance.ebs_optimized),
        "EnaSupport": True,
        "MetadataOptions": metadata_view(instance),
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "UsageOperationUpdateTime": instance.launch_time,
        **_network(instance),
        **_state_reason(instance),
    }


def _state_reason(instance: Moto) -> dict[str, Any]:
    reason = instance.state_reason
    return {"StateReason": {"Code": reason.code, "Message": reason.message}} if reason.code else {}


def _groups(instance: Moto) -> list[dict[str, str]]:
    return [{"GroupId": group.id, "GroupName": group.name} for group in instance.security_groups]


def _device_view(instance: Moto, name: str, device: Moto) -> dict[str, Any]:
    ebs = {
        "AttachTime": device.attach_time,
        "DeleteOnTermination": bool(device.delete_on_termination),
        "Status": attachment_state(instance, device),
        "VolumeId": device.volume_id,
    }
    return {"DeviceName": name, "Ebs": ebs}


def metadata_view(instance: Moto) -> dict[str, Any]:
    """The instance's metadata options."""
    options = instance.metadata_options
    return {
        "State": options.state,
        "HttpTokens": options.http_tokens,
        "HttpPutResponseHopLimit": options.http_put_response_hop_limit,
        "HttpEndpoint": options.http_endpoint,
        "HttpProtocolIpv6": options.http_protocol_ipv6,
        "InstanceMetadataTags": options.instance_metadata_tags,
    }


def _network(instance: Moto) -> dict[str, Any]:
    if instance.state == "terminated":
        return {"NetworkInterfaces": []}
    return {
        "VpcId": vpc_id(instance),
        "SubnetId": subnet_id(instance),
        "PrivateIpAddress": private_ip(instance),
        "PublicIpAddress": public_ip(instance),
        "NetworkInterfaces": [
            _nic_view(instance, index, nic) for index, nic in instance.nics.items()
        ],
    }


def _nic_view(instance: Moto, index: int, nic: Moto) -> dict[str, Any]:
    return {
        "NetworkInterfaceId": nic.id,
        "Description": nic.description,
        "MacAddress": nic.mac_address,
        "OwnerId": instance.owner_id,
        "PrivateIpAddress": nic.private_ip_address,
        "SourceDestCheck": bool(nic.source_dest_check),
        "Status": "in-use",
        "SubnetId": nic.subnet.id,
        "VpcId": nic.subnet.vpc_id,
        "InterfaceType": "interface",
        "Groups": _groups(instance),
        "Attachment": {
            "AttachTime": nic.attach_time,
            "AttachmentId": nic.attachment_id,
            "DeleteOnTermination": bool(nic.delete_on_termination),
            "DeviceIndex": index,
            "Status": "attached",
            "NetworkCardIndex": 0,
        },
    }

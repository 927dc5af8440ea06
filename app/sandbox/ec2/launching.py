"""RunInstances: what is asked, checked part by part, and the instances that come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.core.types import Base64EncodedString
from moto.ec2.models.instances import Instance, Reservation
from moto.ec2.utils import random_reservation_id

from app.sandbox.ec2 import (
    attachments,
    images,
    instance_states,
    instance_types,
    instances,
    launch_checks,
    launch_network,
    once,
    tags,
    volumes,
)
from app.sandbox.ec2.refusal import Refused
from app.sandbox.ec2.request import Answer, Moto, Request, memory, now, operation


@dataclass(frozen=True)
class Launch:
    """What RunInstances leads to: everything is checked, nothing has happened yet."""

    image: Moto
    type_name: str
    count: int
    subnet: Moto
    groups: list[Moto]
    devices: list[dict[str, Any]]
    tags: dict[str, dict[str, str]]
    key_name: str | None = None
    user_data: Base64EncodedString | None = None
    options: dict[str, Any] = field(default_factory=dict)


@operation("RunInstances")
def run_instances(request: Request) -> Answer:
    token = once.remembered(request, "launches")
    if token.earlier is not None:
        request.stop_if_dry_run()
        return _again(request, token.earlier)
    launch = _planned(request)
    request.stop_if_dry_run()
    made = make(request.backend, launch)
    for instance in made:
        instance_states.begin(request, instance, "pending")
    token.remember(made[0]._encante_reservation)
    return instances.reservation_view(request.backend, made[0]._encante_reservation, made)


def _again(request: Request, reservation_id: str) -> Answer:
    reservation = request.backend.reservations.get(reservation_id)
    alive = [i for i in (reservation.instances if reservation else []) if i.state != "terminated"]
    if not alive:
        raise Refused(
            "IdempotentInstanceTerminated",
            "The request uses the same client token as a previous request, "
            "whose instances have been terminated.",
        )
    return instances.reservation_view(request.backend, reservation_id, alive)


def _planned(request: Request) -> Launch:
    least, most = launch_checks.counts(request)
    image = launch_checks.image(request)
    type_name = launch_checks.instance_type(request, image)
    nic = launch_network.interface(request)
    subnet = launch_network.place(request, type_name, nic, least)
    address = launch_network.address(request, subnet, nic, most)
    return Launch(
        image=image,
        type_name=type_name,
        count=fitting(request, type_name, subnet, least, most),
        subnet=subnet,
        groups=launch_network.security_groups(request, subnet.vpc_id, nic),
        devices=launch_checks.devices(request, image),
        tags=tags.specified(request, "instance", "volume", "network-interface"),
        key_name=launch_checks.key_pair(request),
        user_data=launch_checks.user_data(request),
        options=_options(request, nic) | {"private_ip": address},
    )


def _options(request: Request, nic: dict[str, Any]) -> dict[str, Any]:
    monitored = (request.get("Monitoring") or {}).get("Enabled")
    return {
        "associate_public_ip": nic.get("AssociatePublicIpAddress"),
        "ebs_optimized": bool(request.get("EbsOptimized")),
        "disable_api_termination": bool(request.get("DisableApiTermination")),
        "disable_api_stop": bool(request.get("DisableApiStop")),
        "instance_initiated_shutdown_behavior": launch_checks.shutdown_behavior(request),
        "monitoring_state": "enabled" if monitored else "disabled",
        "metadata_options": launch_checks.metadata(request),
        "client_token": request.get("ClientToken") or "",
    }


def fitting(request: Request, type_name: str, subnet: Moto, least: int, most: int) -> int:
    """How many can come: as many as the vCPU limit and the subnet have room for.

    VcpuLimitExceeded or InsufficientFreeAddressesInSubnet when these are fewer than `least`.
    """
    size = instance_types.vcpus(type_name)
    used = sum(
        instance_types.vcpus(instance.instance_type)
        for instance in instances.every(request.backend)
        if instance.state in ("pending", "running")
    )
    limit = request.settings.vcpu_limit
    room = max(limit - used, 0) // size if size else most
    if room < least:
        raise Refused(
            "VcpuLimitExceeded",
            f"You have requested more vCPU capacity than your current vCPU limit of {limit} "
            "allows for the instance bucket that the specified instance type belongs to. "
            "Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment "
            "to this limit.",
        )
    free = launch_network.room(subnet)
    if free < least:
        raise Refused(
            "InsufficientFreeAddressesInSubnet",
            f"There are not enough free addresses in subnet '{subnet.id}' to satisfy the "
            "requested number of instances.",
        )
    return min(room, free, most)


def make(backend: Moto, launch: Launch, launched: datetime | None = None) -> list[Moto]:
    """Instances that run from the start, with their volumes; moto's objects."""
    reservation = Reservation(random_reservation_id(), owner_id=backend.account_id)
    made = [_instance(backend, launch, index, launched or now()) for index in range(launch.count)]
    for instance in made:
        instance._encante_reservation = reservation.id
        memory(backend, "instances")[instance.id] = instance
    reservation.instances = made
    backend.reservations[reservation.id] = reservation
    return made


def _instance(backend: Moto, launch: Launch, index: int, launched: datetime) -> Moto:
    options = dict(launch.options)
    options["private_ip"] = options.get("private_ip") or launch_network.pick(launch.subnet)
    instance: Moto = Instance(  # type: ignore[abstract]  # moto makes them so itself
        backend,
        launch.image.id,
        launch.user_data,
        launch.groups,
        instance_type=launch.type_name,
        region_name=backend.region_name,
        subnet_id=launch.subnet.id,
        key_name=launch.key_name,
        ami_launch_index=index,
        **options,
    )
    instance.launch_time = launched
    instance.root_device_type = images.root_type(launch.image)
    instance.virtualization_type = launch.image.virtualization_type or "hvm"
    for nic in instance.nics.values():
        nic.delete_on_termination = True
        tags.put(backend, nic.id, launch.tags.get("network-interface", {}))
    tags.put(backend, instance.id, launch.tags.get("instance", {}))
    for device in launch.devices:
        _attach_new(backend, instance, launch, device)
    return instance


def _attach_new(backend: Moto, instance: Moto, launch: Launch, device: dict[str, Any]) -> None:
    ebs = device["Ebs"]
    volume = volumes.make(
        backend,
        launch.subnet.availability_zone,
        ebs["VolumeSize"],
        ebs["VolumeType"],
        iops=ebs.get("Iops"),
        throughput=ebs.get("Throughput"),
        snapshot_id=ebs.get("SnapshotId"),
        encrypted=bool(ebs.get("Encrypted")),
        kms_key_id=ebs.get("KmsKeyId"),
        created=instance.launch_time,
    )
    tags.put(backend, volume.id, launch.tags.get("volume", {}))
    goes = bool(ebs.get("DeleteOnTermination", True))
    attachment = attachments.put(volume, instance, device["DeviceName"], goes)
    attachment.attach_time = instance.launch_time
    instance.block_device_mapping[device["DeviceName"]].attach_time = instance.launch_time

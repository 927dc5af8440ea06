"""What is changed in moto, and what is relied upon there: the one place that knows.

moto is pinned. When a new version moves what stands here, `install` says so at start, and a test
says it before.
"""

from __future__ import annotations

import importlib
import inspect
from dataclasses import replace
from typing import Any

from app.sandbox import moto_import
from app.sandbox.settings import SandboxSettings

# Facts of our own on moto's objects, with what they are where nobody has set them: on objects that
# moto made itself, or that were saved before the fact was thought of.
FACTS: dict[str, dict[str, Any]] = {
    "instances.Instance": {
        "_encante_due": None,
        "_encante_kept": 3600.0,
        "_encante_network": None,
        "_encante_reservation": "",
    },
    "elastic_block_store.Volume": {"_encante_state": None, "_encante_snapshot_at": None},
    "elastic_block_store.Snapshot": {
        "_encante_due": None,
        "_encante_completed": None,
        "_encante_fails": None,
        "_encante_size": None,
    },
    "elastic_block_store.VolumeModification": {
        "_encante_state": "completed",
        "_encante_whole": 0.0,
    },
    "amis.Ami": {
        "_encante_boot_mode": None,
        "_encante_devices": None,
        "_encante_ena": True,
        "_encante_reason": None,
    },
}

# Functions and classes of moto that are called, with the parameters that are given to them.
CALLED: dict[str, tuple[str, ...]] = {
    "core.responses:BaseResponse.setup_class": ("request", "full_url", "headers"),
    "core.responses:BaseResponse.call_action": (),
    "core.responses:BaseResponse._get_action": (),
    "core.utils:get_service_model": (),
    "ec2.responses:EC2Response._dispatch": ("request", "full_url", "headers"),
    "ec2.exceptions:FilterNotImplementedError": (),
    "ec2.models:EC2Backend.get_zone_by_name": ("name",),
    "ec2.models:EC2Backend.get_default_subnets": (),
    "ec2.models:EC2Backend.get_subnet": ("subnet_id",),
    "ec2.models:EC2Backend.get_default_security_group": ("vpc_id",),
    "ec2.models:EC2Backend.get_security_group_from_id": ("group_id",),
    "ec2.models:EC2Backend.get_security_group_from_name": ("name", "vpc_id"),
    "ec2.models:EC2Backend.describe_availability_zones": (),
    "ec2.models:EC2Backend.create_key_pair": ("name", "key_type", "tags"),
    "ec2.models:EC2Backend.import_key_pair": ("key_name", "public_key_material", "tags"),
    "ec2.models:EC2Backend.create_security_group": ("name", "description", "tags"),
    "ec2.models:EC2Backend.authorize_security_group_ingress": (
        "group_name_or_id",
        "ip_protocol",
        "from_port",
        "to_port",
        "ip_ranges",
        "source_groups",
    ),
    "ec2.models:EC2Backend.do_resources_exist": ("resource_ids",),
    "ec2.models.instances:Instance": ("ec2_backend", "image_id", "user_data", "security_groups"),
    "ec2.models.instances:Instance.start": (),
    "ec2.models.instances:Instance.stop": (),
    "ec2.models.instances:Instance.terminate": (),
    "ec2.models.instances:InstanceState": ("name", "code"),
    "ec2.models.instances:StateReason": ("message", "code"),
    "ec2.models.instances:MetadataOptions": ("options",),
    "ec2.models.instances:Reservation": ("reservation_id", "owner_id"),
    "ec2.models.instance_types:InstanceType.get_filter_value": ("filter_name",),
    "ec2.models.block_device:BlockDeviceType": (
        "volume_id",
        "status",
        "size",
        "attach_time",
        "delete_on_termination",
    ),
    "ec2.models.elastic_block_store:Volume": (
        "ec2_backend",
        "volume_id",
        "size",
        "zone",
        "snapshot_id",
        "encrypted",
        "kms_key_id",
        "volume_type",
        "iops",
        "throughput",
    ),
    "ec2.models.elastic_block_store:VolumeAttachment": ("volume", "instance", "device", "status"),
    "ec2.models.elastic_block_store:VolumeModification": ("volume", "target_size"),
    "ec2.models.elastic_block_store:Snapshot": (
        "ec2_backend",
        "snapshot_id",
        "volume",
        "description",
        "encrypted",
        "owner_id",
    ),
    "ec2.models.amis:Ami": (
        "ec2_backend",
        "ami_id",
        "instance",
        "name",
        "description",
        "architecture",
        "virtualization_type",
        "hypervisor",
        "root_device_type",
        "root_device_name",
        "region_name",
    ),
}


class MotoHasChanged(RuntimeError):
    """moto is not the version that the sandbox was made for."""


def check() -> None:
    """Raise MotoHasChanged, naming what is missing, unless moto is as the sandbox needs it."""
    for path, parameters in CALLED.items():
        called = _resolve(path)
        missing = set(parameters) - set(inspect.signature(called).parameters)
        if missing:
            raise MotoHasChanged(f"{_says(path)} no longer takes {', '.join(sorted(missing))}")
    for name in FACTS:
        _resolve(f"ec2.models.{name.replace('.', ':')}")


def install(settings: SandboxSettings) -> None:
    """Let this process's moto behave as `settings` say, for the accounts that they name.

    May be called again, with other settings or another account. Raises MotoHasChanged.
    """
    moto_import.backends("ec2")
    check()
    from app.sandbox.ec2 import dispatch, operations

    operations.load()
    for name, facts in FACTS.items():
        owner = _resolve(f"ec2.models.{name.replace('.', ':')}")
        for fact, default in facts.items():
            setattr(owner, fact, default)
    for account_id in settings.all_accounts:
        dispatch.SETTINGS[account_id] = replace(settings, account_id=account_id)
    response = _resolve("ec2.responses:EC2Response")
    if getattr(response._dispatch, "_encante", False):
        return
    dispatcher = dispatch.dispatcher(response.setup_class, response.call_action)
    dispatcher._encante = True  # type: ignore[attr-defined]
    response._dispatch = dispatcher


def _resolve(path: str) -> Any:
    module, _, names = path.partition(":")
    try:
        found: Any = importlib.import_module(f"moto.{module}")
        for name in names.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as gone:
        raise MotoHasChanged(f"{_says(path)} is not there any more: {gone}") from gone
    return found


def _says(path: str) -> str:
    return f"The sandbox needs moto {moto_import.MOTO_VERSION}: moto.{path.replace(':', '.')}"

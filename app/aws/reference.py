"""What forms offer to choose from that is no resource of ours: zones, types, security groups."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.aws import images
from app.aws.accounts import Accounts
from app.aws.call import Call
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.aws.listing import Description

DAY = 24 * 3600
MINUTE = 60
REFUSED_AGAIN = 5  # seconds: a form asks at every key that is pressed


@dataclass(frozen=True)
class InstanceType:
    """An instance type: vCPUs, memory in MiB, and what images it can run."""

    name: str
    vcpus: int
    memory_mib: int
    architectures: tuple[str, ...]
    root_device_types: tuple[str, ...] = ("ebs",)

    @property
    def label(self) -> str:
        """vCPU and memory in words."""
        memory = self.memory_mib / 1024
        return f"{self.vcpus} vCPU, {memory:g} GiB, {', '.join(self.architectures)}"


@dataclass(frozen=True)
class SecurityGroup:
    """A security group of a VPC."""

    id: str
    name: str
    description: str
    vpc_id: str
    tags: Mapping[str, str] = field(default_factory=dict)


class Kept:
    """What was read, for a while; for all accounts together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[float, Any]] = {}  # until when, and what
        self._types: dict[InstanceType, InstanceType] = {}

    def get(self, key: Hashable, seconds: float, read: Callable[[], Any]) -> Any:
        """What was read less than ``seconds`` ago, or is read now. Raises AwsError.

        What could not be read just now is not asked for again at once: it fails in the same way.
        """
        with self._lock:
            until, value = self._kept.get(key, (0.0, None))
        if time.monotonic() >= until:
            try:
                value = read()
            except AwsError as error:
                value, seconds = error, REFUSED_AGAIN
            with self._lock:
                if len(self._kept) > 500:
                    self._kept.clear()
                self._kept[key] = (time.monotonic() + seconds, value)
        if isinstance(value, AwsError):
            raise replace(value)
        return value

    def type(self, found: InstanceType) -> InstanceType:
        """The same type, held once however many regions offer it."""
        return self._types.setdefault(found, found)


class References:
    """The choices in every account."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._kept = Kept()

    def of(self, account_id: str) -> Reference:
        """The choices in one account. Raises AwsError for one that is not configured."""
        return Reference(self._accounts.clients(account_id), account_id, self._kept)


class Reference:
    """Reads the choices of a region and remembers them for a while. All may raise AwsError."""

    def __init__(self, clients: Clients, account: str, kept: Kept) -> None:
        self.clients = clients
        self._account = account
        self._kept = kept

    def _remember(self, key: tuple[str, ...], seconds: float, read: Callable[[], Any]) -> Any:
        return self._kept.get((self._account, *key), seconds, read)

    def zones(self, region: str) -> list[str]:
        """The names of the region's availability zones that can be used."""

        def read() -> list[str]:
            answer = Call("ec2", "DescribeAvailabilityZones", region).run(self.clients)
            return sorted(
                zone["ZoneName"]
                for zone in answer.get("AvailabilityZones", [])
                if zone.get("State", "available") == "available"
                and zone.get("ZoneType", "availability-zone") == "availability-zone"
            )

        zones: list[str] = self._remember(("zones", region), DAY, read)
        return zones

    def instance_types(self, region: str) -> dict[str, InstanceType]:
        """The instance types that the region offers, by name, smallest first."""

        def read() -> dict[str, InstanceType]:
            call = Call("ec2", "DescribeInstanceTypes", region, {"MaxResults": 100})
            found = [
                self._kept.type(_instance_type(entry))
                for page in call.pages(self.clients)
                for entry in page.get("InstanceTypes", [])
            ]
            found.sort(key=lambda kind: (kind.memory_mib, kind.vcpus, kind.name))
            return {kind.name: kind for kind in found}

        # the same for every account, and much to read
        types: dict[str, InstanceType] = self._kept.get(("types", region), DAY, read)
        return types

    def security_groups(self, region: str) -> list[SecurityGroup]:
        """The region's security groups by name; remembered for a minute."""

        def read() -> list[SecurityGroup]:
            call = Call("ec2", "DescribeSecurityGroups", region, {"MaxResults": 1000})
            groups = [
                SecurityGroup(
                    entry["GroupId"],
                    entry.get("GroupName", ""),
                    entry.get("Description", ""),
                    entry.get("VpcId", ""),
                    {tag["Key"]: tag["Value"] for tag in entry.get("Tags", [])},
                )
                for page in call.pages(self.clients)
                for entry in page.get("SecurityGroups", [])
            ]
            return sorted(groups, key=lambda group: (group.name != "default", group.name))

        found: list[SecurityGroup] = self._remember(("groups", region), MINUTE, read)
        return found

    def image(self, region: str, image_id: str) -> Description | None:
        """An image of whatever owner; None where there is none; remembered for a minute."""
        found: Description | None = self._remember(
            ("image", region, image_id),
            MINUTE,
            lambda: images.read_any(self.clients, region, image_id),
        )
        return found

    def public_images(
        self, region: str, owner: str, name: str, architecture: str, root_device_type: str
    ) -> list[Description]:
        """Public images (``images.find_public``); remembered for ten minutes."""
        terms = (owner, name, architecture, root_device_type)
        found: list[Description] = self._remember(
            ("public", region, *terms),
            10 * MINUTE,
            lambda: images.find_public(self.clients, region, *terms),
        )
        return found


def _instance_type(entry: Description) -> InstanceType:
    return InstanceType(
        entry["InstanceType"],
        entry.get("VCpuInfo", {}).get("DefaultVCpus", 0),
        entry.get("MemoryInfo", {}).get("SizeInMiB", 0),
        tuple(entry.get("ProcessorInfo", {}).get("SupportedArchitectures", [])),
        tuple(entry.get("SupportedRootDeviceTypes", ["ebs"])),
    )

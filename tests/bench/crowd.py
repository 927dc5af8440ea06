"""A sandbox full of instances, in a process of its own: ``python -m tests.bench.crowd 10000``."""

from __future__ import annotations

import itertools
import signal
import sys
import threading
from typing import Any

from app.sandbox import account, catalogue
from app.sandbox.ec2 import agenda, dispatch
from app.sandbox.ec2.request import Request
from app.sandbox.server import start_in_thread
from app.sandbox.settings import SandboxSettings

REGION = "us-east-1"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d")
IMAGES = ("noble-24.04-amd64", "debian-12-amd64")
TYPES = ("t3.micro", "t3.small", "t3.medium", "m5.large")
KEYS = ("ops", "deploy")
JOBS = ("web", "db", "worker", "cache", "build", "batch")
TEAMS = ("shop", "data", "platform")
TOGETHER = 10  # launched by one call
STOPPED = 7  # every so manyth of these calls' instances are stopped afterwards
SETTINGS = SandboxSettings(
    port=0,
    regions=(REGION, "eu-central-1"),
    seed=False,
    vcpu_limit=1_000_000,
    instance_pending=0,
    instance_stopping=0,
    volume_attaching=0,
)


def fill(count: int) -> None:
    """Launch ``count`` instances in the first region, each with a name, tags and a volume."""
    backend = account.backend("ec2", SETTINGS.account_id, REGION)

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        return dispatch.perform(Request(operation, parameters, backend, SETTINGS))

    for key in KEYS:
        call("CreateKeyPair", KeyName=key, KeyType="ed25519")
    images = [catalogue.find(name).image_id(REGION) for name in IMAGES]
    ways = itertools.cycle(itertools.product(images, TYPES, ZONES, KEYS))
    for number in range(0, count, TOGETHER):
        image, kind, zone, key = next(ways)
        made = call(
            "RunInstances",
            ImageId=image,
            InstanceType=kind,
            MinCount=1,
            MaxCount=min(TOGETHER, count - number),
            KeyName=key,
            Placement={"AvailabilityZone": zone},
            MetadataOptions={"HttpTokens": "required"},
        )["Instances"]
        agenda.settle(backend)
        for at, instance in enumerate(made, start=number):
            name = f"{JOBS[at % len(JOBS)]}-{at // len(JOBS)}"
            tags = {"Name": name, "team": TEAMS[at % len(TEAMS)], "env": "prod"}
            pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
            call("CreateTags", Resources=[instance["InstanceId"]], Tags=pairs)
        if number // TOGETHER % STOPPED == 0:
            call("StopInstances", InstanceIds=[instance["InstanceId"] for instance in made])


def main() -> None:
    """Print the address when the sandbox is full, and serve until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    handle = start_in_thread(SETTINGS)
    with account.LOCK:
        fill(int(sys.argv[1]))
    print(handle.url, flush=True)
    stop.wait()
    handle.stop()


if __name__ == "__main__":
    main()

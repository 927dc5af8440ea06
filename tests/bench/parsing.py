"""What reading a long list costs: our listings against boto3's own paginators, side by side.

Both read the same pages from the generated endpoint, which runs in a process of its own.
``python -m tests.bench.parsing`` prints the figures; what a whole refresh costs tells refresh.py.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import boto3

from app.aws.clients import Clients
from app.resources import RESOURCES
from tests.bench.fakeaws.__main__ import ACCOUNTS, REGIONS
from tests.bench.served import program
from tests.bench.timing import Way, in_turns

ACCOUNT, REGION = ACCOUNTS[0], REGIONS[0]
SCALE = 0.25  # 5,000 instances, 12,500 volumes, 25,000 snapshots
ROUNDS = 3
# kind: boto3's paginator, and the resources in one of its pages
PAGINATORS: dict[str, tuple[str, Callable[[Any], list[Any]]]] = {
    "instance": (
        "describe_instances",
        lambda page: [each for held in page["Reservations"] for each in held["Instances"]],
    ),
    "volume": ("describe_volumes", lambda page: page["Volumes"]),
    "snapshot": ("describe_snapshots", lambda page: page["Snapshots"]),
}


def run(scale: float = SCALE, rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """By kind: how many there are, and microseconds of processor time for one of them."""
    asked = ("--scale", str(scale), "--accounts", "1", "--regions", "1")
    with program("tests.bench.fakeaws", *asked) as out:
        url = out.readline().strip()
        return {kind: _measured(kind, url, rounds) for kind in PAGINATORS}


def _measured(kind: str, url: str, rounds: int) -> dict[str, float]:
    clients, (name, items) = Clients(url), PAGINATORS[kind]
    listing = RESOURCES[kind].listing
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    boto: Any = boto3.client("ec2", REGION, endpoint_url=url, **keys)  # type: ignore[call-overload]
    own = {"OwnerIds": ["self"]} if kind == "snapshot" else {}

    def paginate() -> int:
        pages = boto.get_paginator(name).paginate(PaginationConfig={"PageSize": 1000}, **own)
        return sum(len(items(page)) for page in pages)

    def read() -> int:
        return sum(len(page) for page in listing.pages(clients, REGION, ACCOUNT))

    count = paginate()
    assert read() == count > 0
    samples = in_turns([Way("boto3", paginate), Way("ours", read)], rounds)
    each = {way: statistics.median(found.own) / count * 1e6 for way, found in samples.items()}
    return {"count": count, **each}


def show(found: dict[str, dict[str, float]]) -> None:
    """Print the figures as a table."""
    print(f"{'':10}{'count':>8}{'boto3':>9}{'ours':>9}{'share':>8}   (µs of CPU for one)")
    for kind, told in found.items():
        share = told["ours"] / told["boto3"]
        print(f"{kind:10}{told['count']:8}{told['boto3']:9.1f}{told['ours']:9.1f}{share:8.2f}")


if __name__ == "__main__":
    show(run())

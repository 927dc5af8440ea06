"""What reading a long list costs: our listings against boto3's own paginators, side by side.

Both read the same pages from the generated endpoint, which runs in a process of its own.
``python -m tests.bench.parsing`` prints the figures.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from app.aws.clients import Clients
from app.db import make_engine, now
from app.inventory import Inventory
from app.migrate import upgrade
from app.resources import RESOURCES
from scripts.own_console import ROOT
from tests.bench.fakeaws.__main__ import ACCOUNTS, REGIONS
from tests.bench.timing import Way, in_turns

ACCOUNT, REGION = ACCOUNTS[0], REGIONS[0]
SCALE = 0.5  # 10,000 instances, 25,000 volumes, 50,000 snapshots
ROUNDS = 2
# kind: boto3's paginator, and the lists in one of its pages
PAGINATORS: dict[str, tuple[str, Callable[[Any], list[Any]]]] = {
    "instance": (
        "describe_instances",
        lambda page: [each for held in page["Reservations"] for each in held["Instances"]],
    ),
    "volume": ("describe_volumes", lambda page: page["Volumes"]),
    "snapshot": ("describe_snapshots", lambda page: page["Snapshots"]),
}


@contextmanager
def endpoint(scale: float = SCALE) -> Iterator[str]:
    """The generated endpoint, with one account and one region; its address."""
    asked = ["--scale", str(scale), "--accounts", "1", "--regions", "1"]
    command = [sys.executable, "-m", "tests.bench.fakeaws", *asked]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def run(folder: Path, scale: float = SCALE, rounds: int = ROUNDS) -> dict[str, Any]:
    """For each kind: how many there are, processor time of one of them (microseconds).

    ``boto3``: its paginator's loop. ``read``: our listing. ``refresh``: our listing, and what is
    read stored in an inventory that has it already. ``grown_kb``: by how much the process's
    memory grew from the end of the second page of a listing to its largest after.
    """
    engine = make_engine(f"sqlite:///{folder}/bench.db")
    upgrade(engine)
    inventory = Inventory(engine, RESOURCES)
    found = {}
    with endpoint(scale) as url:
        for kind in PAGINATORS:
            found[kind] = _measured(kind, url, inventory, rounds)
    engine.dispose()
    return found


def _measured(kind: str, url: str, inventory: Inventory, rounds: int) -> dict[str, float]:
    clients = Clients(url)
    name, items = PAGINATORS[kind]
    boto: Any = boto3.client(
        "ec2",
        REGION,
        endpoint_url=url,
        aws_access_key_id="k",
        aws_secret_access_key="s",
    )
    more = {"OwnerIds": ["self"]} if kind == "snapshot" else {}

    def by_boto3() -> int:
        pages = boto.get_paginator(name).paginate(PaginationConfig={"PageSize": 1000}, **more)
        return sum(len(items(page)) for page in pages)

    def pages() -> Iterator[list[Any]]:
        return RESOURCES[kind].listing.pages(clients, REGION, ACCOUNT)

    def read() -> int:
        return sum(len(page) for page in pages())

    def refresh() -> None:
        inventory.store_all(kind, ACCOUNT, REGION, pages(), now())

    count = by_boto3()
    assert read() == count > 0
    ways = [Way("boto3", by_boto3), Way("read", read), Way("refresh", refresh)]
    samples = in_turns(ways, rounds)
    each = {
        way: statistics.median(sample.own) / count * 1_000_000 for way, sample in samples.items()
    }
    return {"count": count, **each, "grown_kb": _growth(pages)}


def _growth(pages: Callable[[], Iterator[list[Any]]]) -> float:
    sizes = [_resident() for _ in pages()]
    return max(sizes[1:], default=0) - sizes[1] if len(sizes) > 1 else 0


def _resident() -> int:
    """The process's resident memory, in KiB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


def show(found: dict[str, Any]) -> None:
    """Print the figures as a table."""
    print(f"{'kind':10}{'count':>8}{'boto3':>10}{'read':>10}{'refresh':>10}   µs of CPU each")
    for kind, told in found.items():
        figures = "".join(f"{told[way]:10.1f}" for way in ("boto3", "read", "refresh"))
        share = told["refresh"] / told["boto3"]
        print(
            f"{kind:10}{told['count']:8}{figures}   refresh/boto3 {share:.2f}, "
            f"memory grew by {told['grown_kb']} KiB"
        )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="encante-bench-") as name:
        measured = run(Path(name))
    show(measured)
    print(json.dumps(measured))

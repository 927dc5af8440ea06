"""A full refresh against boto3's own paginator loop: processor time, and memory by size.

``python -m tests.bench.refresh FOLDER ROUNDS`` measures in a process of its own, prints JSON.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from app.aws.clients import Clients
from app.db import make_engine, now
from app.inventory import Inventory
from app.migrate import upgrade
from app.resources import RESOURCES
from tests.bench.fakeaws.__main__ import ACCOUNTS
from tests.bench.served import NotReadyError, program

SIZES = (10_000, 40_000)
ROUNDS = 3
REGION = "us-east-1"


def run(folder: Path) -> dict[str, Any]:
    """By number of instances; everything of one size in turns within one process."""
    return {f"{size:,} instances": _measured(folder / str(size), size) for size in SIZES}


def _measured(folder: Path, size: int) -> dict[str, Any]:
    folder.mkdir(parents=True)
    asked = ("--instances", str(size), "--accounts", "1", "--regions", "1")
    with program("tests.bench.fakeaws", *asked) as out:
        url = out.readline().strip()
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": f"AKIA{ACCOUNTS[0]}",
            "AWS_SECRET_ACCESS_KEY": "any",
            "NO_PROXY": "127.0.0.1",
        }
        rounds = ROUNDS if size == SIZES[0] else 1
        command = [sys.executable, "-m", "tests.bench.refresh", str(folder), str(rounds)]
        told = subprocess.run(
            command, env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout
    found: dict[str, Any] = json.loads(told)
    if found.pop("count") != size:
        raise NotReadyError(f"Not all of {size} instances came.")
    return found


def _inside(folder: Path, rounds: int) -> dict[str, Any]:
    engine = make_engine(f"sqlite:///{folder / 'bench.db'}")
    upgrade(engine)
    inventory, clients = Inventory(engine, RESOURCES), Clients()
    account = clients.identity(REGION).account
    listing = RESOURCES["instance"].listing
    ec2 = boto3.client("ec2", region_name=REGION)

    def refresh() -> None:
        pages = listing.pages(clients, REGION, account)
        inventory.store_all("instance", account, REGION, pages, now())

    def paginate() -> None:
        for page in ec2.get_paginator("describe_instances").paginate(
            PaginationConfig={"PageSize": 1000}
        ):
            for reservation in page["Reservations"]:
                for each in reservation["Instances"]:
                    each["InstanceId"]

    before = _peak_mb()
    first, after_first = _cpu(refresh), _peak_mb()
    times: dict[str, list[float]] = {"refresh": [], "boto3": []}
    for _ in range(rounds):
        times["refresh"].append(_cpu(refresh))
    after_refreshes = _peak_mb()
    for _ in range(rounds):  # in turns again, now that memory has been told
        times["boto3"].append(_cpu(paginate))
        times["refresh"].append(_cpu(refresh))
    return {
        "count": sum(inventory.counts()["instance"].values()),
        "first_refresh_cpu_s": round(first, 2),
        "refresh_cpu_s": round(min(times["refresh"]), 2),
        "boto3_cpu_s": round(min(times["boto3"]), 2),
        "peak_mb": {
            "before": round(before),
            "first refresh": round(after_first),
            "refreshes": round(after_refreshes),
            "boto3": round(_peak_mb()),
        },
    }


def _cpu(do: Callable[[], None]) -> float:
    begun = time.process_time()
    do()
    return time.process_time() - begun


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    print(json.dumps(_inside(Path(sys.argv[1]), int(sys.argv[2]))))

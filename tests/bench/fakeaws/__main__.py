"""``python -m tests.bench.fakeaws --scale 1``: print the address, serve until SIGTERM."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from tests.bench.fakeaws.server import Endpoint
from tests.bench.fakeaws.world import Size, World

FULL = Size(instances=20_000, volumes=50_000, snapshots=100_000, images=5_000)
ACCOUNTS = tuple(f"{number}" * 12 for number in range(1, 10))
REGIONS = (
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-north-1",
    "ap-northeast-1",
    "ap-southeast-2",
)


def scaled(scale: float) -> Size:
    """The full size times ``scale``."""
    return Size(
        *(
            round(number * scale)
            for number in (FULL.instances, FULL.volumes, FULL.snapshots, FULL.images)
        )
    )


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--accounts", type=int, default=3)
    parser.add_argument("--regions", type=int, default=len(REGIONS))
    parser.add_argument("--instances", type=int, help="so many instances, and nothing else")
    asked = parser.parse_args()
    size = scaled(asked.scale) if asked.instances is None else Size(asked.instances, 0, 0, 0)
    world = World(size, ACCOUNTS[: asked.accounts], REGIONS[: asked.regions])
    endpoint = Endpoint(world)
    thread = threading.Thread(target=endpoint.serve_forever, daemon=True)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    sys.setswitchinterval(0.0005)
    thread.start()
    print(endpoint.url, flush=True)
    stop.wait()
    endpoint.shutdown()


if __name__ == "__main__":
    main()

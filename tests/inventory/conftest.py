from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from app.inventory import Collector, Inventory
from app.settings import Settings
from tests.inventory.boxes import ACCOUNT, HERE, BoxAccounts, Clock, Cloud, make_resource

INTERVALS = {"refresh_seconds": 15, "idle_refresh_seconds": 600, "changing_seconds": 3}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def inventory(engine: Engine, clock: Clock) -> Inventory:
    return Inventory(engine, {"box": make_resource()}, clock)


@pytest.fixture
def collect(engine: Engine, cloud: Cloud, clock: Clock) -> Callable[..., Collector]:
    """Makes a collector of boxes, and an inventory of its own: as a process of its own would."""

    def make(
        regions: tuple[str, ...] = (HERE,),
        kinds: tuple[str, ...] = ("box",),
        accounts: tuple[str, ...] = (ACCOUNT,),
        **settings: Any,
    ) -> Collector:
        resources = {kind: make_resource(kind=kind) for kind in kinds}
        inventory = Inventory(engine, resources, clock)
        return Collector(
            inventory,
            BoxAccounts(cloud, regions, accounts),
            resources,
            Settings(regions=regions, **{**INTERVALS, **settings}),
            wait=clock.move,
        )

    return make

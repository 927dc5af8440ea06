from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.db import make_engine
from app.inventory import Collector, Inventory
from app.migrate import upgrade
from app.settings import Settings
from tests.inventory.boxes import ACCOUNT, HERE, BoxAccounts, Clock, Cloud, make_resource

INTERVALS = {"refresh_seconds": 15, "idle_refresh_seconds": 600, "changing_seconds": 3}


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as the migrations make it, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "empty.db"
    engine = make_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def engine(migrated: Path, tmp_path: Path) -> Iterator[Engine]:
    path = shutil.copy(migrated, tmp_path / "inventory.db")
    engine = make_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


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

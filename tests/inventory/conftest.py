from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.db import make_engine
from app.inventory import Collector, Inventory
from app.migrate import upgrade
from app.settings import Settings
from tests.accounts import one_account
from tests.inventory.boxes import ACCOUNT, HERE, Clock, Cloud, make_resource


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
def inventory(engine: Engine, cloud: Cloud, clock: Clock) -> Inventory:
    return Inventory(engine, {"box": make_resource(cloud.listing())}, clock)


@pytest.fixture
def collect(engine: Engine, cloud: Cloud, clock: Clock) -> Callable[..., Collector]:
    """Makes a collector of boxes, and an inventory of its own: as a process of its own would."""

    def make(regions: tuple[str, ...] = (HERE,), kinds: tuple[str, ...] = ("box",)) -> Collector:
        resources = {kind: make_resource(cloud.listing(), kind) for kind in kinds}
        settings = Settings(
            regions=regions, refresh_seconds=15, idle_refresh_seconds=600, changing_seconds=3
        )
        inventory = Inventory(engine, resources, clock)
        accounts = one_account(ACCOUNT, regions, cloud)
        return Collector(inventory, accounts, resources, settings)

    return make

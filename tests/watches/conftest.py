from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.db import make_engine
from app.migrate import upgrade
from tests.watches.desk import Desk, open_engine
from tests.watches.fakes import FakeAws


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
    engine = open_engine(shutil.copy(migrated, tmp_path / "watches.db"))
    yield engine
    engine.dispose()


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
def desk(engine: Engine, aws: FakeAws) -> Desk:
    """Watches with a clock that stands still until a test moves it."""
    return Desk(engine, aws, poll=timedelta(seconds=5))

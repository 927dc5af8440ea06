from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.db import make_engine, metadata
from app.watches.tables import watches  # noqa: F401  so that metadata knows the tables
from tests.watches.desk import Desk
from tests.watches.fakes import FakeAws


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{tmp_path / 'watches.db'}")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
def desk(engine: Engine, aws: FakeAws) -> Desk:
    """Watches with a clock that stands still until a test moves it."""
    return Desk(engine, aws, poll=timedelta(seconds=5))

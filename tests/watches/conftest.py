from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from tests.watches.desk import Desk
from tests.watches.fakes import FakeAws


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
def desk(engine: Engine, aws: FakeAws) -> Desk:
    """Watches with a clock that stands still until a test moves it."""
    return Desk(engine, aws, poll=timedelta(seconds=5))

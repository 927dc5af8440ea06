from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.torture.arena import Arena, Stage, stage


@pytest.fixture(scope="session")
def one_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """An endpoint and a nursery for all tests of this run."""
    with stage(tmp_path_factory.mktemp("torture")) as made:
        yield made


@pytest.fixture
def arena(one_stage: Stage, database_url: str) -> Iterator[Arena]:
    """A torture on a database of its own; the test runs once on each sort."""
    with one_stage.arena(database_url) as made:
        yield made


@pytest.fixture
def hasty(one_stage: Stage, database_url: str) -> Iterator[Arena]:
    """The same, where time passes faster: for tests in which leases run out."""
    with one_stage.arena(database_url, rate=4) as made:
        yield made


@pytest.fixture
def hasty_sqlite(one_stage: Stage, sqlite_url: str) -> Iterator[Arena]:
    """The same on SQLite alone: what matters is in the rows, not in how they are locked."""
    with one_stage.arena(sqlite_url, rate=4) as made:
        yield made


@pytest.fixture
def hasty_postgresql(one_stage: Stage, postgresql_url: str) -> Iterator[Arena]:
    """The same on PostgreSQL alone."""
    with one_stage.arena(postgresql_url, rate=4) as made:
        yield made

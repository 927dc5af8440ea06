"""Databases for all tests: SQLite, and a PostgreSQL that is started when the first asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from app.people import passwords
from tests.databases import SORTS, Databases, open_engine
from tests.postgres import PostgresServer, postgres_server
from tests.quick import keep_what_is_compiled

keep_what_is_compiled()

# How long an example takes says something of the machine only. Hypothesis' own profile for CI,
# which begins from a fixed seed, is kept where it is one.
settings.register_profile(
    "suite", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

# With `--dist loadfile --no-loadscope-reorder` each process takes the next file. One that takes
# minutes must not be begun last: it would keep one process busy after all others.
LONGEST = (
    "browser/test_walk",
    "browser/test_pages",
    "watches/test_lanes",
    "watches/test_wire",
    "browser/test_hostile_corpus",
    "web/test_narrowed",
    "bench/test_calls",
    "web/test_accounts",
    "web/test_walk_of_routes",
    "aws/test_show",
    "watches/test_poller",
    "torture/test_faults",
    "browser/test_hostile",
    "browser/test_look",
    "browser/test_watching",
    "web/test_danger",
    "browser/test_live",
    "browser/test_filter",
    "web/test_trouble",
    "watches/test_sender_machine",
    "web/test_replicas",
    "watches/test_machine",
    "browser/test_activity",
    "browser/test_rules",
    "browser/test_notices",
    "torture/test_kills",
    "fuzz/test_fuzz",
    "inventory/test_collector",
    "aws/test_lean",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, and leave each file's order as it is."""
    places = {name: number for number, name in enumerate(LONGEST)}

    def place(item: pytest.Item) -> int:
        return places.get(f"{item.path.parent.name}/{item.path.stem}", len(places))

    items.sort(key=place)


@pytest.fixture(scope="module", autouse=True)
def _quick_passwords(request: pytest.FixtureRequest) -> Iterator[None]:
    """Passwords are hashed fast, but where a module says that it is about just that:
    ``FULL_COST = True``.
    """
    with pytest.MonkeyPatch.context() as patched:
        if not getattr(request.module, "FULL_COST", False):
            quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
            patched.setattr(passwords, "_HASHER", quick)
            patched.setattr(passwords, "NOBODYS", quick.hash("nobody's"))
        yield


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Makes databases; ends the PostgreSQL of this run of tests, if there was one."""
    with ExitStack() as stack:
        started: list[PostgresServer] = []

        def server() -> PostgresServer:
            if not started:
                started.append(stack.enter_context(postgres_server()))
            return started[0]

        given = Databases(tmp_path_factory.mktemp("databases"), server)
        yield given
        given.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for ``database_url`` on each sort of database.

    A module in which the database hardly matters says so: ``DATABASES = ("sqlite",)``.
    """
    marks = metafunc.definition.iter_markers("parametrize")
    if "database_url" in metafunc.fixturenames and all(m.args[0] != "database_url" for m in marks):
        sorts = getattr(metafunc.module, "DATABASES", SORTS)
        metafunc.parametrize("database_url", sorts, indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """The address of an empty, migrated database; the test runs once on each sort."""
    with databases.new(request.param) as url:
        yield url


@pytest.fixture(params=SORTS)
def bare_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """The address of a database without any table; the test runs once on each sort."""
    with databases.bare(request.param) as url:
        yield url


@pytest.fixture
def sqlite_url(databases: Databases) -> Iterator[str]:
    """The same on SQLite alone, for tests to which the database does not matter."""
    with databases.new("sqlite") as url:
        yield url


@pytest.fixture
def postgresql_url(databases: Databases) -> Iterator[str]:
    """The same on PostgreSQL alone, for what only it has."""
    with databases.new("postgresql") as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on each sort of database. A test that looks at durability makes its own."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()

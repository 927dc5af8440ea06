"""A whole console without its thread, on a sandbox in this process with its seeded account."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import Engine

from app import create_app
from app.migrate import upgrade
from app.sandbox import account, clock, seed, store
from app.sandbox.server import start_in_thread
from app.sandbox.settings import SandboxSettings
from app.settings import Settings
from tests.databases import Databases, leave_writing_to_the_system
from tests.web.browser import Browser

DATABASE = "sandbox.db"
KEPT = timedelta(seconds=30)

# Nothing is done by itself before a test lets time pass, on a machine that is slow for a while too.
SANDBOX = SandboxSettings(
    port=0,
    account_id="123456789012",
    instance_pending=50,
    instance_stopping=50,
    instance_shutting_down=50,
    image_pending=50,
    snapshot_pending=50,
    volume_creating=50,
)


class Aws:
    """The sandbox behind the console, for what only a test does to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.port = urlsplit(url).port or 0

    def fault(self, fault: str, operation: str = "*", **more: Any) -> None:
        """Switch a fault on."""
        self.send("faults", "POST", {"fault": fault, "operation": operation} | more)

    def calls(self) -> dict[str, int]:
        """How often each operation was called since the test began."""
        found: dict[str, int] = self.send("calls", "GET")["by_operation"]
        return found

    def forget_calls(self) -> None:
        """Count from here."""
        self.send("calls", "DELETE")

    def anew(self) -> None:
        """The seeded account as at first, no faults, the real time."""
        self._calm()
        clock.reset()
        with account.LOCK:
            account.forget(SANDBOX.account_id)
            seed.plant(SANDBOX)

    def as_it_was(self, state: bytes, moment: datetime) -> None:
        """The accounts that `store.dump` gave at a moment, no faults; time goes on from there."""
        self._calm()
        kept = io.BytesIO(state)
        main = pickle.load(kept)["account"]  # noqa: S301  # what it says of itself; it is our own
        held = pickle.load(kept)  # noqa: S301
        with account.LOCK:
            for account_id, services in ({main: held["services"]} | held["others"]).items():
                account.restore(account_id, services)
        clock._offset = moment - datetime.now(UTC)

    def _calm(self) -> None:
        self.send("faults", "DELETE")
        self.forget_calls()

    def send(self, name: str, method: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}/_sandbox/{name}", data, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)


@pytest.fixture(scope="module", autouse=True)
def _migrated_once(databases: Databases) -> Iterator[None]:
    """A console that finds no database gets a copy of one, and none waits for the disk."""

    def quick(engine: Engine) -> None:
        path = Path(engine.url.database or "")
        if engine.dialect.name == "sqlite" and not path.exists():
            databases.migrated(path)
        leave_writing_to_the_system(engine)
        upgrade(engine)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("app.house.upgrade", quick)
        yield


@pytest.fixture(scope="session")
def _sandbox() -> Iterator[Aws]:
    handle = start_in_thread(SANDBOX)
    yield Aws(handle.url)
    handle.stop()


class Start:
    """Makes consoles that have seen the seeded account once.

    To see it takes longer than most tests. So the account and the database are kept for the next
    ones, for half a minute: nothing tells such a console from one that has just looked, but times.
    """

    def __init__(self, sandbox: Aws, folder: Path) -> None:
        self._sandbox, self._folder = sandbox, folder
        self._number = 0
        self._taken: datetime | None = None
        self._account = b""

    def console(self, folder: Path) -> Browser:
        """One with its data in ``folder``, to which the owner is signed in."""
        if self._taken is None or datetime.now(UTC) - self._taken > KEPT:
            self._look()
        assert self._taken is not None
        shutil.copy(self._folder / str(self._number) / DATABASE, folder / DATABASE)
        self._sandbox.as_it_was(self._account, self._taken)
        person = Browser(_application(self._sandbox, folder))
        person.wait()
        return person

    def first(self, folder: Path, signed_in: bool = True) -> Browser:
        """One that has itself seen everything, of an account that is planted anew."""
        self._sandbox.anew()
        person = Browser(_application(self._sandbox, folder), signed_in)
        person.wait()
        return person

    def _look(self) -> None:
        self._number += 1
        folder = self._folder / str(self._number)
        folder.mkdir()
        self.first(folder, signed_in=False).house.engine.dispose()
        self._account, self._taken = store.dump([SANDBOX.account_id]), datetime.now(UTC)


def _application(sandbox: Aws, folder: Path) -> Flask:
    settings = Settings(
        data=folder,
        sandbox_port=sandbox.port,
        poll_seconds=0.1,
        refresh_seconds=3600,
        idle_refresh_seconds=3600,
        changing_seconds=0.1,
        polls_per_second=100,  # nobody waits for a turn
        requests_per_minute=0,  # a test asks for more than a person would
    )
    return create_app(settings)


@pytest.fixture(scope="session")
def _start(_sandbox: Aws, tmp_path_factory: pytest.TempPathFactory) -> Start:
    return Start(_sandbox, tmp_path_factory.mktemp("start"))


@pytest.fixture
def aws(_sandbox: Aws) -> Aws:
    return _sandbox


@pytest.fixture
def browser(_start: Start, tmp_path: Path) -> Iterator[Browser]:
    """A person at a console of their own that has seen everything once."""
    person = _start.console(tmp_path)
    yield person
    clock.reset()
    person.house.engine.dispose()


@pytest.fixture
def first(_start: Start, tmp_path: Path) -> Iterator[Browser]:
    """The same, and it was this console itself that has seen it: for what a process counts."""
    person = _start.first(tmp_path)
    yield person
    clock.reset()
    person.house.engine.dispose()


@pytest.fixture(scope="module")
def visitor(_start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A person who looks and fills in forms wrongly: changes nothing, so a module shares them."""
    person = _start.console(tmp_path_factory.mktemp("visitor"))
    yield person
    clock.reset()
    person.house.engine.dispose()

"""A whole console without its thread, on a sandbox in this process with its seeded account."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from app import create_app
from app.sandbox import account, clock, seed
from app.sandbox.server import start_in_thread
from app.sandbox.settings import SandboxSettings
from app.settings import Settings
from tests.web.browser import Browser

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
        self.send("faults", "DELETE")
        self.forget_calls()
        clock.reset()
        with account.LOCK:
            account.forget(SANDBOX.account_id)
            seed.plant(SANDBOX)

    def send(self, name: str, method: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}/_sandbox/{name}", data, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)


@pytest.fixture(scope="session")
def _sandbox() -> Iterator[Aws]:
    handle = start_in_thread(SANDBOX)
    yield Aws(handle.url)
    handle.stop()


def _console(sandbox: Aws, folder: Path) -> Browser:
    sandbox.anew()
    settings = Settings(
        data=folder,
        sandbox_port=sandbox.port,
        poll_seconds=0.1,
        refresh_seconds=3600,
        idle_refresh_seconds=3600,
        changing_seconds=0.1,
        requests_per_minute=0,  # a test asks for more than a person would
    )
    browser = Browser(create_app(settings))
    browser.wait()
    return browser


@pytest.fixture
def aws(_sandbox: Aws) -> Aws:
    return _sandbox


@pytest.fixture
def browser(_sandbox: Aws, tmp_path: Path) -> Iterator[Browser]:
    """A person at a console of their own that has seen everything once."""
    person = _console(_sandbox, tmp_path)
    yield person
    clock.reset()
    person.house.engine.dispose()


@pytest.fixture(scope="module")
def visitor(_sandbox: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A person who looks and fills in forms wrongly: changes nothing, so a module shares them."""
    person = _console(_sandbox, tmp_path_factory.mktemp("visitor"))
    yield person
    clock.reset()
    person.house.engine.dispose()

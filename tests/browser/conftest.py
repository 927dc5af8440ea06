"""A console with its sandbox, and a browser that is signed in to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from app.resources import RESOURCES
from app.settings import SANDBOX_REGIONS
from scripts import chromium
from scripts.own_console import OwnConsole

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 30_000  # milliseconds that the page may take to show what is expected
# Things take long in the sandbox, and its clock is advanced when a test has seen them going on:
# what is on its way is seen for certain, and nobody has to wait for it.
LONG = 600
SETTINGS = {
    "ENCANTE_REQUESTS_PER_MINUTE": "0",  # tests ask for more than a person would
    "ENCANTE_POLL_SECONDS": "1",
    "ENCANTE_CHANGING_SECONDS": "1",
    "ENCANTE_SANDBOX_INSTANCE_PENDING": str(LONG),
    "ENCANTE_SANDBOX_INSTANCE_STOPPING": str(LONG),
    "ENCANTE_SANDBOX_INSTANCE_SHUTTING_DOWN": str(LONG),
    "ENCANTE_SANDBOX_INSTANCE_TERMINATED_KEPT": "1000000",
    "ENCANTE_SANDBOX_IMAGE_PENDING": str(LONG),
    "ENCANTE_SANDBOX_SNAPSHOT_PENDING": str(LONG),
    "ENCANTE_SANDBOX_VOLUME_CREATING": str(LONG),
    "ENCANTE_SANDBOX_VOLUME_ATTACHING": str(LONG),
    "ENCANTE_SANDBOX_VOLUME_DETACHING": str(LONG),
}
# What /metrics has of each kind in each region that was read, and how many that are.
READ = re.compile(r"^encante_collector_age_seconds\{.*\} [\d.e+-]+$", re.MULTILINE)
SCOPES = len(RESOURCES) * len(SANDBOX_REGIONS)
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder."""
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; without one the tests fail, they are not skipped."""
    program = chromium.find()
    if program is None:
        pytest.fail("The browser tests need Chromium: python -m scripts.chromium installs it.")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture(scope="module")
def console(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnConsole]:
    """A running console with a fresh sandbox, for the tests of one file.

    A file that waits for what others do in AWS has all read more often: ``REFRESH_SECONDS``.
    To read everything every few seconds takes the processor from all other tests.
    """
    often = {"ENCANTE_REFRESH_SECONDS": getattr(request.module, "REFRESH_SECONDS", "15")}
    console = OwnConsole(tmp_path_factory.mktemp("console"), SETTINGS | often)
    console.start()
    yield console
    console.stop()


@pytest.fixture(scope="module")
def cookies(browser: Browser, console: OwnConsole) -> Any:
    """The browser's state after the start link was opened; the console knows what there is."""
    context = browser.new_context(base_url=console.url)
    page = context.new_page()
    page.goto(console.first_link)
    expect(page.get_by_role("heading", name="What there is")).to_be_visible()
    for _ in range(PATIENCE // 50):
        if len(READ.findall(page.request.get("/metrics").text())) >= SCOPES:
            break
        page.wait_for_timeout(50)
    else:
        pytest.fail("The console has not read all that there is.")
    state = context.storage_state()
    context.close()
    return state


class Complaints(list[str]):
    """What the browser had to complain of: errors of scripts, of the policy, of loading."""

    def attend(self, context: BrowserContext) -> None:
        """Listen to every page of ``context``."""
        context.on("console", self._said)
        context.on("weberror", lambda error: self.append(f"script: {error.error}"))

    def _said(self, message: Any) -> None:
        text = message.text
        if message.type not in {"error", "warning"}:
            return
        # pages that say no (404, 409, 422) are pages; the browser notes their status
        if "Failed to load resource" in text and "status of 4" in text:
            return
        self.append(f"{message.type}: {text} ({message.location.get('url')})")

    def forgive(self, *words: str) -> None:
        """Forget the complaints about what a test has done on purpose."""
        self[:] = [said for said in self if not any(word in said for word in words)]


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Fails the test at its end if there were any."""
    found = Complaints()
    yield found
    assert found == []


@pytest.fixture
def context(
    browser: Browser, console: OwnConsole, cookies: Any, complaints: Complaints
) -> Iterator[BrowserContext]:
    """A browser window of its own, signed in."""
    context = browser.new_context(
        base_url=console.url,
        storage_state=cookies,
        viewport={"width": 1440, "height": 900},
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE)
    complaints.attend(context)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab in which nothing is open yet."""
    return context.new_page()

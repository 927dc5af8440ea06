"""Take the README's screenshots, of a console and a sandbox of their own.

python -m scripts.screenshots     writes docs/screenshots/*.png
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from scripts import chromium
from scripts.own_console import ROOT, OwnConsole

FOLDER = ROOT / "docs" / "screenshots"
WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 390, "height": 780}
# What is pending stays so until the pictures that show it are taken.
SETTINGS = {
    "ENCANTE_SANDBOX_SNAPSHOT_PENDING": "60",
    "ENCANTE_SANDBOX_INSTANCE_PENDING": "60",
    "ENCANTE_POLL_SECONDS": "1",
    "ENCANTE_CHANGING_SECONDS": "1",
}


def main() -> int:
    """Take them all; returns the exit status."""
    program = chromium.find()
    if program is None:
        print("There is no Chromium: python -m scripts.chromium installs it.", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        console = OwnConsole(Path(folder), SETTINGS)
        console.start()
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            take_all(browser, console)
        finally:
            browser.close()
            console.stop()
    return 0


def take_all(browser: Browser, console: OwnConsole) -> None:
    """Go through the console and take each picture where it is at its best."""
    page = open_page(browser, console, WIDE, "light")
    page.goto(console.link())
    state = page.context.storage_state()
    make_snapshot_with_watch(page)
    watch = page.url
    launch(page)
    page.goto("/instances/new")
    image = page.request.get("/instances.json?q=web-1").json()[0]["image_id"]
    page.goto(f"/instances/new?image_id={image}")
    page.get_by_label("Name", exact=True).fill("web-4")
    page.get_by_label("Maximum").fill("3")
    expect(page.get_by_text("MaxCount=3")).to_be_visible()
    save(page, "launch")
    page.goto("/")
    expect(page.get_by_role("heading", name="Changing now")).to_be_visible()
    save(page, "overview")
    dark = open_page(browser, console, WIDE, "dark", state)
    dark.goto("/snapshots?q=web")  # a few rows: pictures in the repository stay small
    save(dark, "dark")
    phone = open_page(browser, console, NARROW, "light", state)
    phone.goto("/instances")
    save(phone, "phone")
    page.goto("/instances")
    save(page, "instances")
    console.advance(70)
    page.goto(watch)
    expect(page.get_by_role("heading", name="Notice: Snapshot done")).to_be_visible()
    expect(page.get_by_text("sent", exact=True)).to_be_visible()
    save(page, "watch")


def open_page(
    browser: Browser, console: OwnConsole, size: Any, scheme: Any, state: Any = None
) -> Page:
    """A page of a new window."""
    context = browser.new_context(
        base_url=console.url,
        viewport=size,
        color_scheme=scheme,
        storage_state=state,
        reduced_motion="reduce",
    )
    return context.new_page()


def make_snapshot_with_watch(page: Page) -> None:
    """Snapshot the volume of web-2, and go to the watch on it."""
    volume = page.request.get("/volumes.json?q=web-2").json()[0]["id"]
    page.goto(f"/snapshots/new?volume_id={volume}")
    page.get_by_label("By a topic that exists").check()
    page.get_by_label("Topic", exact=True).select_option(
        label="snapshots-done in us-east-1, 1 confirmed"
    )
    page.get_by_role("button", name="Create snapshot", exact=True).click()
    page.get_by_role("link", name="w-").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Watch on")


def launch(page: Page) -> None:
    """Launch one more web server, so that something is pending."""
    image = page.request.get("/instances.json?q=web-1").json()[0]["image_id"]
    page.goto(f"/instances/new?image_id={image}")
    page.get_by_label("Name", exact=True).fill("web-3")
    page.get_by_role("button", name="Launch", exact=True).click()
    expect(page.locator("#state")).to_contain_text("pending")


def save(page: Page, name: str) -> None:
    """Write the picture of a page that is fully drawn."""
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())

"""Several instances are terminated, of which one is protected and one is refused: at two widths."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from scripts.own_console import OwnConsole
from tests.browser import hand


@pytest.mark.parametrize("width", [1440, 390])
def test_three_are_terminated_of_which_one_is_protected(
    context: BrowserContext, console: OwnConsole, width: int
) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 800})
    known = {each["name"]: each["id"] for each in context.request.get("/instances.json").json()}
    wanted = ("bastion", "worker") if width == 390 else ("web-1", "web-2")
    chosen = [known[name] for name in (*wanted, "db-1")]
    page.goto("/instances/terminate?" + "&".join(f"id={each}" for each in chosen))

    expect(page.get_by_text("Left alone: db-1")).to_be_visible()
    button = page.get_by_role("button", name="Terminate", exact=True)
    expect(button).to_be_disabled()
    page.get_by_label("Type how many instances these are").fill("3")
    expect(button).to_be_disabled()
    page.get_by_label("Type how many instances these are").fill(" 2")
    expect(button).to_be_enabled()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    console.sandbox("faults", {"fault": "refuse", "operation": "TerminateInstances", "count": 1})
    button.click()
    expect(page).to_have_url(re.compile("/actions/"))
    expect(page.get_by_role("main")).to_contain_text("1 of 2 done")
    _one_result_each(page, [known[name] for name in wanted])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.get_by_role("link", name="Try again what was not done").click()
    expect(page.get_by_text("Type the name")).to_contain_text(wanted[0])
    hand.press(page, "Terminate")
    hand.state(page, "shutting-down")


def _one_result_each(page: Page, ids: list[str]) -> None:
    results = page.locator(".steps > li")
    expect(results).to_have_count(len(ids))
    for number, (resource_id, word) in enumerate(zip(ids, ("Failed", "Done"), strict=True)):
        expect(results.nth(number)).to_contain_text(resource_id)
        expect(results.nth(number)).to_contain_text(re.compile(word, re.IGNORECASE))


def test_without_scripts_the_button_can_be_pressed_and_the_server_looks(
    context: BrowserContext, console: OwnConsole
) -> None:
    bare = context.browser
    assert bare is not None
    plain = bare.new_context(
        base_url=console.url, storage_state=context.storage_state(), java_script_enabled=False
    )
    page = plain.new_page()
    volume = plain.request.get("/volumes.json?state=available").json()[0]
    page.goto(f"/volumes/delete?id={volume['id']}")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was done")
    hand.press(page, "Delete")
    hand.told(page, f"Deleted: {volume['id']}")
    plain.close()

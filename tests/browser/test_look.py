"""How the pages look and behave: for a keyboard, a screen reader, a phone, in the dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from scripts.own_console import OwnConsole
from tests.browser import hand

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FIRST_LOAD = 60_000  # bytes over the wire, headers included


@pytest.fixture(params=["wide and light", "narrow and dark"])
def bare(
    request: pytest.FixtureRequest, browser: Browser, console: OwnConsole, cookies: Any
) -> Iterator[Page]:
    """A page without the security policy, so that axe can be put into it."""
    narrow = request.param.startswith("narrow")
    context = browser.new_context(
        base_url=console.url,
        storage_state=cookies,
        bypass_csp=True,
        viewport={"width": 360 if narrow else 1440, "height": 900},
        color_scheme="dark" if narrow else "light",
        reduced_motion="reduce",
    )
    yield context.new_page()
    context.close()


def faults(page: Page) -> list[str]:
    """What axe finds wrong with the page, a line each."""
    page.add_script_tag(path=AXE)
    run = "standards => axe.run({runOnly: standards}).then(found => found.violations)"
    return [
        f"{fault['id']}: {fault['help']}: {[node['html'][:120] for node in fault['nodes'][:3]]}"
        for fault in page.evaluate(run, STANDARDS)
    ]


def test_a_resource_and_its_menu_are_for_everybody(bare: Page) -> None:
    bare.goto("/instances?q=db-1")
    hand.row(bare, "db-1").get_by_role("link", name="db-1", exact=True).click()
    bare.locator("#detail-actions > summary").click()
    expect(bare.locator("details.menu[open] .item").first).to_be_visible()
    assert faults(bare) == []


def test_a_confirmation_is_for_everybody(bare: Page) -> None:
    bare.goto("/instances?q=web-1")
    hand.tick(bare, "web-1")
    bare.locator("#row-actions > summary").click()
    bare.get_by_role("button", name="Terminate", exact=True).click()
    expect(bare.get_by_role("heading", level=1)).to_contain_text("Terminate")
    expect(bare.get_by_role("button", name="Terminate", exact=True)).to_be_visible()
    assert faults(bare) == []


def test_a_watch_and_the_form_that_asks_for_it_are_for_everybody(bare: Page) -> None:
    bare.goto("/snapshots?state=pending")
    hand.row(bare, "db-1-data").first.get_by_role("link").first.click()
    hand.act(bare, "Notify me")
    bare.get_by_role("checkbox", name="late").check()
    assert faults(bare) == []
    hand.press(bare, "Watch")
    hand.told(bare, "is being watched")
    assert faults(bare) == []
    for address in ("/watches", "/"):
        bare.goto(address)
        expect(bare.get_by_role("link", name="w-").first).to_be_visible()
        assert faults(bare) == []
        assert bare.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_menu_opens_inside_the_screen(bare: Page) -> None:
    bare.goto("/instances")
    inside = """() => {
        const sheet = document.querySelector("details.menu[open] > .sheet");
        const { left, right } = sheet.getBoundingClientRect();
        return left >= 0 && right <= innerWidth;
    }"""
    menus = bare.locator("details.menu > summary")
    assert menus.count() > 5
    for number in range(menus.count()):
        menus.nth(number).click()
        assert bare.evaluate(inside), menus.nth(number).text_content()
        bare.keyboard.press("Escape")
        expect(bare.locator("details.menu[open]")).to_have_count(0)


def test_the_first_page_is_light(context: BrowserContext) -> None:
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    polls: set[str] = set()
    sizes: dict[str, float] = {}

    def asked(event: dict[str, Any]) -> None:
        if "HX-Request" in event["request"]["headers"]:
            polls.add(event["requestId"])  # comes later, and again and again

    network.on("Network.requestWillBeSent", asked)
    network.on(
        "Network.loadingFinished",
        lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}),
    )
    page.goto("/instances", wait_until="networkidle")
    first = [size for request, size in sizes.items() if request not in polls]
    assert len(first) > 8
    assert sum(first) < FIRST_LOAD


def test_the_keyboard_skips_to_the_content_and_sees_where_it_is(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    focused = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(focused) == "solid"


def test_the_theme_that_was_chosen_stays(page: Page) -> None:
    page.goto("/")
    shade = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(shade)
    page.locator("summary[aria-label=Appearance]").click()
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(shade)
    assert dark != light
    page.goto("/volumes")
    assert page.evaluate(shade) == dark


def test_what_a_person_does_in_a_list_outlasts_its_polls(page: Page) -> None:
    page.goto("/volumes")
    hand.tick(page, "reports-archive")
    page.locator("#row-actions > summary").click()
    box = page.get_by_role("combobox", name="Filter")
    box.press_sequentially("half a wo")
    rows = page.locator("#rows")
    before = rows.inner_text()
    with hand.no_reload(page):
        # Something in the list changes: another window makes a volume.
        other = page.context.new_page()
        other.goto("/volumes/new?size=1")
        hand.press(other, "Create volume")
        hand.told(other, "vol-")
        other.close()
        expect(rows).not_to_have_text(before)
        expect(hand.rows(page)).to_have_count(11)
        side = page.get_by_role("navigation", name="Kinds of resources")
        expect(side.get_by_role("link", name="Volumes 11")).to_be_visible()
    expect(box).to_be_focused()
    expect(box).to_have_value("half a wo")
    expect(hand.row(page, "reports-archive").get_by_role("checkbox")).to_be_checked()
    expect(page.get_by_role("button", name="Attach")).to_be_visible()


def test_actions_on_rows_wait_for_rows(page: Page) -> None:
    page.goto("/instances")
    menu = page.locator("#row-actions")
    menu.locator("summary").click()
    stop, image = (menu.locator("button", has_text=name) for name in ("Stop", "Create image"))
    expect(stop).to_be_disabled()
    hand.tick(page, "web-1")
    expect(stop).to_be_enabled()
    expect(image).to_be_enabled()
    hand.tick(page, "web-2")
    expect(stop).to_be_enabled()
    expect(image).to_be_disabled()


def test_a_form_asks_only_for_what_matters(page: Page) -> None:
    page.goto("/volumes/new")
    expect(page.get_by_label("Throughput")).to_be_visible()
    page.get_by_label("Volume type").select_option("gp2")
    expect(page.get_by_label("Throughput")).to_be_hidden()
    expect(page.get_by_label("IOPS")).to_be_hidden()
    page.get_by_label("Volume type").select_option("io2")
    expect(page.get_by_label("IOPS")).to_be_visible()


def test_another_region_brings_its_own_choices(page: Page) -> None:
    page.goto("/volumes/new")
    page.get_by_label("Size (GiB)").fill("7")
    with hand.no_reload(page):
        page.get_by_label("Region").select_option("eu-central-1")
        zones = page.get_by_label("Availability zone")
        expect(zones.locator("option").first).to_have_text("eu-central-1a")
    expect(page.get_by_label("Size (GiB)")).to_have_value("7")
    expect(hand.code(page)).to_contain_text('AvailabilityZone="eu-central-1a"')


def test_a_console_that_does_not_answer_says_so(
    browser: Browser, console: OwnConsole, cookies: Any
) -> None:
    context = browser.new_context(base_url=console.url, storage_state=cookies)
    page = context.new_page()
    page.goto("/snapshots")
    context.set_offline(True)
    lost = page.get_by_role("alert").filter(has_text="Encante does not answer")
    expect(lost).to_be_visible()
    context.set_offline(False)
    expect(lost).to_be_hidden()
    context.close()


def test_without_scripts_there_are_still_pages_and_forms(
    browser: Browser, console: OwnConsole, cookies: Any
) -> None:
    context = browser.new_context(
        base_url=console.url, storage_state=cookies, java_script_enabled=False
    )
    page = context.new_page()
    page.goto("/topics/new")
    page.get_by_label("Name", exact=True).fill("made-without-scripts")
    page.get_by_role("textbox", name="Key").first.fill("team")
    hand.press(page, "Create topic")
    hand.told(page, "made-without-scripts")
    expect(page.get_by_role("heading", level=1)).to_have_text("made-without-scripts")
    expect(page.get_by_role("rowheader", name="team")).to_be_visible()
    context.close()

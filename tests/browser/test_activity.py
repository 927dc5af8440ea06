"""What was seen to change, on open pages: it appears by itself and disturbs nobody."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser import hand
from tests.browser.test_look import bare, faults

__all__ = ["bare"]


def rename(page: Page, kind: str, name: str, new: str) -> str:
    """Give a resource another name, in another window; returns its id."""
    other = page.context.new_page()
    found = other.request.get(f"/{kind}.json?q={name}").json()[0]["id"]
    other.goto(f"/{kind}/tags?id={found}")
    keys = other.get_by_role("textbox", name="Key")
    number = next(n for n in range(keys.count()) if keys.nth(n).input_value() == "Name")
    other.locator("input[name$=-value]").nth(number).fill(new)
    hand.press(other, "Save tags")
    other.close()
    return str(found)


def test_activity_shows_what_is_new_and_keeps_what_is_being_typed(page: Page) -> None:
    page.goto("/activity")
    box = page.get_by_role("searchbox", name="Resource")
    box.press_sequentially("half a wo")
    page.get_by_role("combobox", name="Kind", exact=True).select_option("volume")
    box.focus()
    with hand.no_reload(page):
        rename(page, "volumes", "reports-archive", "reports-2027")
        events = page.get_by_role("list", name="Changes, newest first")
        first = events.get_by_role("listitem").filter(has_text="reports-2027").first
        expect(first).to_contain_text("Tag Name")
    expect(box).to_be_focused()
    expect(box).to_have_value("half a wo")
    expect(page.get_by_role("combobox", name="Kind", exact=True)).to_have_value("volume")


def test_the_page_of_a_resource_tells_a_change_as_it_is_seen(page: Page) -> None:
    page.goto("/volumes?q=ci-runner")
    hand.row(page, "ci-runner").get_by_role("link").first.click()
    raw = page.locator("#raw > summary")
    raw.click()
    with hand.no_reload(page):
        rename(page, "volumes", "ci-runner", "ci-2027")
        timeline = page.locator("ol.told").first
        expect(timeline).to_contain_text("ci-runner")
        expect(timeline).to_contain_text("ci-2027")
    expect(page.locator("#raw")).to_have_attribute("open", "")
    timeline.get_by_role("link", name="Tags of").first.click()
    expect(page.get_by_text("It is done")).to_be_visible()


def test_what_is_gone_and_its_timeline_are_for_everybody(bare: Page) -> None:
    found = bare.context.request.get("/snapshots.json?q=old-wiki").json()
    if found:  # the second of the two screens finds it gone already
        bare.goto(f"/snapshots/delete?id={found[0]['id']}")
        hand.press(bare, "Delete")
    bare.goto("/snapshots/gone?q=old-wiki")
    expect(bare.get_by_role("table")).to_contain_text("old-wiki")
    assert faults(bare) == []
    bare.get_by_role("link", name="snap-").first.click()
    expect(bare.get_by_text("It is gone")).to_be_visible()
    assert faults(bare) == []
    assert bare.evaluate("document.documentElement.scrollWidth <= innerWidth")
    bare.goto("/activity")
    expect(bare.get_by_role("list", name="Changes, newest first")).to_be_visible()
    assert faults(bare) == []
    assert bare.evaluate("document.documentElement.scrollWidth <= innerWidth")

"""Hostile text from AWS or from a form is shown as text: nothing of it runs, no page breaks."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser import hand

HOSTILE = (
    "<script>window.hurt = 1</script>",
    '"><img src=x onerror="window.hurt = 1">',
    "'-window.hurt-'{{7*7}}${7*7}",
    "javascript:window.hurt=1//",
    "\u202egnp.exe 😀 </textarea></title>",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_is_shown_as_text_wherever_it_stands(page: Page, text: str) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a script said {dialog.message}"))
    volume = page.request.get("/volumes.json?state=available").json()[0]["id"]
    page.goto(f"/volumes/tags?id={volume}")
    hand.tag_row(page, "Name").get_by_role("textbox", name="Value").fill(text)
    hand.add_tag(page, text[:100], text)
    expect(hand.code(page)).to_contain_text("create_tags")
    hand.press(page, "Save tags")
    hand.told(page, "The tags are saved")
    expect(page.get_by_role("heading", level=1)).to_have_text(text)
    for path in (
        "/volumes",
        f"/volumes?columns=state,tag:{quote(text[:100])}",
        "/",
        "/activity",
        f"/activity?q={volume}",
        f"/volumes/{volume}",
        f"/search?q={volume[:8]}",
        f"/snapshots/new?volume_id={volume}",
        f"/volumes/attach?id={volume}",
        f"/volumes/delete?id={volume}",
        f"/volumes/tags?id={volume}",
    ):
        page.goto(path)
        expect(page.get_by_role("main").get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("navigation", name="Kinds of resources")).to_be_visible()
        assert page.evaluate("window.hurt") is None
    # the form is put back for the next text
    hand.tag_row(page, text[:100]).get_by_role("button", name="Remove this tag").click()
    hand.press(page, "Save tags")


def test_a_hostile_name_is_shown_as_text_where_something_is_offered(page: Page) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a script said {dialog.message}"))
    text = HOSTILE[1]
    volume = page.request.get("/volumes.json?state=available").json()[0]["id"]
    page.goto(f"/volumes/tags?id={volume}")
    hand.tag_row(page, "Name").get_by_role("textbox", name="Value").fill(text)
    hand.press(page, "Save tags")
    hand.told(page, "The tags are saved")
    find = page.get_by_role("combobox", name="Search every kind of resource")
    find.press_sequentially('"><img')
    expect(page.get_by_role("option").filter(has_text=text)).to_be_visible()
    page.goto("/volumes")
    bar = page.get_by_role("combobox", name="Filter")
    bar.press_sequentially("name = ")
    offer = page.get_by_role("option").filter(has_text=text)
    offer.click()
    bar.press("Enter")
    expect(hand.row(page, text)).to_have_count(1)
    page.locator("#views > summary").click()
    page.get_by_label("Save this list as").fill(text)
    page.get_by_role("button", name="Save", exact=True).click()
    hand.told(page, f"The view {text} is saved.")
    page.locator("#views > summary").click()
    page.get_by_role("link", name=text, exact=True).first.click()
    expect(hand.row(page, text)).to_have_count(1)
    page.goto("/views/volumes")
    expect(page.get_by_role("link", name=text, exact=True)).to_be_visible()
    assert page.evaluate("window.hurt") is None


def test_hostile_user_data_and_descriptions_stay_text_in_the_code(page: Page) -> None:
    image = page.request.get("/instances.json?q=web-1").json()[0]["image_id"]
    page.goto(f"/instances/new?image_id={image}")
    page.locator("summary").filter(has_text="User data").click()
    page.get_by_label("User data").fill("\n".join(HOSTILE))
    expect(hand.code(page)).to_contain_text(re.compile("window.hurt = 1</script>"))
    assert page.evaluate("window.hurt") is None
    volume = page.request.get("/volumes.json?q=web-2").json()[0]["id"]
    page.goto(f"/snapshots/new?volume_id={volume}")
    page.get_by_label("Description").fill(HOSTILE[1])
    hand.press(page, "Create snapshot")
    expect(hand.fact(page, "Description")).to_have_text(HOSTILE[1])
    page.goto("/snapshots")
    expect(hand.row(page, HOSTILE[1])).to_have_count(1)
    assert page.evaluate("window.hurt") is None

"""The filter bar's suggestions and the search field, by keyboard and by mouse."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser import hand
from tests.browser.test_look import bare, faults

__all__ = ["bare"]


def bar(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Filter")


def search(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Search every kind of resource")


def offers(page: Page) -> Locator:
    return page.get_by_role("listbox").get_by_role("option")


def test_a_filter_is_made_by_keyboard_alone(page: Page) -> None:
    page.goto("/instances")
    box = bar(page)
    box.press_sequentially("sta")
    expect(offers(page).first).to_contain_text("state")
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "q-option-0")
    expect(offers(page).first).to_have_attribute("aria-selected", "true")
    box.press("Tab")
    expect(box).to_have_value("state ")
    expect(box).to_be_focused()
    expect(offers(page).first).to_contain_text("is")
    box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value("state = ")
    expect(offers(page).filter(has_text="running")).to_contain_text(re.compile(r"\d+$"))
    box.press_sequentially("stop")
    expect(offers(page)).to_have_count(1)
    box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value("state = stopped ")
    expect(page.get_by_role("listbox")).to_have_count(0)
    box.press("Enter")
    expect(page).to_have_url(re.compile(r"q=state\+%3D\+stopped"))
    expect(hand.rows(page)).to_have_count(1)


def test_a_choice_is_made_by_mouse_amid_a_text(page: Page) -> None:
    page.goto("/instances")
    box = bar(page)
    box.fill("web state = x or zone")
    page.evaluate("document.getElementById('q').setSelectionRange(13, 13)")
    box.press("ArrowDown")
    expect(page.get_by_role("listbox")).to_have_count(0)  # nothing holds x
    box.press("Backspace")
    offers(page).filter(has_text="running").click()
    expect(box).to_have_value("web state = running or zone")
    expect(box).to_be_focused()


def test_the_arrows_go_round_and_escape_closes(page: Page) -> None:
    page.goto("/instances")
    box = bar(page)
    box.click()
    expect(offers(page).first).to_be_visible()
    box.press("ArrowUp")
    last = offers(page).last
    expect(last).to_have_attribute("aria-selected", "true")
    box.press("ArrowDown")
    expect(box).not_to_have_attribute("aria-activedescendant", re.compile("."))
    box.press("ArrowDown")
    expect(offers(page).first).to_have_attribute("aria-selected", "true")
    box.press("Escape")
    expect(page.get_by_role("listbox")).to_have_count(0)
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(box).to_be_focused()


def test_what_is_offered_outlasts_the_polls(page: Page) -> None:
    def forgetful(route: Route) -> None:  # so that every poll is answered with the whole list
        route.continue_(headers={**route.request.headers, "hx-ptag": ""})

    page.goto("/volumes")
    page.route("**/volumes", forgetful)
    box = bar(page)
    box.press_sequentially("volume_type = ")
    expect(offers(page).first).to_contain_text("gp")  # the answer to the last letter
    box.press("ArrowDown")
    with hand.no_reload(page):
        for _ in range(2):
            with page.expect_response(lambda answer: answer.url.endswith("/volumes")) as polled:
                pass
            assert polled.value.status == 200
    expect(box).to_have_value("volume_type = ")
    expect(offers(page).first).to_have_attribute("aria-selected", "true")
    box.press("Enter")
    expect(box).to_have_value(re.compile(r"^volume_type = \w+ $"))


def test_a_filter_that_cannot_be_read_keeps_what_was_typed(page: Page) -> None:
    page.goto("/instances")
    box = bar(page)
    box.fill("web stat = running")
    box.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="did you mean state?")).to_be_visible()
    expect(page.locator("mark")).to_have_text("stat")
    expect(bar(page)).to_have_value("web stat = running")
    expect(bar(page)).to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize("key", ["/", "Control+k"])
def test_a_key_leads_to_the_search_field_and_on_to_what_is_found(page: Page, key: str) -> None:
    page.goto("/instances")
    page.keyboard.press(key)
    box = search(page)
    expect(box).to_be_focused()
    expect(box).to_have_value("")
    box.press_sequentially("db-1")
    expect(page.get_by_role("group", name="Instances").get_by_role("option")).to_have_count(1)
    expect(page.get_by_role("group", name="Volumes").get_by_role("option").first).to_be_visible()
    box.press("ArrowDown")
    box.press("Enter")
    expect(page).to_have_url(re.compile(r"/\w+/\w+-[0-9a-f]{8,17}$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("db-1")


def test_enter_without_a_choice_searches(page: Page) -> None:
    page.goto("/")
    box = search(page)
    box.press_sequentially("db-1")
    expect(offers(page).first).to_be_visible()
    box.press("Enter")
    expect(page).to_have_url(re.compile(r"/search\?q=db-1$"))
    expect(page.get_by_role("heading", name="Search: db-1")).to_be_visible()


def test_one_who_types_elsewhere_is_not_led_away(page: Page) -> None:
    page.goto("/instances")
    box = bar(page)
    box.press_sequentially("a/b")
    box.press("Control+k")
    expect(box).to_be_focused()
    expect(box).to_have_value(re.compile("^a/b"))


def test_what_is_offered_is_for_everybody_and_inside_the_screen(bare: Page) -> None:
    inside = """() => {
        const { left, right } = document.querySelector(".offers:not([hidden])")
            .getBoundingClientRect();
        return left >= 0 && right <= innerWidth;
    }"""
    bare.goto("/instances")
    for box, typed in ((bar(bare), "s"), (search(bare), "db-1")):
        box.press_sequentially(typed)
        expect(offers(bare).first).to_be_visible()
        box.press("ArrowDown")
        assert bare.evaluate(inside)
        assert faults(bare) == []
        box.press("Escape")

"""What a person does with the console, by what they see: roles and visible text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Page, expect


@contextmanager
def led_on(page: Page) -> Iterator[None]:
    """What is clicked inside leads to another page: here it has come, with its scripts.

    A click alone may return before the browser has left the page: what is looked at, counted or
    typed next would be the former page's.
    """
    with page.expect_navigation(wait_until="domcontentloaded"):
        yield


def go_to(page: Page, title: str) -> None:
    """Open a list from the side navigation."""
    side = page.get_by_role("navigation", name="Kinds of resources")
    with led_on(page):
        side.get_by_role("link", name=re.compile(rf"^{re.escape(title)}")).click()
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()


def find(page: Page, resource_id: str) -> None:
    """Open a resource's page by typing its id into the search of the top bar."""
    search = page.get_by_role("combobox", name="Search every kind of resource")
    search.fill(resource_id)
    with led_on(page):
        search.press("Enter")
    expect(page.get_by_text(resource_id).first).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape(resource_id)))


def filter_by(page: Page, words: str) -> None:
    """Type a filter into a list."""
    box = page.get_by_role("combobox", name="Filter")
    box.fill(words)
    with led_on(page):
        page.get_by_role("button", name="Filter", exact=True).click()
    expect(page.get_by_role("link", name=f"Take away the filter {words}")).to_be_visible()


def facet(page: Page, title: str, value: str) -> None:
    """Choose a value of a facet."""
    page.locator("summary").filter(has_text=re.compile(rf"^{title}")).click()
    with led_on(page):
        page.get_by_role("link", name=re.compile(rf"^{value}\s*\d*$")).click()
    expect(page.get_by_role("link", name=f"Take away {title} = {value}")).to_be_visible()


def rows(page: Page) -> Locator:
    """The rows of a list."""
    a_box = page.get_by_role("checkbox", name=re.compile("^Select (?!all on this page)"))
    return page.get_by_role("row").filter(has=a_box)


def row(page: Page, text: str) -> Locator:
    """The row of a list that holds ``text``."""
    return rows(page).filter(has_text=text)


def tick(page: Page, text: str) -> None:
    """Tick the row that holds ``text``."""
    row(page, text).get_by_role("checkbox").check()


def act(page: Page, action: str) -> None:
    """Choose an action, on a resource's page or in a list, once the page offers it."""
    for _ in range(300):  # what makes it possible may still be on its way
        menu = open_actions(page)
        entry = (menu or page).get_by_role("link", name=action, exact=True)
        if menu is not None:
            entry = entry.or_(menu.get_by_role("button", name=action, exact=True))
        if entry.count():
            break
        page.wait_for_timeout(100)
    with led_on(page):
        entry.click()


def open_actions(page: Page) -> Locator | None:
    """Open the menu of actions; None where they stand on the page as buttons."""
    summary = page.locator("summary").filter(has_text=re.compile("^Actions"))
    menu = page.get_by_role("main").locator("details").filter(has=summary)
    if menu.count() == 0:
        return None
    if menu.get_attribute("open") is None:
        summary.click()
    return menu


def refused(page: Page, action: str, reason: str) -> None:
    """See that an action is not offered now, and why."""
    menu = open_actions(page)
    assert menu is not None
    entry = menu.get_by_role("button", name=re.compile(rf"^{action}\b"))
    expect(entry).to_be_disabled()
    expect(entry).to_contain_text(reason)
    page.keyboard.press("Escape")


def press(page: Page, button: str) -> None:
    """Press the button that does it, and wait for the answer; what is to be typed is typed."""
    if page.locator("#confirm").count():
        page.locator("#confirm").fill(page.locator(".typed").first.inner_text())
    with led_on(page):
        page.get_by_role("main").get_by_role("button", name=button, exact=True).click()


def told(page: Page, text: str | re.Pattern[str]) -> None:
    """See what was said of what was done."""
    expect(page.get_by_role("region", name="Notifications")).to_contain_text(text)


def state(page: Page, text: str) -> None:
    """See a resource's state on its page."""
    expect(page.locator("#state")).to_have_text(text)


def fact(page: Page, title: str) -> Locator:
    """What stands beside a title on a page."""
    term = page.get_by_role("term").filter(has_text=re.compile(rf"^{re.escape(title)}$"))
    return page.locator("dl > div").filter(has=term).get_by_role("definition").first


def box(page: Page, heading: str) -> Locator:
    """A part of a page by its heading."""
    pattern = re.compile(rf"^{re.escape(heading)}( \([\d,]+\))?$")
    title = page.get_by_role("heading", level=2, name=pattern)
    return page.locator("section, details").filter(has=title)


def tag_row(page: Page, key: str) -> Locator:
    """The row of the tag editor that holds ``key``."""
    groups = page.get_by_role("group", name="Tag", exact=True)
    expect(groups.first).to_be_visible()  # what is counted must be there
    for number in range(groups.count()):
        group = groups.nth(number)
        if group.get_by_role("textbox", name="Key").input_value() == key:
            return group
    raise AssertionError(f"There is no tag {key!r} in the editor.")


def add_tag(page: Page, key: str, value: str) -> None:
    """Add a tag in the editor."""
    page.get_by_role("button", name="Add tag").click()
    group = page.get_by_role("group", name="Tag", exact=True).last
    group.get_by_role("textbox", name="Key").fill(key)
    group.get_by_role("textbox", name="Value").fill(value)


def code(page: Page) -> Locator:
    """The code that will be sent, as it stands beside a form."""
    return page.get_by_role("complementary", name="What will be sent to AWS")


def last_part(page: Page) -> str:
    """The id at the end of the address."""
    return page.url.rpartition("/")[2].partition("?")[0].replace("%3A", ":")


@contextmanager
def no_reload(page: Page) -> Iterator[None]:
    """What happens inside must happen on the page as it stands, without loading it anew."""
    page.evaluate("window.sameAsBefore = true")
    yield
    assert page.evaluate("window.sameAsBefore === true"), "the page was loaded anew"

"""Asking to be told, clicked as a person would: of an image, of an instance, of what is late."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from sqlalchemy import update

from app.db import make_engine
from app.watches.tables import watches
from scripts.own_console import OwnConsole
from tests.browser import hand
from tests.browser.conftest import LONG

TOPIC = "snapshots-done in us-east-1, 1 confirmed"


def choose_topic(page: Page) -> None:
    """Open the part on notification, and choose the topic that has a subscriber."""
    page.locator("details.box > summary").filter(has_text="Notification").click()
    page.get_by_label("By a topic that exists").check()
    page.get_by_label("Topic", exact=True).select_option(label=TOPIC)


def open_watch(page: Page) -> None:
    """From a resource's page to its one watch."""
    hand.box(page, "Watches").get_by_role("link", name="w-").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Watch on")


# First, as it goes by how long ago AWS says that it began: the sandbox's clock is still right.
def test_who_waits_is_told_that_it_is_late_and_then_that_it_is_done(
    page: Page, console: OwnConsole
) -> None:
    page.goto("/volumes?q=web-1")
    hand.tick(page, "web-1")
    hand.act(page, "Create snapshot")
    page.get_by_label("By a topic that exists").check()
    page.get_by_label("Topic", exact=True).select_option(label=TOPIC)
    limit = page.get_by_role("spinbutton", name=re.compile("^Late after"))
    expect(limit).to_be_hidden()
    page.get_by_role("checkbox", name=re.compile("^late")).check()
    expect(hand.code(page)).to_contain_text("It is late after")
    limit.fill("1")
    page.get_by_label("Unit").select_option("minutes")
    hand.press(page, "Create snapshot")
    expect(hand.fact(page, "Expected")).to_contain_text("going by")
    open_watch(page)
    expect(hand.fact(page, "Late")).to_have_text("after 1 minute")
    let_be_late(console, hand.last_part(page))
    with hand.no_reload(page):
        expect(hand.box(page, "Notice: Snapshot late")).to_contain_text("sent")
        hand.state(page, "waiting")
        console.advance(LONG + 10)
        hand.state(page, "completed")
        expect(hand.box(page, "Notice: Snapshot done")).to_contain_text("sent")


def let_be_late(console: OwnConsole, watch: str) -> None:
    """A minute is the shortest limit that can be chosen; nobody should have to wait for it here."""
    engine = make_engine(f"sqlite:///{console.data / 'sandbox.db'}")
    with engine.begin() as connection:
        connection.execute(update(watches).where(watches.c.id == watch).values(late_after=1))
    engine.dispose()


def test_who_makes_an_image_is_told_when_it_is_available(page: Page, console: OwnConsole) -> None:
    page.goto("/instances?q=web-1")
    hand.tick(page, "web-1")
    hand.act(page, "Create image")
    page.get_by_label("Image name").fill("watched")
    expect(page.get_by_role("checkbox", name="available", exact=True)).to_be_hidden()
    choose_topic(page)
    expect(page.get_by_role("checkbox", name="available", exact=True)).to_be_checked()
    expect(page.get_by_role("checkbox", name=re.compile("^late"))).not_to_be_checked()
    hand.press(page, "Create image")
    hand.told(page, "You will be told what becomes of it")
    open_watch(page)
    hand.state(page, "waiting")
    expect(hand.fact(page, "Instance")).to_contain_text("web-1")
    with hand.no_reload(page):
        console.advance(LONG + 10)
        hand.state(page, "available")
        expect(hand.box(page, "Notice: Image available")).to_contain_text("sent")


def test_an_instance_is_told_of_each_time_until_it_is_terminated(
    page: Page, console: OwnConsole
) -> None:
    page.goto("/instances?q=web-2")
    hand.row(page, "web-2").get_by_role("link", name="web-2", exact=True).click()
    instance = hand.last_part(page)
    hand.act(page, "Notify me")
    expect(page.get_by_role("checkbox", name="stopped", exact=True)).to_be_checked()
    page.get_by_label("Topic", exact=True).select_option(label=TOPIC)
    hand.press(page, "Watch")
    hand.told(page, "is being watched")
    watch = page.url
    page.goto(f"/instances/stop?id={instance}")
    hand.press(page, "Stop")
    page.goto(watch)
    with hand.no_reload(page):
        console.advance(LONG + 10)
        expect(hand.box(page, "Notice: Instance stopped")).to_contain_text("sent")
        hand.state(page, "waiting")
    page.goto("/watches")
    page.locator("#facet-kind > summary").click()
    page.get_by_role("link", name="instance", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("(1)")
    expect(page.get_by_role("row").filter(has_text=instance)).to_contain_text("sent")
    page.goto(watch)
    hand.press(page, "Cancel the watch")
    hand.state(page, "cancelled")

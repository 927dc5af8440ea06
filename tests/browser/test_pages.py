"""Every page and every form: whole, quiet, accessible, no wider than a phone, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from app.resources import RESOURCES
from scripts.own_console import OwnConsole
from tests.browser import hand
from tests.browser.conftest import Complaints
from tests.browser.test_look import AXE, STANDARDS

# A resource of each kind, found by a list's query, that all its pages are looked at for ...
USUAL = {
    "image": "q=web-base",
    "instance": "q=web-1",
    "key_pair": "q=ops",
    "security_group": "q=db",
    "volume": "q=db-1-data",
    "snapshot": "state=completed",
    "topic": "q=snapshots-done",
    "queue": "q=ops-inbox",
}
# ... but for the actions that are possible only with another one.
OTHERS = {
    ("instance", "start"): "q=worker",
    ("instance", "unprotect"): "q=db-1",
    ("volume", "attach"): "state=available",
    ("volume", "delete"): "state=available",
    ("snapshot", "watch"): "state=pending",
}
# Nothing is under way there, and the form says so.
REFUSED = {("image", "watch"), ("volume", "watch")}
ASIDE = """[...document.querySelectorAll(".scroll")].filter(
    each => each.scrollWidth > each.clientWidth).map(each => each.ariaLabel)"""
VIEWS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1440, "light"), (360, "dark"))


@dataclass(frozen=True)
class Window:
    """A signed-in browser window that axe is in, and what it has complained of."""

    page: Page
    complaints: Complaints


@pytest.fixture(scope="module")
def window(browser: Browser, console: OwnConsole, cookies: Any) -> Iterator[Window]:
    """One window for all pages, under the console's own security policy."""
    context = browser.new_context(
        base_url=console.url, storage_state=cookies, reduced_motion="reduce"
    )
    context.add_init_script(path=AXE)
    complaints = Complaints()
    complaints.attend(context)
    yield Window(context.new_page(), complaints)
    context.close()


@pytest.fixture(scope="module")
def watch(window: Window) -> str:
    """The address of a watch on the snapshot that is pending from the start."""
    page = window.page
    page.goto(f"/snapshots/watch?id={one(page, 'snapshot', 'state=pending')}")
    page.get_by_label("Topic", exact=True).select_option(label="alerts in us-east-1, 0 confirmed")
    hand.press(page, "Watch")
    hand.told(page, "is being watched")
    return f"/watches/{hand.last_part(page)}"


def one(page: Page, kind: str, query: str) -> str:
    """The id of the first resource of a kind that a query finds."""
    found = page.request.get(f"/{RESOURCES[kind].slug}.json?{query}").json()
    assert found, f"no {kind} for {query}"
    return str(found[0]["id"])


def forms() -> list[tuple[str, str]]:
    """Every form of every kind: kind and action."""
    return [
        (kind, action.name)
        for kind, resource in RESOURCES.items()
        for action in resource.actions
        if action.form is not None
    ]


def look(window: Window, address: str, status: int = 200) -> None:
    """Open a page and find nothing wrong with it in any view."""
    page = window.page
    window.complaints.clear()
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == status
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    for width, scheme in VIEWS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if width < 640:  # a row's state and what can be done are in sight
            assert page.evaluate(ASIDE) == [], address
        found = page.evaluate(
            "standards => axe.run({runOnly: standards}).then(({violations}) => violations.map("
            "({id, nodes}) => `${id}: ${nodes.slice(0, 3).map(({html}) => html.slice(0, 200))}`))",
            STANDARDS,
        )
        assert found == [], f"{address} at {width}, {scheme}"
    assert window.complaints == []


@pytest.mark.parametrize("kind", RESOURCES)
def test_a_list_and_a_page_of_each_kind(window: Window, kind: str) -> None:
    slug = RESOURCES[kind].slug
    look(window, f"/{slug}")
    look(window, f"/{slug}/{one(window.page, kind, USUAL[kind])}")


@pytest.mark.parametrize(("kind", "action"), forms())
def test_every_form(window: Window, kind: str, action: str) -> None:
    resource = RESOURCES[kind]
    address = f"/{resource.slug}/{action}"
    if resource.action(action).on != "none":
        query = OTHERS.get((kind, action), USUAL[kind])
        address += f"?id={one(window.page, kind, query)}"
    look(window, address, 409 if (kind, action) in REFUSED else 200)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/", 200),
        ("/images/public", 200),
        ("/images/public?owner=099720109477&name=ubuntu", 200),
        ("/images/public?owner=nobody", 400),
        ("/instances?q=nothing-has-this", 200),
        ("/instances?q=colour%20=%20red", 400),
        ("/instances?page=-1", 400),
        ("/instances/i-0123456789abcdef0", 404),
        ("/instances/vol-0123456789abcdef0", 404),
        ("/instances/stop", 400),
        ("/me", 200),
        ("/activity", 200),
        ("/volumes/gone", 200),
        ("/snapshots?state=error", 200),
        ("/topics/arn:aws:sns:us-east-1:123456789012:alerts", 200),
        ("/rules", 200),
        ("/rules/new", 200),
        ("/rules/new?kind=instance&filter=speed%20=%203", 200),
        ("/notices", 200),
        ("/notices/messages", 200),
        ("/watches", 200),
        ("/watches?state=open&kind=image", 200),
        ("/watches?state=failed", 200),
        ("/watches/w-nothing", 404),
        ("/search?q=web", 200),
        ("/search?q=nothing-has-this", 200),
        ("/no-such-page", 404),
    ],
)
def test_every_other_page_and_error(window: Window, address: str, status: int) -> None:
    look(window, address, status)


def test_a_watch_and_the_list_that_it_stands_in(window: Window, watch: str) -> None:
    look(window, watch)
    look(window, "/watches")
    look(window, "/")


def test_a_queue_with_a_message(window: Window) -> None:
    page = window.page
    page.goto(f"/topics/publish?id={one(page, 'topic', USUAL['topic'])}")
    page.get_by_label("Message", exact=True).fill("A long line. " * 40)
    hand.press(page, "Publish")
    hand.told(page, "Published as")
    look(window, f"/queues/{one(page, 'queue', USUAL['queue'])}/messages")
    expect(page.get_by_text("A long line.")).to_be_visible()


def test_an_action_that_is_refused(window: Window) -> None:
    look(window, f"/instances/terminate?id={one(window.page, 'instance', 'q=db-1')}", 409)
    expect(window.page.get_by_text("is protected from termination")).to_be_visible()


def test_a_private_key(window: Window) -> None:
    page = window.page
    page.goto("/key-pairs/new")
    page.get_by_label("Name", exact=True).fill("looked-at")
    hand.press(page, "Create key pair")
    expect(page.get_by_role("heading", name="Private key")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert window.complaints == []


def test_the_page_that_asks_to_sign_in(browser: Browser, console: OwnConsole) -> None:
    # without motion: half-way from one theme to the other, colours are no theme's
    context = browser.new_context(base_url=console.url, reduced_motion="reduce")
    context.add_init_script(path=AXE)
    complaints = Complaints()
    complaints.attend(context)
    look(Window(context.new_page(), complaints), "/instances", 401)
    context.close()

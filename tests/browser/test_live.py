"""A list stays open while its resources change underneath."""

from __future__ import annotations

import re
from typing import Any

import boto3
import pytest
from botocore.config import Config
from playwright.sync_api import BrowserContext, Locator, Page, Request, expect

from scripts.own_console import OwnConsole
from tests.browser import hand
from tests.browser.conftest import LONG

REFRESH_SECONDS = "5"
MANY = 60
LIST = "/volumes?q=tag%3Alive&per_page=25&page=2&sort=name"
# Marks are taken away by the next change; this keeps what was marked.
OBSERVER = """
window.marked = new Set();
new MutationObserver((seen) => {
  for (const { target } of seen) {
    if (!target.classList.contains("changed")) continue;
    const row = target.closest("tr");
    marked.add(`${target.tagName} ${row.querySelector("th").textContent}`);
  }
}).observe(document, { subtree: true, attributeFilter: ["class"] });
"""


@pytest.fixture(scope="module")
def ec2(console: OwnConsole) -> Any:
    """The sandbox as AWS's own library sees it, with many volumes in it."""
    client = boto3.client(
        "ec2",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{console.sandbox_port}",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(proxies={}),
    )
    for number in range(MANY):
        make(client, f"live-{number:02}")
    console.advance(LONG)
    return client


def make(client: Any, name: str) -> str:
    """Create a volume of that name; returns its id."""
    tags = [{"Key": "Name", "Value": name}, {"Key": "live", "Value": "yes"}]
    made = client.create_volume(
        AvailabilityZone="us-east-1a",
        Size=1,
        VolumeType="gp3",
        TagSpecifications=[{"ResourceType": "volume", "Tags": tags}],
    )
    return str(made["VolumeId"])


def id_of(client: Any, name: str) -> str:
    """The id of the volume of that name."""
    found = client.describe_volumes(Filters=[{"Name": "tag:Name", "Values": [name]}])
    return str(found["Volumes"][0]["VolumeId"])


def head_of(page: Page, name: str) -> Locator:
    """The row whose name is exactly that."""
    return page.locator("#rows > tr").filter(has=page.get_by_role("link", name=name, exact=True))


def open_list(page: Page) -> None:
    """Open page 2 of the list, with all volumes known."""
    page.goto(LIST)
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"({MANY})")
    expect(hand.rows(page)).to_have_count(25)
    expect(head_of(page, "live-30")).to_contain_text("available")


def test_everything_stays_where_it_was_while_rows_come_change_and_go(page: Page, ec2: Any) -> None:
    open_list(page)
    page.evaluate(OBSERVER)
    page.evaluate("window.kept = true")
    hand.tick(page, "live-30")
    page.locator("#facet-state > summary").click()
    box = page.get_by_role("combobox", name="Filter").or_(
        page.get_by_role("searchbox", name="Filter")
    )
    # typed as by a person who is interrupted; a click would close the menu
    box.focus()
    box.press("End")
    box.press_sequentially(" and unfinished")
    page.locator("#facet-state").evaluate("menu => { menu.open = true }")
    page.locator("#scroll").evaluate("table => table.scrollTo(20, 250)")  # live-26 is above
    row = head_of(page, "live-38")
    before = row.bounding_box()
    caret = box.evaluate("input => input.selectionStart")

    for name in ("live-26b", "live-39b"):
        make(ec2, name)
    ec2.create_tags(
        Resources=[id_of(ec2, "live-37")], Tags=[{"Key": "Name", "Value": "live-37 changed"}]
    )
    ec2.delete_volume(VolumeId=id_of(ec2, "live-41"))

    expect(head_of(page, "live-39b")).to_be_visible()
    expect(head_of(page, "live-37 changed")).to_be_visible()
    expect(head_of(page, "live-41")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"({MANY + 1})")
    assert page.evaluate("window.kept")
    expect(head_of(page, "live-30").get_by_role("checkbox")).to_be_checked()
    expect(page.get_by_text(", 1 ticked")).to_be_visible()
    assert page.locator("#facet-state").get_attribute("open") is not None
    expect(box).to_be_focused()
    expect(box).to_have_value("tag:live and unfinished")
    assert box.evaluate("input => input.selectionStart") == caret
    expect(page.get_by_role("link", name="Page 2")).to_have_attribute("aria-current", "page")
    after = row.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 2, "the rows have moved under the reader's eyes"
    assert abs(before["x"] - after["x"]) < 2
    marked = set(page.evaluate("[...marked]"))
    assert {"TR live-39b", "TH live-37 changed"} <= marked
    assert "TR live-30" not in marked
    expect(page.locator("#announce")).to_have_text(re.compile(r"^Volumes: .*\d (new|changed)"))


def test_what_had_the_focus_and_goes_leaves_it_to_the_table(page: Page, ec2: Any) -> None:
    page.goto("/volumes?q=tag%3Alive&per_page=25&sort=-name")
    last = head_of(page, f"live-{MANY - 1:02}")
    last.get_by_role("checkbox").focus()
    ec2.delete_volume(VolumeId=id_of(ec2, f"live-{MANY - 1:02}"))
    expect(last).to_have_count(0)
    expect(page.locator("#scroll")).to_be_focused()


def test_a_hidden_page_does_not_ask_and_catches_up_when_it_is_shown(page: Page, ec2: Any) -> None:
    page.clock.install(time=0)
    page.clock.pause_at(1000)  # no time passes but what the test lets pass
    page.goto("/volumes")
    polls: list[str] = []

    def note(request: Request) -> None:
        if "hx-request" in request.headers:
            polls.append(request.url)

    page.on("request", note)
    show(page, hidden=True)
    page.clock.run_for(60_000)
    assert polls == []
    age = page.locator("#age time")
    expect(age).to_have_text(re.compile("^1 min ago$"))
    expect(page.locator("#age")).to_have_class(re.compile(r"\bold\b"))
    with page.expect_response(lambda answer: "/volumes" in answer.url):
        show(page, hidden=False)
    expect(age).to_have_text(re.compile(r"^\d+ s ago$"))
    assert len(polls) == 1


def show(page: Page, *, hidden: bool) -> None:
    """Tell the page that it is hidden, or shown, as another tab's coming to the front does."""
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_columns_are_moved_in_the_menu_and_shown_in_that_order(page: Page, ec2: Any) -> None:
    page.goto("/volumes")
    page.locator("#columns > summary").click()
    menu = page.locator("#columns-form")
    menu.get_by_role("button", name="Size: up").click()
    expect(menu.get_by_role("button", name="Size: up")).to_be_focused()
    menu.get_by_role("checkbox", name="Encrypted").uncheck()
    menu.get_by_role("textbox", name="And the tag").fill("live")
    menu.get_by_role("button", name="Show these").click()
    heads = page.locator("#table thead th")
    expect(heads.nth(3)).to_have_text("Size")
    expect(heads.last).to_have_text("live")
    expect(page.locator("#table thead")).not_to_contain_text("Encrypted")
    page.goto("/volumes")
    expect(heads.last).to_have_text("live")
    page.locator("#columns > summary").click()
    menu.get_by_role("button", name="Reset").click()
    expect(page.locator("#table thead")).not_to_contain_text("live")


def test_a_page_of_what_was_deleted_meanwhile_says_so(context: BrowserContext) -> None:
    mine, theirs = context.new_page(), context.new_page()
    mine.goto("/rules/new")
    mine.get_by_label("Name", exact=True).fill("short-lived")
    hand.press(mine, "Make the rule")
    expect(mine.get_by_role("heading", level=1)).to_have_text("short-lived")
    theirs.goto(f"{mine.url}/delete")
    hand.press(theirs, "Delete the rule")
    hand.told(theirs, "The rule short-lived is deleted.")
    mine.bring_to_front()
    expect(mine.get_by_role("heading", level=1)).to_have_text("There is no such rule")

"""A rule is made in the browser; from then on nobody does anything, and the message comes."""

from __future__ import annotations

import re
from typing import Any

import boto3
import pytest
from botocore.config import Config
from playwright.sync_api import Page, expect

from scripts.own_console import OwnConsole
from tests.browser import hand
from tests.browser.conftest import LONG

REFRESH_SECONDS = "5"


@pytest.fixture(scope="module")
def made(console: OwnConsole) -> str:
    """A snapshot that somebody's script has just made, and that no list knows yet."""
    ec2: Any = boto3.client(
        "ec2",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{console.sandbox_port}",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(proxies={}),
    )
    tags = [{"Key": "Backup", "Value": "nightly"}]
    snapshot = ec2.create_snapshot(
        VolumeId=ec2.describe_volumes()["Volumes"][0]["VolumeId"],
        TagSpecifications=[{"ResourceType": "snapshot", "Tags": tags}],
    )
    return str(snapshot["SnapshotId"])


def test_a_rule_is_tried_out_while_it_is_typed(page: Page) -> None:
    page.goto("/rules/new")
    caught = page.get_by_role("complementary", name="What it would have caught")
    expect(caught).to_contain_text("of the last 30 days")
    box = page.get_by_label("Filter", exact=True)
    with hand.no_reload(page):
        box.fill("speed = 3")
        expect(caught).to_contain_text("There is no column 'speed'")
        box.fill("tag:Name = web-1")
        expect(caught).to_contain_text(re.compile(r"1 snapshot\s+of the last 30 days"))
        page.get_by_label("Kind", exact=True).select_option("instance")
        expect(page.get_by_role("checkbox", name="terminated")).to_be_visible()
        expect(caught).to_contain_text("1 instance fits")
        expect(box).to_have_value("tag:Name = web-1")


def test_a_rule_begins_from_a_list(page: Page) -> None:
    page.goto("/snapshots?q=tag:Backup%20=%20nightly")
    page.locator("#views > summary").click()
    page.get_by_role("link", name="Make a rule of this filter").click()
    expect(page.get_by_label("Filter", exact=True)).to_have_value("tag:Backup = nightly")


def test_a_message_arrives_by_a_rule_alone(page: Page, console: OwnConsole, made: str) -> None:
    page.goto("/rules/new?filter=tag:Backup%20=%20nightly")
    page.get_by_label("Name", exact=True).fill("Nightly backups")
    topic = page.get_by_label("Topic", exact=True)
    heard = topic.locator("option").filter(has_text="snapshots-done").first
    topic.select_option(value=str(heard.get_attribute("value")))
    hand.press(page, "Make the rule")
    hand.told(page, "The rule Nightly backups is made.")
    row = page.get_by_role("row").filter(has_text=made)
    expect(row).to_contain_text("Waiting", ignore_case=True)
    console.advance(LONG)
    expect(row).to_contain_text("Completed", ignore_case=True)
    expect(row).to_contain_text("Sent", ignore_case=True)
    hand.go_to(page, "Queues")
    hand.row(page, "ops-inbox").get_by_role("link", name="ops-inbox", exact=True).click()
    hand.act(page, "Look at messages")
    expect(page.get_by_role("main")).to_contain_text(made)

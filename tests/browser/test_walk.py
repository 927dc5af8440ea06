"""The whole walk, clicked as a person would, each test going on from the one before.

It is walked twice: with SQLite, and with PostgreSQL.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import MetaData, select

from app.db import make_engine
from scripts.own_console import OwnConsole
from tests.browser import hand
from tests.browser.conftest import LONG, SETTINGS, Complaints
from tests.databases import SORTS, Databases

REGION = "us-east-1"
ACCOUNT = "123456789012"
HALF, ALL = LONG / 2, LONG + 10  # of the time that things take in the sandbox


class Walk(dict[str, str]):
    """What earlier steps have made, by what it is."""

    def __missing__(self, key: str) -> str:
        pytest.fail(f"An earlier step has not made the {key}.")


@pytest.fixture(scope="module", params=SORTS)
def database(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """The address of the database that the console is to use."""
    with databases.new(request.param) as url:
        yield url


@pytest.fixture(scope="module")
def console(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnConsole]:
    """A running console with a fresh sandbox, and with this database."""
    chosen = {"ENCANTE_DATABASE_URL": database, "ENCANTE_SECRET_KEY": "walked" * 8}
    console = OwnConsole(tmp_path_factory.mktemp("console"), {**SETTINGS, **chosen})
    console.start()
    yield console
    console.stop()


@pytest.fixture(scope="module")
def walk(console: OwnConsole) -> Walk:
    """The ids that one step leaves for the next ones."""
    return Walk()


@pytest.fixture
def page(page: Page) -> Page:
    """The front page, opened and live: from there a person goes on."""
    page.goto("/")
    expect(page.get_by_role("heading", name="What there is")).to_be_visible()
    return page


def kept(database: str) -> str:
    """Every row of every table, and what else there is in its files."""
    engine, tables = make_engine(database), MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        rows = [row for table in tables.sorted_tables for row in connection.execute(select(table))]
    engine.dispose()
    path = Path(engine.url.database or "")
    files = path.parent.glob(f"{path.name}*") if engine.dialect.name == "sqlite" else ()
    return "\n".join([*map(str, rows), *(file.read_text(errors="replace") for file in files)])


def test_the_link_signs_in_once(browser: Browser, console: OwnConsole) -> None:
    link = console.link()
    first, second = browser.new_context().new_page(), browser.new_context().new_page()
    first.goto(link)
    expect(first.get_by_role("heading", name="What there is")).to_be_visible()
    assert "token" not in first.url
    second.goto(link)
    expect(second.get_by_text("This link has been used")).to_be_visible()
    second.goto(f"{console.url}/instances")
    expect(second.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(second.get_by_role("navigation", name="Kinds of resources")).to_have_count(0)
    first.context.close()
    second.context.close()


def test_the_front_page_tells_what_there_is_and_where_this_is(page: Page) -> None:
    instances = page.get_by_role("region", name="Instances", exact=True)
    expect(instances.get_by_role("link", name="7 instances")).to_be_visible()
    expect(instances.get_by_role("listitem").filter(has_text="running")).to_contain_text("6")
    expect(instances.get_by_role("listitem").filter(has_text="stopped")).to_contain_text("1")
    snapshots = page.get_by_role("region", name="Snapshots", exact=True)
    expect(snapshots.get_by_role("listitem").filter(has_text="error")).to_contain_text("1")
    expect(hand.box(page, "Changing now")).to_contain_text("db-1-data weekly")
    expect(hand.box(page, "Open watches")).to_contain_text("Nobody waits")
    where = hand.box(page, "Where this is")
    expect(where).to_contain_text("Sandbox")
    expect(where).to_contain_text(ACCOUNT)
    expect(where).to_contain_text("us-east-1, eu-central-1")
    expect(where).to_contain_text(f"arn:aws:iam::{ACCOUNT}:user/sandbox")
    snapshots.get_by_role("link", name="error").click()
    expect(hand.rows(page)).to_have_count(1)


def test_a_public_image_is_found_by_owner_name_architecture_and_root_device(
    page: Page, walk: Walk
) -> None:
    hand.go_to(page, "Images (AMIs)")
    page.get_by_role("link", name="Public", exact=True).click()
    page.get_by_label("Owner").select_option("Canonical (Ubuntu)")
    page.get_by_label("Name").fill("ubuntu-noble")
    page.get_by_label("Architecture").select_option("x86_64")
    page.get_by_label("Root device type").select_option("ebs")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("(1)")
    found = page.get_by_role("row").filter(has_text="ubuntu-noble-24.04-amd64")
    expect(found).to_contain_text("x86_64")
    walk["public image"] = found.get_by_role("link").first.inner_text()
    found.get_by_role("link", name="Launch").click()
    expect(page.get_by_label("Image", exact=True)).to_have_value(walk["public image"])


def test_an_instance_is_launched_with_a_key_pair_made_in_place(
    page: Page, walk: Walk, console: OwnConsole
) -> None:
    page.goto(f"/instances/new?image_id={walk['public image']}&region={REGION}")
    page.get_by_label("Instance type").fill("t3.sm")
    offered = page.locator("#instance_type-list option[value='t3.small']")
    expect(offered).to_have_attribute("label", re.compile("2 vCPU.*2 GiB"))
    page.get_by_label("Instance type").fill("t3.small")
    page.get_by_label("Name", exact=True).fill("walk-1")
    page.get_by_label("Make a new one").check()
    page.get_by_label("Name of the new key pair").fill("walk-key")
    page.get_by_label("Availability zone").select_option("us-east-1a")
    page.get_by_label("default (sg-").check()
    page.get_by_label("Size of the root volume").fill("12")
    page.get_by_label("Type of the root volume").select_option("gp3")
    hand.add_tag(page, "team", "walk")
    page.locator("summary").filter(has_text="User data").click()
    page.get_by_label("User data").fill('#!/bin/sh\necho "hello" > /etc/motd\n')
    code = hand.code(page)
    expect(code).to_contain_text('KeyName="walk-key"')
    expect(code).to_contain_text('"Key": "team"')
    expect(code).to_contain_text('"VolumeSize": 12')
    expect(code).to_contain_text("/etc/motd")
    code.get_by_role("radio", name="AWS CLI").check()
    expect(code.get_by_text("aws ec2 run-instances")).to_be_visible()
    page.get_by_role("main").get_by_role("button", name="Check", exact=True).click()
    expect(code.get_by_text("The check passed").first).to_be_visible()

    hand.press(page, "Launch")
    expect(page.get_by_role("heading", name="Private key")).to_be_visible()
    expect(page.get_by_text("This is shown once")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download walk-key.pem").click()
    assert download.value.suggested_filename == "walk-key.pem"
    private = Path(download.value.path()).read_text()
    assert "PRIVATE KEY-----" in private
    walk["private key"] = private.splitlines()[1]
    with hand.led_on(page):
        page.get_by_role("link", name="Go on").click()

    walk["instance"] = hand.last_part(page)
    hand.state(page, "pending")
    with hand.no_reload(page):
        console.advance(ALL)
        hand.state(page, "running")
    expect(hand.fact(page, "Type")).to_have_text("t3.small")
    expect(hand.fact(page, "Key pair")).to_have_text("walk-key")
    expect(hand.box(page, "Tags")).to_contain_text("walk-1")
    hand.go_to(page, "Instances")
    expect(hand.row(page, "walk-1")).to_contain_text("running")


def test_the_private_key_is_seen_never_again_and_kept_nowhere(
    page: Page, walk: Walk, console: OwnConsole, database: str
) -> None:
    hand.go_to(page, "Key pairs")
    hand.row(page, "walk-key").get_by_role("link", name="walk-key").click()
    expect(hand.box(page, "Instances launched with it")).to_contain_text("walk-1")
    assert "PRIVATE KEY" not in page.content()
    written = kept(database)
    assert "PRIVATE KEY" not in written
    assert walk["private key"] not in written
    assert walk["instance"] in written


def test_an_image_is_made_of_the_instance(page: Page, walk: Walk, console: OwnConsole) -> None:
    hand.find(page, walk["instance"])
    hand.act(page, "Create image")
    page.get_by_label("Image name").fill("lj_test")
    page.get_by_label("Description").fill("Made on the walk")
    expect(page.get_by_text("it is down for a minute")).to_be_visible()
    expect(page.get_by_text("half-written")).to_be_visible()
    page.get_by_label("Do not reboot").check()
    expect(hand.code(page)).to_contain_text("NoReboot=True")
    hand.add_tag(page, "team", "walk")
    hand.press(page, "Create image")
    walk["image"] = hand.last_part(page)
    hand.state(page, "pending")
    snapshots = hand.box(page, "Snapshots")
    expect(snapshots).to_contain_text("pending")
    with hand.no_reload(page):
        console.advance(ALL)
        hand.state(page, "available")
        expect(snapshots).to_contain_text("completed")
    walk["image's snapshot"] = snapshots.get_by_role("link").first.inner_text()


def test_two_to_five_protected_ones_are_launched_and_it_is_told_how_many_came(
    page: Page, walk: Walk, console: OwnConsole
) -> None:
    hand.find(page, walk["image"])
    hand.act(page, "Launch instances")
    # of 16 vCPU each: the account's limit leaves room for fewer than five
    page.get_by_label("Instance type").fill("m5.4xlarge")
    page.get_by_label("Minimum").fill("2")
    page.get_by_label("Maximum").fill("5")
    page.get_by_label("Existing key pair").select_option("walk-key")
    page.get_by_label("Availability zone").select_option("us-east-1b")
    page.get_by_label("Protect from termination").check()
    expect(hand.code(page)).to_contain_text("MinCount=2")
    expect(hand.code(page)).to_contain_text("DisableApiTermination=True")
    hand.press(page, "Launch")
    hand.told(page, re.compile(r"2 to 5 asked for, \d launched"))
    said = page.get_by_role("region", name="Notifications").inner_text()
    came = re.findall(r"i-[0-9a-f]+", said)
    assert 2 <= len(came) < 5
    assert f"{len(came)} launched" in said
    expect(hand.rows(page)).to_have_count(len(came))
    for instance in came:
        expect(hand.row(page, instance)).to_contain_text("pending")
    with hand.no_reload(page):
        console.advance(ALL)
        for instance in came:
            expect(hand.row(page, instance)).to_contain_text("running")
    walk["protected instance"], walk["how many came"] = came[0], str(len(came))


def test_a_filter_by_image_and_state_can_be_passed_on(
    page: Page, walk: Walk, browser: Browser, cookies: Any
) -> None:
    hand.go_to(page, "Instances")
    hand.filter_by(page, f"image_id = {walk['image']}")
    hand.facet(page, "State", "running")
    expect(hand.rows(page)).to_have_count(int(walk["how many came"]))
    other = browser.new_context(storage_state=cookies)
    elsewhere = other.new_page()
    elsewhere.goto(page.url)
    expect(hand.rows(elsewhere)).to_have_count(int(walk["how many came"]))
    expect(hand.row(elsewhere, walk["protected instance"])).to_be_visible()
    other.close()


def test_a_protected_instance_is_terminated_only_after_the_protection_is_off(
    page: Page, walk: Walk, console: OwnConsole
) -> None:
    hand.go_to(page, "Instances")
    hand.tick(page, walk["protected instance"])
    hand.act(page, "Terminate")
    refusal = f"{walk['protected instance']} is protected from termination"
    expect(page.get_by_text(refusal)).to_be_visible()
    expect(page.get_by_role("button", name="Terminate")).to_have_count(0)
    with hand.led_on(page):
        page.get_by_role("link", name="Take the protection off").click()
    hand.press(page, "Take protection off")
    hand.told(page, "termination protection is off")

    expect(page.get_by_role("heading", level=1)).to_contain_text("Terminate")
    expect(page.get_by_role("main")).to_contain_text(walk["protected instance"])
    expect(hand.box(page, "What goes with it")).to_contain_text("Deleted with them (1) vol-")
    hand.press(page, "Terminate")
    hand.state(page, "shutting-down")
    with hand.no_reload(page):
        console.advance(ALL)
        hand.state(page, "terminated")
    hand.refused(page, "Terminate", "terminated already")


def test_start_stop_and_reboot_are_offered_in_the_states_that_allow_them(
    page: Page, walk: Walk, console: OwnConsole
) -> None:
    hand.find(page, walk["instance"])
    hand.refused(page, "Start", "only a stopped one can be started")
    hand.act(page, "Reboot")
    hand.press(page, "Reboot")
    hand.told(page, "reboot asked for")
    hand.act(page, "Stop")
    expect(page.get_by_text("EBS volumes stay")).to_be_visible()
    hand.press(page, "Stop")
    hand.state(page, "stopping")
    with hand.no_reload(page):
        console.advance(ALL)
        hand.state(page, "stopped")
    hand.refused(page, "Stop", "only a running one can be stopped")
    hand.refused(page, "Reboot", "only a running one can be rebooted")
    hand.act(page, "Start")
    hand.press(page, "Start")
    hand.state(page, "pending")
    with hand.no_reload(page):
        console.advance(ALL)
        hand.state(page, "running")


def test_an_instance_store_backed_one_cannot_be_stopped_and_the_reason_is_given(
    page: Page,
) -> None:
    hand.go_to(page, "Instances")
    hand.row(page, "legacy-batch").get_by_role("link", name="legacy-batch").click()
    hand.refused(page, "Stop", "is an instance store, which does not outlast a stop")


def test_only_what_changed_of_the_tags_is_sent(page: Page, walk: Walk, console: OwnConsole) -> None:
    hand.find(page, walk["instance"])
    with hand.led_on(page):
        page.get_by_role("link", name="Edit tags").first.click()
    hand.tag_row(page, "Name").get_by_role("textbox", name="Value").fill("lj_instance")
    hand.tag_row(page, "team").get_by_role("button", name="Remove this tag").click()
    hand.add_tag(page, "role", "web")
    hand.press(page, "Save tags")
    hand.told(page, "The tags are saved")
    expect(page.get_by_role("heading", level=1)).to_have_text("lj_instance")
    tags = hand.box(page, "Tags")
    expect(tags).to_contain_text("role")
    expect(tags).not_to_contain_text("team")

    with hand.led_on(page):
        hand.box(page, "Volumes").get_by_role("link", name="vol-").click()
    walk["volume"] = hand.last_part(page)
    with hand.led_on(page):
        page.get_by_role("link", name="Edit tags").first.click()
    hand.tag_row(page, "Name").get_by_role("textbox", name="Value").fill("lj_volume")
    code = hand.code(page)
    expect(code).to_contain_text('"Value": "lj_volume"')
    expect(code).not_to_contain_text('"Key": "team"')
    console.sandbox("calls", method="DELETE")
    hand.press(page, "Save tags")
    hand.told(page, "The tags are saved")
    sent = console.sandbox("calls")["by_operation"]
    assert sent["CreateTags"] == 1
    assert "DeleteTags" not in sent


def test_a_snapshot_is_made_with_a_topic_made_in_place_and_a_warning(
    page: Page, walk: Walk
) -> None:
    hand.go_to(page, "Volumes")
    hand.filter_by(page, "tag:Name = lj_volume")
    expect(hand.rows(page)).to_have_count(1)
    hand.tick(page, walk["volume"])
    hand.act(page, "Create snapshot")
    expect(page.get_by_label("Volume", exact=True)).to_have_value(walk["volume"])
    expect(page.get_by_label("Description")).to_have_value("lj_volumeSnap")
    page.get_by_label("Copy the volume's tags").check()
    hand.add_tag(page, "purpose", "walk")
    code = hand.code(page)
    expect(code).to_contain_text('"Key": "team"')
    page.get_by_label("By a topic that exists").check()
    page.get_by_label("Topic", exact=True).select_option(label="alerts in us-east-1, 0 confirmed")
    expect(code).to_contain_text("alerts has no confirmed subscription")
    page.get_by_label("By a new topic").check()
    page.get_by_label("Name of the new topic").fill("lj_topic")
    expect(code).to_contain_text("A new topic has no subscription")
    expect(code).to_contain_text("create_topic")
    hand.press(page, "Create snapshot")
    hand.told(page, "nobody is told until there is a confirmed subscription")
    walk["snapshot"] = hand.last_part(page)
    walk["topic"] = f"arn:aws:sns:{REGION}:{ACCOUNT}:lj_topic"
    hand.state(page, "pending")
    expect(hand.box(page, "Tags")).to_contain_text("purpose")
    with hand.led_on(page):
        hand.box(page, "Watches").get_by_role("link", name="w-").click()
    walk["watch"] = hand.last_part(page)
    hand.state(page, "waiting")
    expect(page.get_by_text("has no confirmed subscription")).to_be_visible()
    expect(hand.fact(page, "Polled")).to_contain_text(re.compile("[1-9][0-9]* times"))


def test_a_mail_subscription_counts_when_its_token_is_pasted(
    page: Page, walk: Walk, console: OwnConsole
) -> None:
    open_topic(page)
    expect(page.get_by_text("Nobody is told")).to_be_visible()
    subscribe(page, "email", "ops@example.com")
    hand.told(page, "was asked to confirm")
    table = page.get_by_role("region", name="Subscriptions")
    expect(table.get_by_role("row", name="ops@example.com")).to_contain_text("pending confirmation")
    mails = console.sandbox("mailbox")["mails"]
    mail = next(each for each in reversed(mails) if each["to"] == "ops@example.com")
    table.get_by_role("link", name="Confirm ops@example.com").click()
    page.get_by_label("Token, or the whole link").fill(mail["link"])
    hand.press(page, "Confirm")
    hand.told(page, "The subscription is confirmed")
    expect(table.get_by_role("row", name="ops@example.com")).not_to_contain_text("pending")
    expect(page.get_by_text("Nobody is told")).to_have_count(0)


def test_a_queue_that_is_subscribed_is_given_the_policy_that_it_needs(
    page: Page, walk: Walk
) -> None:
    hand.go_to(page, "Queues")
    page.get_by_role("link", name="Create queue").click()
    page.get_by_label("Name", exact=True).fill("lj_queue")
    hand.press(page, "Create queue")
    hand.told(page, "Queue lj_queue is made")
    walk["queue"] = hand.fact(page, "ARN").inner_text()

    open_topic(page)
    hand.act(page, "Subscribe")
    page.get_by_label("Protocol").select_option("sqs")
    page.get_by_label("Endpoint").fill(walk["queue"])
    expect(hand.code(page)).to_contain_text("set_queue_attributes")
    hand.press(page, "Subscribe")
    hand.told(page, "is subscribed")
    table = page.get_by_role("region", name="Subscriptions")
    expect(table.get_by_role("row", name="lj_queue")).to_contain_text("confirmed")


def test_a_test_message_arrives_in_the_queue(page: Page, walk: Walk) -> None:
    open_topic(page)
    hand.act(page, "Publish a message")
    page.get_by_label("Subject").fill("Is anybody there?")
    page.get_by_label("Message", exact=True).fill("A test on the walk.")
    hand.press(page, "Publish")
    hand.told(page, "Published as ")
    message = page.get_by_role("region", name="Notifications").inner_text()
    assert re.search(r"[0-9a-f-]{36}", message)
    look_into_queue(page)
    expect(hand.box(page, "Is anybody there?")).to_contain_text("A test on the walk.")


def test_the_snapshot_completes_on_the_screen_and_its_message_tells_everything(
    page: Page, walk: Walk, console: OwnConsole
) -> None:
    hand.find(page, walk["snapshot"])
    hand.state(page, "pending")
    with hand.no_reload(page):
        console.advance(HALF)
        expect(hand.fact(page, "Progress")).to_contain_text(re.compile("[1-9][0-9]?%"))
        console.advance(ALL)
        hand.state(page, "completed")
        expect(hand.fact(page, "Progress")).to_contain_text("100%")
        expect(hand.box(page, "Watches")).to_contain_text("completed")
    hand.box(page, "Watches").get_by_role("link", name=walk["watch"]).click()
    notice = hand.box(page, "Notice: Snapshot done")
    expect(notice).to_contain_text("sent")
    expect(hand.fact(page, "SNS message id")).to_have_text(re.compile("[0-9a-f-]{36}"))
    expect(hand.fact(page, "Tries")).to_have_text("1")
    expect(hand.fact(page, "Polled")).to_contain_text(re.compile("[1-9][0-9]* times"))
    events = hand.box(page, "What happened")
    for text in ("State: pending → completed", walk["snapshot"]):
        expect(events).to_contain_text(text)
    identity = hand.fact(page, "Notice id").inner_text()

    look_into_queue(page)
    message = hand.box(page, "Snapshot done")
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    for line in (
        f"Snapshot: {walk['snapshot']}",
        f"Volume: {walk['volume']} \\(lj_volume\\)",
        "Description: lj_volumeSnap",
        f"Started: {moment}",
        f"Completed: {moment}",
        "Outcome: completed",
        "Size: 12 GiB",
        f"Region: {REGION}",
        f"Account: {ACCOUNT}",
        f"Notice: {identity}",
    ):
        expect(message).to_contain_text(re.compile(line))
    mails = [mail["subject"] for mail in console.sandbox("mailbox")["mails"]]
    assert mails.count("Snapshot done") == 1


def test_a_message_goes_out_once_although_the_console_was_killed_in_between(
    page: Page, walk: Walk, console: OwnConsole, complaints: Complaints
) -> None:
    console.advance(20)
    hand.find(page, walk["volume"])
    hand.act(page, "Create snapshot")
    page.get_by_label("Description").fill("over a restart")
    page.get_by_label("By a topic that exists").check()
    page.get_by_label("Topic", exact=True).select_option(label="lj_topic in us-east-1, 2 confirmed")
    hand.press(page, "Create snapshot")
    hand.told(page, "You will be told")
    snapshot = hand.last_part(page)
    hand.state(page, "pending")
    with hand.no_reload(page):
        console.stop(signal.SIGKILL)
        expect(page.get_by_role("alert")).to_contain_text("Encante does not answer")
        console.start()
        expect(page.get_by_role("alert")).to_have_count(0)
        hand.state(page, "pending")
        console.advance(ALL)
        hand.state(page, "completed")
        expect(hand.box(page, "Watches")).to_contain_text("completed")
    complaints.forgive("ERR_CONNECTION_REFUSED", "Failed to fetch")  # while it was killed
    hand.go_to(page, "Watches")
    expect(page.get_by_role("row").filter(has_text=snapshot)).to_contain_text("sent")
    look_into_queue(page)
    expect(page.get_by_text(f"Snapshot: {snapshot}")).to_have_count(1)
    mails = [mail["message"] for mail in console.sandbox("mailbox")["mails"]]
    assert len([text for text in mails if f"Snapshot: {snapshot}" in text]) == 1


def test_a_watch_can_be_put_on_a_snapshot_that_is_already_pending(
    page: Page, walk: Walk, console: OwnConsole
) -> None:
    hand.find(page, walk["volume"])
    hand.act(page, "Create snapshot")
    page.get_by_label("Description").fill("watched later")
    hand.press(page, "Create snapshot")
    snapshot = hand.last_part(page)
    hand.act(page, "Notify me")
    page.get_by_label("Topic", exact=True).select_option(label="lj_topic in us-east-1, 2 confirmed")
    hand.press(page, "Watch")
    hand.told(page, "is being watched")
    hand.state(page, "waiting")
    with hand.no_reload(page):
        console.advance(ALL)
        hand.state(page, "completed")
        expect(hand.box(page, "Notice: Snapshot done")).to_contain_text("sent")
    look_into_queue(page)
    expect(page.get_by_text(f"Snapshot: {snapshot}")).to_have_count(1)


def test_a_subscription_ends_when_asked_to(page: Page) -> None:
    open_topic(page)
    table = page.get_by_role("region", name="Subscriptions")
    table.get_by_role("link", name="Unsubscribe ops@example.com").click()
    hand.press(page, "Unsubscribe")
    hand.told(page, "The subscription is ended")
    expect(table.get_by_role("row", name="ops@example.com")).to_have_count(0)


def test_a_volume_is_made_from_the_snapshot_attached_and_detached(
    page: Page, walk: Walk, console: OwnConsole
) -> None:
    hand.find(page, walk["snapshot"])
    hand.act(page, "Create volume")
    expect(page.get_by_label("Snapshot", exact=True)).to_have_value(walk["snapshot"])
    expect(page.get_by_label("Size (GiB)")).to_have_value("12")
    page.get_by_label("Size (GiB)").fill("20")
    page.get_by_label("Availability zone").select_option("us-east-1a")
    page.get_by_label("Volume type").select_option("gp3")
    page.get_by_label("IOPS").fill("4000")
    page.get_by_label("Throughput").fill("200")
    page.get_by_label("Encrypt").check()
    hand.add_tag(page, "Name", "lj_restored")
    hand.press(page, "Create volume")
    hand.state(page, "creating")
    with hand.no_reload(page):
        console.advance(ALL)
        hand.state(page, "available")
    for title, value in (("Size", "20 GiB"), ("IOPS", "4,000"), ("Encrypted", "Yes")):
        expect(hand.fact(page, title)).to_have_text(value)

    hand.act(page, "Attach")
    page.get_by_label("Instance").select_option(walk["instance"])
    page.get_by_label("Device").fill("/dev/sdf")
    hand.press(page, "Attach")
    hand.state(page, "attaching")
    with hand.no_reload(page):
        console.advance(ALL)
        hand.state(page, "in-use")
    expect(hand.box(page, "Attached to")).to_contain_text("lj_instance")
    hand.refused(page, "Delete", "Detach it first")

    hand.act(page, "Detach")
    expect(page.get_by_text("Unmount it there first")).to_be_visible()
    hand.press(page, "Detach")
    hand.state(page, "detaching")
    with hand.no_reload(page):
        console.advance(ALL)
        hand.state(page, "available")


def test_a_snapshot_that_an_image_uses_is_not_deleted_and_the_way_on_is_told(
    page: Page, walk: Walk, console: OwnConsole
) -> None:
    hand.find(page, walk["snapshot"])
    hand.act(page, "Register image")
    page.get_by_label("Image name").fill("lj_registered")
    hand.press(page, "Register image")
    walk["registered image"] = hand.last_part(page)
    console.advance(ALL)
    hand.state(page, "available")
    expect(hand.box(page, "Snapshots")).to_contain_text(walk["snapshot"])

    hand.find(page, walk["snapshot"])
    expect(hand.box(page, "Images that use it")).to_contain_text("lj_registered")
    hand.act(page, "Delete")
    expect(page.get_by_text("Deregister an image that uses a snapshot first")).to_be_visible()
    hand.press(page, "Delete")
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("InvalidSnapshot.InUse")
    expect(problem).to_contain_text(walk["registered image"])


def test_an_image_is_deregistered_together_with_its_snapshots(page: Page, walk: Walk) -> None:
    hand.find(page, walk["registered image"])
    hand.act(page, "Deregister")
    page.get_by_label("Delete their snapshots too").check()
    expect(hand.code(page)).to_contain_text("delete_snapshot")
    hand.press(page, "Deregister")
    hand.told(page, "1 snapshot deleted")
    expect(hand.row(page, "lj_registered")).to_have_count(0)
    hand.go_to(page, "Snapshots")
    expect(hand.row(page, walk["snapshot"])).to_have_count(0)
    expect(hand.row(page, walk["image's snapshot"])).to_have_count(1)


def open_topic(page: Page) -> None:
    """Open the walk's topic from the list."""
    hand.go_to(page, "Topics")
    hand.row(page, "lj_topic").get_by_role("link", name="lj_topic", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("lj_topic")


def subscribe(page: Page, protocol: str, endpoint: str) -> None:
    """Subscribe an endpoint on a topic's page."""
    hand.act(page, "Subscribe")
    page.get_by_label("Protocol").select_option(protocol)
    page.get_by_label("Endpoint").fill(endpoint)
    hand.press(page, "Subscribe")


def look_into_queue(page: Page) -> None:
    """Look at the messages in the walk's queue."""
    hand.go_to(page, "Queues")
    hand.row(page, "lj_queue").get_by_role("link", name="lj_queue", exact=True).click()
    hand.act(page, "Look at messages")
    expect(page.get_by_role("heading", level=1)).to_have_text("Messages in lj_queue")

"""From a script's snapshot to the message, without anybody doing anything: by a rule alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import boto3
from sqlalchemy import delete

from app.aws.under_way import UNDER_WAY
from app.sandbox import clock
from app.watches.tables import paces
from tests.web.browser import Browser
from tests.web.conftest import Aws

REGION = "us-east-1"


def script(aws: Aws, service: str) -> Any:
    """AWS's own library, as somebody else's script uses it."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        REGION,
        endpoint_url=aws.url,
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )


def make_rule(browser: Browser, **more: Any) -> None:
    """A rule that tells the topic to which a queue is subscribed."""
    topics = browser.house.inventory.all("topic")
    heard = next(row.id for row in topics if row.cells.get("confirmed"))
    page = browser.fill("/rules/new", **{"name": "Mine", "topic_arn": heard, **more})
    assert page.status == 303, page.words


def work(browser: Browser, until: Callable[[], object]) -> None:
    """Minute by minute the background does what is due, until that has had its effect."""
    for _ in range(300):
        with browser.house.engine.begin() as connection:
            connection.execute(delete(paces).where(paces.c.name.startswith("look:")))
        browser.wait(400)
        if until():
            return
        time.sleep(0.1)
    raise AssertionError("it has had no effect")


def messages(aws: Aws, browser: Browser) -> list[str]:
    """What has arrived in the queue since one looked last."""
    url = browser.house.inventory.all("queue")[0].description["QueueUrl"]
    sqs = script(aws, "sqs")
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for one in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    return [json.loads(one["Body"])["Message"] for one in found]


def snapshot(aws: Aws, number: int, **tags: str) -> str:
    """A script makes a snapshot of one of the volumes."""
    ec2 = script(aws, "ec2")
    volume = ec2.describe_volumes()["Volumes"][number]["VolumeId"]
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    made = ec2.create_snapshot(
        VolumeId=volume, TagSpecifications=[{"ResourceType": "snapshot", "Tags": pairs}]
    )
    return str(made["SnapshotId"])


def test_a_message_comes_of_what_a_script_has_made(browser: Browser, aws: Aws) -> None:
    make_rule(browser, filter="tag:Backup = nightly")
    browser.wait()
    made, other = snapshot(aws, 0, Backup="nightly"), snapshot(aws, 1, Backup="weekly")
    work(browser, browser.house.watches.list)
    clock.advance(600)
    arrived: list[str] = []
    work(browser, lambda: _more(arrived, messages(aws, browser)))
    [message] = arrived
    assert made in message
    page = browser.open("/rules")
    rule = browser.open(next(link for link in page.links if "/rules/rule-" in link))
    assert made in rule.words
    assert other not in rule.words


def test_a_message_comes_each_time_that_an_instance_stops(browser: Browser, aws: Aws) -> None:
    make_rule(browser, kind="instance", filter="tag:Name = web-1", outcomes=["stopped"])
    browser.wait()
    ec2 = script(aws, "ec2")
    one = next(row for row in browser.house.inventory.all("instance") if row.name == "web-1").id
    watches = browser.house.watches
    work(browser, lambda: [w.aws_state for w in watches.list("waiting")] == ["running"])
    for number in (1, 2):
        ec2.stop_instances(InstanceIds=[one])
        clock.advance(600)
        work(browser, lambda: len(_sent(browser)) == number)  # noqa: B023
        ec2.start_instances(InstanceIds=[one])
        work(browser, lambda: watches.count("waiting"))
        clock.advance(600)
        work(browser, lambda: [w.aws_state for w in watches.list("waiting")] == ["running"])
    assert len(_sent(browser)) == 2


def _sent(browser: Browser) -> set[str]:
    """What SNS has called the messages that it took."""
    notices = [notice for watch in browser.house.watches.list() for notice in watch.notices]
    return {notice.sns_message_id for notice in notices if notice.state == "sent"}


def _more(held: list[str], new: list[str]) -> list[str]:
    held += new
    return held


def test_what_is_under_way_is_read_by_its_state(browser: Browser, aws: Aws) -> None:
    ec2 = script(aws, "ec2")
    zone = ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
    volume = ec2.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
    row = next(row for row in browser.house.inventory.all("instance") if row.name == "web-1")
    image = ec2.create_image(InstanceId=row.id, Name="mine")["ImageId"]
    of_it = [each["Ebs"]["VolumeId"] for each in row.description["BlockDeviceMappings"]]
    volumes = [each["VolumeId"] for each in ec2.describe_volumes()["Volumes"]]
    number = next(place for place, each in enumerate(volumes) if each not in (*of_it, volume))
    pending = snapshot(aws, number)
    clients = browser.house.accounts.clients(row.account)
    read = {
        kind: [one[f"{kind.capitalize()}Id"] for one in each.read(clients, REGION, row.account)]
        for kind, each in UNDER_WAY.items()
    }
    assert pending in read["snapshot"]
    assert (read["volume"], read["image"]) == ([volume], [image])
    # of instances all: one that runs again is on its way to being stopped again
    assert row.id in read["instance"]

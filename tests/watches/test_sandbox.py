"""Real requests over the wire: watches against the sandbox, with its faults."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import db
from app.aws import queues, snapshots, topics
from app.aws.call import Call
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.sandbox import clock
from app.sandbox.server import start_in_thread
from app.sandbox.settings import SandboxSettings
from app.watches import Watches, WatchView
from app.watches.claims import LEASE
from tests.accounts import one_account

ACCOUNT = "333344445555"
REGION = "us-east-1"
TOPIC_REGION = "eu-central-1"  # not the snapshot's: it is published in its own
TOPIC = f"arn:aws:sns:{TOPIC_REGION}:{ACCOUNT}:backups"
QUEUE = f"arn:aws:sqs:{TOPIC_REGION}:{ACCOUNT}:inbox"


class Walk:
    """A console on the sandbox: real clients, and a clock that the test moves."""

    def __init__(self, url: str, engine: Engine) -> None:
        self.url = url
        self.clients = Clients(url)
        self.now = db.now()
        accounts = one_account(ACCOUNT, [REGION], self.clients)
        self.watches = Watches(engine, accounts, clock=lambda: self.now)

    def run(self, call: Call) -> dict[str, Any]:
        return call.run(self.clients)

    def fault(self, fault: str, operation: str) -> None:
        body = json.dumps({"fault": fault, "operation": operation, "count": 1}).encode()
        headers = {"Content-Type": "application/json"}
        asked = urllib.request.Request(f"{self.url}/_sandbox/faults", body, headers)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            assert answer.status == 201

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)
        while self.watches.poll(self.now) or self.watches.send(self.now):
            pass

    def intend(self, volume: str, request_id: str) -> str:
        return self.watches.intend(
            kind="snapshot",
            request_id=request_id,
            account=ACCOUNT,
            region=REGION,
            source_id=volume,
            source_name="lj_volume",
            description="lj_volumeSnap",
            topic_arn=TOPIC,
            outcomes=["completed", "failed", "vanished"],
            actor="me",
        )

    def create_snapshot(self, volume: str, request_id: str) -> Call:
        return snapshots.create_snapshot(REGION, volume, "lj_volumeSnap", {}, request_id)

    def view(self, watch_id: str) -> WatchView:
        view = self.watches.get(watch_id)
        assert view is not None
        return view

    def delivered(self) -> list[dict[str, Any]]:
        """What has arrived in the queue, each taken out once."""
        url = self.run(Call("sqs", "GetQueueUrl", TOPIC_REGION, {"QueueName": "inbox"}))
        parameters = {**url, "MaxNumberOfMessages": 10}
        answer = self.run(Call("sqs", "ReceiveMessage", TOPIC_REGION, parameters))
        messages = answer.get("Messages", [])
        for one in messages:
            handle = {**url, "ReceiptHandle": one["ReceiptHandle"]}
            self.run(Call("sqs", "DeleteMessage", TOPIC_REGION, handle))
        return [json.loads(one["Body"]) for one in messages]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    handle = start_in_thread(SandboxSettings(port=0, account_id=ACCOUNT, seed=False))
    yield handle.url
    handle.stop()


@pytest.fixture
def walk(url: str, engine: Engine) -> Iterator[Walk]:
    walk = Walk(url, engine)
    yield walk
    clock.reset()


@pytest.fixture
def volume(walk: Walk) -> str:
    walk.run(topics.create_topic(TOPIC_REGION, "backups"))
    walk.run(queues.create_queue(QUEUE))
    (queue,) = queues.LISTING.read(walk.clients, TOPIC_REGION, ACCOUNT, [QUEUE])
    walk.run(queues.let_topic_send(queue, TOPIC))
    walk.run(topics.subscribe(TOPIC, "sqs", QUEUE))
    parameters = {"AvailabilityZone": f"{REGION}a", "Size": 8, "VolumeType": "gp3"}
    made = walk.run(Call("ec2", "CreateVolume", REGION, parameters))
    clock.advance(60)
    return str(made["VolumeId"])


def test_the_message_reaches_the_queue(walk: Walk, volume: str) -> None:
    watch = walk.intend(volume, "r-walk")
    walk.watches.bind(watch, walk.run(walk.create_snapshot(volume, "r-walk")))
    walk.later(seconds=5)
    assert (walk.view(watch).state, walk.view(watch).aws_state) == ("waiting", "pending")
    clock.advance(60)
    walk.later(seconds=5)
    view = walk.view(watch)
    (message,) = walk.delivered()
    (notice,) = view.notices
    assert message["Subject"] == "Snapshot done"
    assert message["MessageId"] == notice.sns_message_id
    assert message["MessageAttributes"]["notice_id"]["Value"] == notice.id
    assert f"Snapshot: {view.resource_id}\nVolume: {volume} (lj_volume)\n" in message["Message"]
    assert "Started: 20" in message["Message"]
    assert "Outcome: completed\nSize: 8 GiB\n" in message["Message"]


def test_a_snapshot_whose_answer_is_lost_is_found_and_told_of(walk: Walk, volume: str) -> None:
    watch = walk.intend(volume, "r-lost")
    call = walk.create_snapshot(volume, "r-lost")
    walk.fault("drop_reply", "CreateSnapshot")
    with pytest.raises(AwsError, match="ConnectionClosed"):
        Call(call.service, call.operation, call.region, call.parameters).run(walk.clients)
    clock.advance(60)
    walk.later(seconds=31)
    assert walk.view(watch).state == "completed"
    assert len(walk.delivered()) == 1


def test_a_lost_answer_of_publish_repeats_the_same_notice(walk: Walk, volume: str) -> None:
    watch = walk.intend(volume, "r-twice")
    walk.watches.bind(watch, walk.run(walk.create_snapshot(volume, "r-twice")))
    clock.advance(60)
    walk.fault("drop_reply", "Publish")
    walk.later(seconds=5)
    assert walk.view(watch).notices[0].uncertain == 1
    walk.later(seconds=LEASE.total_seconds())
    (notice,) = walk.view(watch).notices
    assert notice.state == "sent"
    attributes = [one["MessageAttributes"]["notice_id"]["Value"] for one in walk.delivered()]
    assert attributes == [notice.id] * 2


def test_a_failing_snapshot_is_told_of_with_its_reason(walk: Walk, volume: str) -> None:
    watch = walk.intend(volume, "r-fail")
    walk.fault("fail_snapshot", "CreateSnapshot")
    walk.watches.bind(watch, walk.run(walk.create_snapshot(volume, "r-fail")))
    clock.advance(60)
    walk.later(seconds=5)
    (message,) = walk.delivered()
    assert message["Subject"] == "Snapshot failed"
    assert "State message: " in message["Message"]
    assert "AWS gave no reason" not in message["Message"]


def test_a_topic_that_is_gone_keeps_the_notice_until_it_is_back(walk: Walk, volume: str) -> None:
    watch = walk.intend(volume, "r-gone")
    walk.watches.bind(watch, walk.run(walk.create_snapshot(volume, "r-gone")))
    walk.run(topics.delete_topic(TOPIC))
    clock.advance(60)
    walk.later(seconds=5)
    (notice,) = walk.view(watch).notices
    assert (notice.state, notice.error_code) == ("waiting", "NotFound")
    walk.run(topics.create_topic(TOPIC_REGION, "backups"))
    walk.run(topics.subscribe(TOPIC, "sqs", QUEUE))
    walk.later(minutes=15)
    assert walk.view(watch).notices[0].state == "sent"
    assert len(walk.delivered()) == 1

"""Events hurry the poll: against the sandbox, over the wire, with a poll that waits for hours."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import db
from app.aws import events, snapshots
from app.aws.call import Call
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.sandbox import clock
from app.sandbox.server import start_in_thread
from app.sandbox.settings import SandboxSettings
from app.watches import Pacing, Watches, WatchView
from tests.accounts import one_account

ACCOUNT = "555566667777"
REGION = "us-east-1"
THERE = (ACCOUNT, REGION, events.NAME)
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:backups"
OUTCOMES = ("completed", "failed", "vanished")
HOURS = 3 * 3600.0


class Walk:
    """A console on the sandbox that polls every few hours, with a clock that the test moves."""

    def __init__(self, url: str, engine: Engine) -> None:
        self.url = url
        self.clients = Clients(url)
        self.engine = engine
        self.now = db.now()
        self.watches = self.console()

    def console(self) -> Watches:
        """One more process of the console."""
        accounts = one_account(ACCOUNT, [REGION], self.clients)
        return Watches(self.engine, accounts, pacing=Pacing(HOURS), clock=lambda: self.now)

    def run(self, call: Call) -> dict[str, Any]:
        return call.run(self.clients)

    def set_up(self) -> str:
        """Make rule and queue, and hear it; the queue's URL."""
        url = str(self.run(events.create_queue(*THERE))["QueueUrl"])
        self.run(events.put_rule(*THERE))
        self.run(events.put_target(*THERE))
        self.watches.event_queues.add(
            account=ACCOUNT,
            region=REGION,
            queue_url=url,
            queue_arn=events.queue_arn(*THERE),
            rule_name=events.NAME,
        )
        return url

    def say(self, url: str, *bodies: str) -> None:
        """Put messages into the queue by hand: garbage, or what somebody has forged."""
        sqs = self.clients.client("sqs", REGION, "safe")
        for body in bodies:
            sqs.send_message(QueueUrl=url, MessageBody=body)

    def left(self, url: str) -> int:
        """How many messages the queue has, seen or not."""
        asked = {"QueueUrl": url, "AttributeNames": ["All"]}
        found = self.run(Call("sqs", "GetQueueAttributes", REGION, asked))["Attributes"]
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return sum(int(found[name]) for name in names)

    def watch(self, request_id: str = "r-1") -> str:
        """A watch on a snapshot that is pending, polled once and then for hours no more."""
        parameters = {"AvailabilityZone": f"{REGION}a", "Size": 8, "VolumeType": "gp3"}
        volume = str(self.run(Call("ec2", "CreateVolume", REGION, parameters))["VolumeId"])
        clock.advance(60)
        found = self.run(snapshots.create_snapshot(REGION, volume, "", {}, request_id))
        watch_id = self.watches.watch(
            kind="snapshot",
            account=ACCOUNT,
            region=REGION,
            found=found,
            source_name="",
            topic_arn=TOPIC,
            outcomes=OUTCOMES,
            actor="me",
        )
        self.poll()
        return watch_id

    def poll(self) -> None:
        while self.watches.poll(self.now):
            pass

    def hear(self, watches: Watches | None = None) -> bool:
        """Let what is told be heard."""
        return any((watches or self.watches).hurry(self.now) for _ in range(20))

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    def view(self, watch_id: str) -> WatchView:
        view = self.watches.get(watch_id)
        assert view is not None
        return view

    def fault(self, fault: str, operation: str) -> None:
        body = json.dumps({"fault": fault, "operation": operation, "count": 1}).encode()
        asked = urllib.request.Request(f"{self.url}/_sandbox/faults", body)
        with urllib.request.urlopen(asked, timeout=5) as answer:
            assert answer.status == 201


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    handle = start_in_thread(SandboxSettings(port=0, account_id=ACCOUNT, seed=False))
    yield handle.url
    handle.stop()


@pytest.fixture
def walk(url: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Walk]:
    monkeypatch.setattr(events, "WAIT_SECONDS", 1)
    walk = Walk(url, engine)
    yield walk
    walk.watches.stop()
    clock.reset()
    for call in (
        events.remove_target(*THERE),
        events.delete_rule(*THERE),
        events.delete_queue(*THERE, f"{url}/{ACCOUNT}/{events.NAME}"),
    ):
        try:
            walk.run(call)
        except AwsError as error:
            assert error.trouble == "missing"  # noqa: PT017 - the test did not make it


def test_a_snapshot_that_is_completed_is_polled_at_once(walk: Walk) -> None:
    url = walk.set_up()
    watch = walk.watch()
    assert not walk.watches.poll(walk.now)
    clock.advance(60)
    assert walk.hear()
    walk.poll()
    assert walk.view(watch).state == "completed"
    (queue,) = walk.watches.event_queues.all()
    assert queue.messages >= 1
    assert queue.heard_at == walk.now
    assert walk.left(url) == 0

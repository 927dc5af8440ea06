"""A console that hears events from a sandbox, and polls by itself only every few hours."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from app import db
from app.aws import events, snapshots
from app.aws.call import Call
from app.aws.clients import Clients
from app.sandbox import clock
from app.watches import EventQueue, Pacing, Watches, WatchView
from tests.accounts import one_account

ACCOUNT = "555566667777"
REGION = "us-east-1"
THERE = (ACCOUNT, REGION, events.NAME)
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:backups"
OUTCOMES = ("completed", "failed", "vanished")
HOURS = 3 * 3600.0


def told_of(*ids: str, told: str = events.TOLD[0]) -> str:
    """An event about resources, as anybody could write it who may send to the queue."""
    return json.dumps({"detail-type": told, "resources": list(ids), "detail": {}})


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
        self.add(url)
        return url

    def add(self, url: str, region: str = REGION, account: str = ACCOUNT) -> None:
        """Hear the queue that is at ``url``."""
        self.watches.event_queues.add(
            account=account,
            region=region,
            queue_url=url,
            queue_arn=events.queue_arn(account, region, events.NAME),
            rule_name=events.NAME,
        )

    def queue(self) -> EventQueue:
        """The queue as its page shows it."""
        (queue,) = self.watches.event_queues.all()
        return queue

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

    def hear_until(self, ready: Callable[[], bool], *others: Watches) -> bool:
        """Hear, in other consoles too, until it is so; whether anything was told."""
        told = False
        for _ in range(30):
            if ready():
                return told
            for watches in (self.watches, *others):
                told = watches.hurry(self.now) or told
        raise AssertionError("it does not come to that")

    def drain(self, url: str, *others: Watches) -> bool:
        """Let everything be heard that is in the queue; whether it told anything."""
        return self.hear_until(lambda: not self.left(url), *others)

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    def view(self, watch_id: str) -> WatchView:
        view = self.watches.get(watch_id)
        assert view is not None
        return view

    def fault(self, fault: str, operation: str) -> None:
        body = json.dumps({"fault": fault, "operation": operation, "count": 1}).encode()
        asked = urllib.request.Request(f"{self.url}/_sandbox/faults", body)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            assert answer.status == 201

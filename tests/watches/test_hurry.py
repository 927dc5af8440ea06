"""Events hurry the poll: against the sandbox, over the wire, with a poll that waits for hours."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from app.aws import events
from app.aws.call import Call
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.resources import AWAITED
from app.sandbox import clock
from app.sandbox.server import start_in_thread
from app.sandbox.settings import SandboxSettings
from tests.watches.hearing import ACCOUNT, OUTCOMES, REGION, THERE, TOPIC, Walk, told_of


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
    queue = walk.queue()
    assert queue.messages >= 1
    assert (queue.heard_at, queue.error) == (walk.now, "")
    assert walk.left(url) == 0


def test_a_snapshot_that_fails_is_polled_at_once(walk: Walk) -> None:
    walk.set_up()
    walk.fault("fail_snapshot", "CreateSnapshot")
    watch = walk.watch()
    clock.advance(60)
    assert walk.hear()
    walk.poll()
    assert walk.view(watch).state == "failed"


def test_a_forged_event_makes_aws_be_asked_and_nothing_else(walk: Walk) -> None:
    url = walk.set_up()
    watch = walk.watch()
    before = walk.view(watch)
    walk.say(url, told_of(before.resource_id or ""))
    assert walk.hear()
    walk.poll()
    after = walk.view(watch)
    assert (after.state, after.aws_state, after.polls) == ("waiting", "pending", before.polls + 1)


@pytest.mark.parametrize(
    "body",
    [
        "hello",
        "{}",
        told_of("snap-00000000000000000"),
        told_of("i-0123456789abcdef0", told="EC2 Something Else"),
        "\N{DOLPHIN}" * 1000,
    ],
    ids=range(5),
)
def test_what_tells_nothing_is_taken_off_and_counted(walk: Walk, body: str) -> None:
    url = walk.set_up()
    walk.say(url, *[body] * 3)
    assert not walk.drain(url)
    assert walk.queue().messages == 3


def test_another_regions_watch_is_not_hurried(walk: Walk) -> None:
    url = walk.set_up()
    watch = walk.view(walk.watch())
    other = walk.watches.watch(
        kind="snapshot",
        account=ACCOUNT,
        region="eu-central-1",
        found={"SnapshotId": watch.resource_id, "VolumeId": "vol-1", "State": "pending"},
        source_name="",
        topic_arn=TOPIC,
        outcomes=OUTCOMES,
        actor="me",
    )
    walk.poll()
    polls = walk.view(other).polls
    walk.say(url, told_of(watch.resource_id or ""))
    assert walk.hear()
    walk.poll()
    assert walk.view(other).polls == polls


def test_what_was_told_is_asked_about_once_more_if_it_still_waits(walk: Walk) -> None:
    """The event may come before AWS's answers show it."""
    url = walk.set_up()
    walk.say(url, told_of(walk.view(walk.watch()).resource_id or ""))
    assert walk.hear()
    walk.poll()
    walk.later(seconds=2.9)
    assert not walk.watches.hurry(walk.now)
    assert not walk.watches.poll(walk.now)
    walk.later(seconds=0.2)
    assert walk.watches.hurry(walk.now)
    assert walk.watches.poll(walk.now)
    walk.later(seconds=10)
    assert not walk.watches.hurry(walk.now)
    assert not walk.watches.poll(walk.now)


def test_a_clock_that_steps_back_does_not_keep_the_second_look_waiting(walk: Walk) -> None:
    url = walk.set_up()
    walk.say(url, told_of(walk.view(walk.watch()).resource_id or ""))
    assert walk.hear()
    walk.later(hours=-2)
    assert walk.watches.hurry(walk.now)


def test_a_message_that_could_not_be_taken_off_comes_again_and_does_no_harm(walk: Walk) -> None:
    url = walk.set_up()
    watch = walk.watch()
    clock.advance(60)
    walk.fault("error", "DeleteMessageBatch")
    assert not walk.hear_until(lambda: bool(walk.queue().error))
    assert walk.queue().error.startswith("InternalError")
    assert walk.left(url) > 0
    walk.poll()
    view = walk.view(watch)
    assert (view.state, len(view.notices)) == ("completed", 1)


def test_two_consoles_may_hear_the_same_queue(walk: Walk) -> None:
    url = walk.set_up()
    watches = [walk.watch(f"r-{number}") for number in range(3)]
    other = walk.console()
    clock.advance(60)
    walk.left(url)  # the sandbox sees that they are completed
    walk.drain(url, other)
    while walk.watches.poll(walk.now) or other.poll(walk.now):
        pass
    other.stop()
    assert {walk.view(watch).state for watch in watches} == {"completed"}


def test_a_queue_that_is_gone_is_told_of_and_tried_less_and_less_often(walk: Walk) -> None:
    url = walk.set_up()
    walk.run(events.delete_queue(*THERE, url))
    delays = []
    for _ in range(12):
        walk.hear_until(lambda: not walk.watches.event_queues.due(walk.now))
        queue = walk.queue()
        assert queue.error.startswith("QueueDoesNotExist")
        assert queue.again_at is not None
        delays.append((queue.again_at - walk.now).total_seconds())
        walk.now = queue.again_at
    assert delays[0] <= 2
    assert delays[4] > 10
    assert max(delays) <= 120


def test_a_queue_that_is_back_is_heard_again(walk: Walk) -> None:
    walk.set_up()
    walk.fault("error", "ReceiveMessage")
    walk.hear_until(lambda: bool(walk.queue().error))
    walk.later(seconds=3)
    walk.hear_until(lambda: not walk.queue().error)
    assert walk.queue().again_at is None


def test_an_account_that_this_console_has_no_more_is_told_of(walk: Walk) -> None:
    walk.add(f"{walk.url}/999999999999/{events.NAME}", account="999999999999")
    assert not walk.watches.hurry(walk.now)
    assert walk.queue().error.startswith("UnknownAccount")


def test_a_queue_that_is_to_be_heard_no_more_is_not(walk: Walk) -> None:
    walk.set_up()
    walk.watches.event_queues.remove(ACCOUNT, REGION)
    clock.advance(60)
    assert not walk.watches.hurry(walk.now)
    assert walk.watches.event_queues.all() == []


def test_trouble_of_a_queue_that_was_removed_meanwhile_is_nobodys(walk: Walk) -> None:
    walk.set_up()
    queue = walk.queue()
    walk.watches.event_queues.remove(ACCOUNT, REGION)
    assert walk.watches.event_queues.troubled(queue, "late", walk.now) == 0
    assert not walk.watches.event_queues.told(queue, ["snap-0123456789abcdef0"], 1, walk.now)
    assert walk.watches.event_queues.all() == []


def test_after_a_stop_nothing_more_is_heard(walk: Walk) -> None:
    url = walk.set_up()
    walk.watches.stop()
    walk.say(url, "hello")
    assert not walk.watches.hurry(walk.now)
    assert walk.left(url) == 1


def test_a_silent_queue_keeps_no_other_waiting(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = threading.Event()

    def hear(clients: Clients, region: str, url: str) -> list[Any]:
        if region == "eu-central-1":
            assert heard.wait(20)
        return []

    monkeypatch.setattr(events, "hear", hear)
    walk.add(f"{walk.url}/silent", "eu-central-1")
    walk.watches.hurry(walk.now)  # is waiting from now on
    monkeypatch.undo()
    url = walk.set_up()
    walk.say(url, told_of(walk.view(walk.watch()).resource_id or ""))
    try:
        assert walk.hear()
    finally:
        heard.set()


@pytest.fixture
def volume(walk: Walk) -> str:
    parameters = {"AvailabilityZone": f"{REGION}a", "Size": 8, "VolumeType": "gp3"}
    return str(walk.run(Call("ec2", "CreateVolume", REGION, parameters))["VolumeId"])


def test_a_volume_that_is_available_is_polled_at_once(walk: Walk, volume: str) -> None:
    walk.set_up()
    (found,) = AWAITED["volume"].listing.read(walk.clients, REGION, ACCOUNT, [volume])
    watch = walk.watches.watch(
        kind="volume",
        account=ACCOUNT,
        region=REGION,
        found=found,
        source_name="",
        topic_arn=TOPIC,
        outcomes=["available"],
        actor="me",
    )
    walk.poll()
    clock.advance(60)
    assert walk.hear()
    walk.poll()
    assert walk.view(watch).state == "available"


def test_more_queues_than_are_heard_at_a_time_take_turns(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[str] = []

    def hear(clients: Clients, region: str, url: str) -> list[Any]:
        turns.append(region)
        return []

    monkeypatch.setattr("app.watches.hurry.EARS", 1)
    monkeypatch.setattr(events, "hear", hear)
    for region in ("us-east-1", "us-east-2", "us-west-1"):
        walk.add(f"{walk.url}/{region}", region)
    for _ in range(6):
        walk.watches.hurry(walk.now)
        walk.later(seconds=1)
    assert turns == ["us-east-1", "us-east-2", "us-west-1"] * 2

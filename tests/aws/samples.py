"""Calls of every operation that a plan can hold, filled with whatever text a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle

from app.aws import events, images, instances, key_pairs, queues, snapshots, tags, topics, volumes
from app.aws.call import Call

REGION = "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:123456789012:done"
FIFO_TOPIC = f"{TOPIC}.fifo"
QUEUE = {
    "QueueArn": f"arn:aws:sqs:{REGION}:123456789012:inbox",
    "QueueUrl": "http://127.0.0.1:4566/123456789012/inbox",
    "Attributes": {},
}

# Text that shells, Python, JSON, argparse, the CLI or a terminal could take for something else.
HOSTILE = (
    "plain",
    "-rf",
    "--",
    "--debug",
    "--region=eu-west-1",
    "file:///etc/passwd",
    "fileb:///etc/passwd",
    "http://127.0.0.1:1/",
    "https://127.0.0.1:1/",
    'it\'s "quoted" $HOME ${HOME} `id` $(id) !! \\ \\\\',
    "'; id; '",
    "two\nlines\n",
    "\n",
    "a\r\nb\rc",
    "tab\there",
    "é 日本 🐬",
    "👩\u200d🔬",
    "nul\0nul",
    "\x1b[31mred\x1b[0m\x07\x7f\x9b",
    "\u202egnp.exe",
    "a\u00a0b\u2028c\x85d",
    "=ls",
    "='ls'",
    "~/x",
    "*?[a-z]{a,b}",
    "",
    " ",
    "  spaces  ",
    "help",
    "[1, 2]",
    '["a"]',
    '{"a": "b"}',
    "{x",
    "true",
    "null",
    "-1",
    "0x10",
    "Key=a,Value=b",
    "%s%n%(x)s{0}",
    "# comment",
    '"""',
    "'''",
    "\\n",
    "ends with \\",
    "@file",
    "&& id",
    "<script>alert(1)</script>",
    "x" * 300,
)


def filled(text: Callable[[], str]) -> list[Call]:
    """One call or more of every operation that changes something, with ``text()`` in every text.

    Ids and ARNs stay as they are: they come from AWS.
    """
    return [
        *_ec2(text),
        *_sns(text),
        *_sqs(text),
        *_events(text),
    ]


def hostile(start: int = 0) -> list[Call]:
    """``filled`` with the hostile texts in turn, from the one at ``start``."""
    texts: Iterator[str] = cycle(HOSTILE[start:] + HOSTILE[:start])
    return filled(lambda: next(texts))


def _tags(text: Callable[[], str]) -> dict[str, str]:
    # SNS's client wants at least one character in a key.
    return {text() or "empty": text(), text() or "void": text(), "Name": text()}


def _name(text: Callable[[], str]) -> str:
    # EC2's client wants at least three characters in an image's name.
    return f"{text()}..."


def _ec2(text: Callable[[], str]) -> list[Call]:
    launch = instances.Launch(
        text(),
        text(),
        2,
        5,
        text(),
        key_name=text(),
        security_group_ids=[text(), text()],
        availability_zone=text(),
        disable_api_termination=True,
        user_data=text(),
        root_device=text(),
        root_volume={"VolumeSize": 9, "VolumeType": text(), "DeleteOnTermination": False},
        tags=_tags(text),
    )
    bare = instances.Launch("ami-1", "t3.micro", 1, 1, "token")
    volume = volumes.NewVolume(
        text(),
        text(),
        text(),
        8,
        text(),
        iops=3000,
        throughput=125,
        encrypted=True,
        tags=_tags(text),
    )
    root = {"SnapshotId": text(), "VolumeSize": 8, "DeleteOnTermination": True}
    return [
        instances.run_instances(REGION, launch),
        instances.run_instances(REGION, bare),
        instances.start_instances(REGION, [text()]),
        instances.stop_instances(REGION, [text(), text()]),
        instances.reboot_instances(REGION, [text(), "i-1"]),
        instances.terminate_instance(REGION, "i-1"),
        instances.set_protection(REGION, text(), True),
        instances.set_protection(REGION, text(), False),
        images.create_image(REGION, text(), _name(text), text(), True, _tags(text)),
        images.create_image(REGION, text(), _name(text), text(), False, {}),
        images.register_image(
            REGION, _name(text), text(), text(), text(), root, text(), _tags(text)
        ),
        images.deregister_image(REGION, text()),
        volumes.create_volume(REGION, volume),
        volumes.attach_volume(REGION, text(), text(), text()),
        volumes.detach_volume(REGION, text(), text()),
        volumes.detach_volume(REGION, text(), text(), force=True),
        volumes.delete_volume(REGION, text()),
        snapshots.create_snapshot(REGION, text(), text(), _tags(text), text()),
        snapshots.delete_snapshot(REGION, text()),
        key_pairs.create_key_pair(REGION, text(), text(), _tags(text)),
        key_pairs.delete_key_pair(REGION, text()),
        *tags.ec2_tag_calls(REGION, "volume", text(), {text(): "1", "gone": "2"}, _tags(text)),
    ]


def _sns(text: Callable[[], str]) -> list[Call]:
    return [
        topics.create_topic(REGION, text(), _tags(text)),
        topics.create_topic(REGION, "done.fifo"),
        topics.delete_topic(TOPIC),
        topics.subscribe(TOPIC, text(), text()),
        topics.subscribe(TOPIC, text(), text(), raw=True),
        topics.confirm_subscription(TOPIC, text()),
        topics.unsubscribe(TOPIC, text()),
        topics.publish(TOPIC, text(), text()),
        topics.publish(FIFO_TOPIC, text(), text(), text(), text()),
        *topics.topic_tag_calls(TOPIC, {text(): "1", "gone": "2"}, _tags(text)),
    ]


def _sqs(text: Callable[[], str]) -> list[Call]:
    return [
        queues.create_queue(f"arn:aws:sqs:{REGION}:123456789012:{text()}", _tags(text)),
        queues.create_queue(f"arn:aws:sqs:{REGION}:123456789012:inbox.fifo"),
        queues.let_topic_send(QUEUE, TOPIC),
        queues.receive(QUEUE),
        queues.delete_message(QUEUE, text()),
        queues.delete_queue(QUEUE),
        *queues.queue_tag_calls(QUEUE, {text(): "1", "gone": "2"}, _tags(text)),
    ]


def _events(text: Callable[[], str]) -> list[Call]:
    url = str(QUEUE["QueueUrl"])
    # A rule's and a target's names are ours: EventBridge's client wants at least one character.
    there = "123456789012", REGION
    return [
        events.create_queue(*there, _name(text)),
        events.put_rule(*there, _name(text)),
        events.put_target(*there, _name(text)),
        events.remove_target(*there, _name(text)),
        events.delete_rule(*there, _name(text)),
        events.delete_queue(*there, _name(text), url),
        events.receive(REGION, url),
        events.delete_messages(REGION, url, [text(), text()]),
    ]

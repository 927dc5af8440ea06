"""What keeps a topic's messages from arriving, as far as the inventory tells.

SNS tells a publisher nothing of it: a Publish succeeds, and the message vanishes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from app.aws import queues, topics
from app.aws.listing import Description
from app.resources.ending import dead_letters_to
from app.resources.forms import link, page_of
from app.resources.spec import Known, Row

AWS_KEY = "alias/aws/sqs"  # SNS may not use it, and nobody can permit that


@dataclass(frozen=True)
class Doubt:
    """Why messages may not arrive. ``links``: (label, address) of what may be done about it."""

    weight: Literal["warning", "info"]
    title: str
    text: str
    links: tuple[tuple[str, str], ...] = ()


def doubts(topic: Row, known: Known, accounts: Collection[str]) -> list[Doubt]:
    """What stands in the way of a topic's messages; ``accounts``: those of this console."""
    found = list(_of_confirmation(topic))
    for entry in topics.subscriptions(topic.description):
        if entry.get("Protocol") == "sqs" and _is_confirmed(entry):
            found += _of_queue(topic, str(entry.get("Endpoint", "")), known, accounts)
    settings = topic.description.get(topics.SETTINGS) or {}
    for arn, told in settings.items():
        found += _of_settings(topic, arn, told, known)
    return found


def _is_confirmed(entry: Description) -> bool:
    return str(entry.get("SubscriptionArn", "")).startswith("arn:")


def _of_confirmation(topic: Row) -> Iterator[Doubt]:
    if not topics.confirmed(topic.description):
        told = "No subscription is confirmed, so what is published here reaches nobody."
        yield Doubt("warning", "Nobody is told", told)


def _of_queue(topic: Row, arn: str, known: Known, accounts: Collection[str]) -> Iterator[Doubt]:
    queue = known.get("queue", arn)
    name = arn.rpartition(":")[2]
    if queue is None and _account(arn) not in accounts:
        told = "It belongs to an account that cannot be seen from here, and so does its policy."
        yield Doubt("info", f"Whether {name} takes messages is not known", told)
        return
    if queue is None or queue.gone:
        yield _of_absence(queue, arn)
        return
    yield from _of_permission(topic, queue, f"The queue {name} lets nothing in")
    yield from _of_encryption(queue)
    if topic.id.endswith(".fifo") and not arn.endswith(".fifo"):
        told = "The topic is FIFO, this queue is not: order, and never twice, end there."
        yield Doubt("info", f"{name} is a standard queue", told)


def _of_absence(queue: Row | None, arn: str) -> Doubt:
    name = arn.rpartition(":")[2]
    if queue is not None:
        told = f"It is subscribed, but there is no queue {arn} any more. Messages to it vanish."
        return Doubt("warning", f"The queue {name} is gone", told)
    told = (
        f"It is subscribed, but among the queues as they were last read there is no {arn}. "
        "If it was not made since, messages to it vanish."
    )
    return Doubt("warning", f"There seems to be no queue {name}", told)


def _account(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 4 else ""


def _of_permission(topic: Row, queue: Row, title: str) -> Iterator[Doubt]:
    if not queues.lets_topic_send(queue.description, topic.id):
        told = "Its policy does not let this topic send to it, so its messages vanish."
        permit = ("Let the topic send", link("/topics/permit", id=topic.id, queue=queue.id))
        yield Doubt("warning", title, told, (permit,))


def _of_encryption(queue: Row) -> Iterator[Doubt]:
    key = queue.description.get("Attributes", {}).get("KmsMasterKeyId", "")
    if key == AWS_KEY or key.endswith(f":{AWS_KEY}"):
        told = (
            "SNS may not use AWS's own key for SQS, so messages to it vanish. Encrypt the queue "
            "with a key of your own that sns.amazonaws.com may use, or with SQS's (SSE-SQS)."
        )
        yield Doubt("warning", f"{queue.name} is encrypted with {AWS_KEY}", told)
    elif key:
        told = (
            f"Messages arrive only if the policy of the key {key} lets sns.amazonaws.com do "
            "kms:GenerateDataKey* and kms:Decrypt. That cannot be seen from here."
        )
        yield Doubt("info", f"{queue.name} is encrypted", told)


def _of_settings(
    topic: Row, subscription: str, told: dict[str, str], known: Known
) -> Iterator[Doubt]:
    if told.get("FilterPolicy"):
        text = (
            "It gets only what its filter lets through. Notices have the attributes notice_id, "
            f"outcome, kind and resource_id. The filter: {told['FilterPolicy']}"
        )
        yield Doubt("info", f"The subscription {_last(subscription)} has a filter", text)
    dead = dead_letters_to(told)
    if not dead:
        return
    queue = known.get("queue", dead)
    name = dead.rpartition(":")[2]
    if queue is None or queue.gone:
        text = f"What cannot be delivered goes to {dead}, which cannot be seen from here."
        yield Doubt("info", f"The dead-letter queue {name} is not known", text)
        return
    yield from _of_permission(topic, queue, f"The dead-letter queue {name} lets nothing in")
    held = int(queue.description.get("Attributes", {}).get("ApproximateNumberOfMessages") or 0)
    if held:
        count = f"{held:,} message{'s' if held != 1 else ''}"
        text = f"The dead-letter queue {name} holds {count} that SNS could not deliver."
        look = ("Look at the queue", page_of("queues", dead))
        yield Doubt("warning", "Messages were not delivered", text, (look,))


def _last(arn: str) -> str:
    return arn.rpartition(":")[2]

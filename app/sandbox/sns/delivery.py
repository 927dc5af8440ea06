"""From a topic to its subscribers: queues of the account, and the mailbox for everything else."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Any

from app.sandbox import account, clock
from app.sandbox.sns import mailbox, policy


@dataclass(frozen=True)
class Message:
    """One published message, as Publish was given it."""

    id: str
    text: str
    subject: str | None
    attributes: dict[str, Any]
    group_id: str | None
    deduplication_id: str | None
    structure: str | None

    def text_for(self, protocol: str) -> str:
        """The text for one protocol, when the message is structured, else the text itself."""
        if self.structure != "json":
            return self.text
        parts = json.loads(self.text)
        return str(parts.get(protocol) or parts["default"])


def deliver(backend: Any, topic: Any, message: Message) -> None:
    """Hand the message to every confirmed subscription whose filter lets it through."""
    for subscription in list(backend.subscriptions.values()):
        if subscription.topic.arn != topic.arn or not subscription.confirmed:
            continue
        matcher = subscription._filter_policy_matcher
        if matcher is not None and not matcher.matches(message.attributes, message.text):
            continue
        if subscription.protocol == "sqs":
            _to_queue(subscription, topic, message)
        else:
            _to_mailbox(backend, subscription, message)


def _to_mailbox(backend: Any, subscription: Any, message: Message) -> None:
    text = message.text_for(subscription.protocol)
    if subscription.protocol != "email":
        text = json.dumps(_envelope(subscription, message, text), indent=2)
    mailbox.put(
        backend,
        subscription,
        {
            "type": "Notification",
            "subject": message.subject or "AWS Notification Message",
            "message": text,
            "message_id": message.id,
        },
    )


def _to_queue(subscription: Any, topic: Any, message: Message) -> None:
    """Send to the queue, or let the message vanish as AWS does when that is not possible."""
    _, _, _, region, owner, name = subscription.endpoint.split(":", 5)
    sqs = account.backend("sqs", owner, region)
    queue = sqs.queues.get(name)
    if queue is None:
        return
    if not policy.lets_topic_send(queue._policy_json, queue.queue_arn, topic.arn):
        return
    text = message.text_for("sqs")
    attributes: dict[str, Any] = {}
    if subscription.attributes.get("RawMessageDelivery") in (True, "true"):
        attributes = {name: _raw(value) for name, value in message.attributes.items()}
    else:
        text = json.dumps(_envelope(subscription, message, text), indent=2)
    if len(text) > queue.maximum_message_size:
        return
    fifo = {}
    if queue.fifo_queue:
        by_content = hashlib.sha256(message.text.encode()).hexdigest()
        fifo = {
            "group_id": message.group_id,
            "deduplication_id": message.deduplication_id or by_content,
        }
    sqs.send_message(name, text, message_attributes=attributes, **fifo)


def _raw(attribute: dict[str, Any]) -> dict[str, Any]:
    kind, value = attribute["Type"], attribute["Value"]
    if kind.startswith("Binary"):
        return {"DataType": kind, "BinaryValue": base64.b64decode(value)}
    return {"DataType": kind, "StringValue": str(value)}


def _envelope(subscription: Any, message: Message, text: str) -> dict[str, Any]:
    """SNS's JSON around a message. The signature is a made-up one: nobody can verify it."""
    region = subscription.topic.arn.split(":")[3]
    host = f"https://sns.{region}.amazonaws.com"
    envelope: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": message.id,
        "TopicArn": subscription.topic.arn,
    }
    if message.subject is not None:
        envelope["Subject"] = message.subject
    envelope |= {
        "Message": text,
        "Timestamp": clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "SignatureVersion": "1",
        "Signature": base64.b64encode(uuid.uuid4().bytes * 16).decode(),
        "SigningCertURL": f"{host}/SimpleNotificationService-{uuid.uuid4().hex}.pem",
        "UnsubscribeURL": f"{host}/?Action=Unsubscribe&SubscriptionArn={subscription.arn}",
    }
    if message.attributes:
        envelope["MessageAttributes"] = message.attributes
    return envelope

"""From a topic to its subscribers: queues of the account, and the mailbox for everything else."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from app.sandbox import account, clock
from app.sandbox.sns import mailbox, policy, web


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
            _to_queue(backend, subscription, message)
        else:
            _to_address(backend, subscription, message)


def ask_for_confirmation(backend: Any, subscription: Any) -> None:
    """Send whoever reads the address the token and the link to confirm with."""
    arn, token = subscription.topic.arn, subscription._encante_token
    link = _link(backend, Action="ConfirmSubscription", TopicArn=arn, Token=token)
    text = (
        f"You have chosen to subscribe to the topic {arn}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message."
    )
    mail = {
        "type": "SubscriptionConfirmation",
        "subject": "AWS Notification - Subscription Confirmation",
        "message": text,
        "token": token,
        "link": link,
    }
    mailbox.put(backend, subscription, mail)
    if subscription.protocol in ("http", "https"):
        body = {
            "Type": "SubscriptionConfirmation",
            "MessageId": str(uuid.uuid4()),
            "Token": token,
            "TopicArn": arn,
            "Message": text,
            "SubscribeURL": link,
            **_signed(arn),
        }
        web.send(subscription.endpoint, body, None)


def _to_address(backend: Any, subscription: Any, message: Message) -> None:
    """Into the mailbox, and to the web address where it is one of this machine."""
    text = message.text_for(subscription.protocol)
    envelope = _envelope(backend, subscription, message, text)
    mail = {
        "type": "Notification",
        "subject": message.subject or "AWS Notification Message",
        "message": text if subscription.protocol == "email" else json.dumps(envelope, indent=2),
        "message_id": message.id,
    }
    mailbox.put(backend, subscription, mail)
    if subscription.protocol in ("http", "https"):
        web.send(subscription.endpoint, envelope, subscription.arn)


def _to_queue(backend: Any, subscription: Any, message: Message) -> None:
    """Send to the queue, or let the message vanish as AWS does when that is not possible."""
    _, _, _, region, owner, name = subscription.endpoint.split(":", 5)
    sqs = account.backend("sqs", owner, region)
    queue = sqs.queues.get(name)
    if queue is None:
        return
    if not policy.lets_topic_send(queue._policy_json, queue.queue_arn, subscription.topic.arn):
        return
    text = message.text_for("sqs")
    attributes: dict[str, Any] = {}
    if subscription.attributes.get("RawMessageDelivery") in (True, "true"):
        attributes = {name: _raw(value) for name, value in message.attributes.items()}
    else:
        text = json.dumps(_envelope(backend, subscription, message, text), indent=2)
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


def _envelope(backend: Any, subscription: Any, message: Message, text: str) -> dict[str, Any]:
    """SNS's JSON around a message."""
    envelope: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": message.id,
        "TopicArn": subscription.topic.arn,
    }
    if message.subject is not None:
        envelope["Subject"] = message.subject
    envelope |= {"Message": text, **_signed(subscription.topic.arn)}
    envelope["UnsubscribeURL"] = _link(
        backend, Action="Unsubscribe", SubscriptionArn=subscription.arn
    )
    if message.attributes:
        envelope["MessageAttributes"] = message.attributes
    return envelope


def _signed(topic_arn: str) -> dict[str, str]:
    """Time and signature. The signature is a made-up one: nobody can verify it."""
    host = f"https://sns.{topic_arn.split(':')[3]}.amazonaws.com"
    return {
        "Timestamp": clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "SignatureVersion": "1",
        "Signature": base64.b64encode(uuid.uuid4().bytes * 16).decode(),
        "SigningCertURL": f"{host}/SimpleNotificationService-{uuid.uuid4().hex}.pem",
    }


def _link(backend: Any, **parameters: str) -> str:
    """A link that works at the sandbox, by the address it was last asked at."""
    return f"{backend.asked_at}/?{urlencode(parameters)}"

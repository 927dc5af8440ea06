"""The mailbox: what AWS would have sent by mail or to a web address, kept to be read.

It is a list on moto's backend, so it is saved with the account. `GET /_sandbox/mailbox` shows it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from app.sandbox import clock

KEPT = 200


def put(backend: Any, subscription: Any, mail: dict[str, Any]) -> None:
    """Add one mail to a subscription's address, and forget the oldest beyond two hundred."""
    mails: list[dict[str, Any]] = backend.__dict__.setdefault("_encante_mailbox", [])
    mails.append(
        {
            "time": clock.now().isoformat(timespec="milliseconds"),
            "protocol": subscription.protocol,
            "to": subscription.endpoint,
            "region": backend.region_name,
            "topic_arn": subscription.topic.arn,
            **mail,
        }
    )
    del mails[:-KEPT]


def put_confirmation(backend: Any, subscription: Any) -> None:
    """The mail that asks whoever reads it to confirm, with the token to do it with."""
    token = subscription._encante_token
    link = {"Action": "ConfirmSubscription", "TopicArn": subscription.topic.arn, "Token": token}
    put(
        backend,
        subscription,
        {
            "type": "SubscriptionConfirmation",
            "subject": "AWS Notification - Subscription Confirmation",
            "message": f"You have chosen to subscribe to the topic {subscription.topic.arn}. "
            "To confirm this subscription, use the token, or open the link at the sandbox.",
            "token": token,
            "link": f"/?{urlencode(link)}",
        },
    )

"""The mailbox: what AWS would have sent by mail or to a web address, kept to be read.

It is a list on moto's backend, so it is saved with the account. `GET /_sandbox/mailbox` shows it.
"""

from __future__ import annotations

from typing import Any

from app.sandbox import clock

KEPT = 200
LONGEST = 16_384


def put(backend: Any, subscription: Any, mail: dict[str, Any]) -> None:
    """Add one mail to a subscription's address; the oldest beyond two hundred are forgotten.

    A `message` longer than 16,384 characters is cut there: these are for people to look at.
    """
    mails: list[dict[str, Any]] = backend.__dict__.setdefault("_encante_mailbox", [])
    mails.append(
        {
            "time": clock.now().isoformat(timespec="milliseconds"),
            "protocol": subscription.protocol,
            "to": subscription.endpoint,
            "region": backend.region_name,
            "topic_arn": subscription.topic.arn,
            **mail,
            "message": mail["message"][:LONGEST],
        }
    )
    del mails[:-KEPT]

"""SNS topics and their subscriptions: how they are listed, and what can be done with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import botocore.session

from app.aws.call import Call
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.aws.listing import Description, Listing, Rota, in_parts
from app.aws.tags import tag_list

PROTOCOLS = (
    "email",
    "email-json",
    "http",
    "https",
    "sqs",
    "sms",
    "lambda",
    "firehose",
    "application",
)
PENDING = "PendingConfirmation"
# The parts of a topic's description. Those with _ are not read with every refresh.
OWN = "Subscriptions"  # those of the topic's own account
OTHERS = "_OtherSubscriptions"  # those of other accounts
ATTRIBUTES = "_Attributes"
TAGS = "_Tags"
SETTINGS = "_SubscriptionAttributes"  # of some of its own subscriptions, by their ARN
_MOST_SETTINGS = 10  # subscriptions of one topic whose attributes are read: a call for each
_TOLD = ("RedrivePolicy", "FilterPolicy", "RawMessageDelivery")


def region_of(arn: str) -> str:
    """The region that an ARN names."""
    return arn.split(":")[3]


def account_of(arn: str) -> str:
    """The account that an ARN names."""
    return arn.split(":")[4]


@lru_cache
def partition_of(region: str) -> str:
    """The partition (``aws``, ``aws-cn``, …) of a region."""
    partition: str | None = botocore.session.Session().get_partition_for_region(region)
    return partition or "aws"


def topic_arn(partition: str, region: str, account: str, name: str) -> str:
    """The ARN that a topic has or will have."""
    return f"arn:{partition}:sns:{region}:{account}:{name}"


class _Topics:
    """How topics are listed.

    ListSubscriptions tells the account's own subscriptions of all topics in a few calls. What
    takes calls for each topic is read in turns: attributes, tags, and the subscriptions that are
    other accounts'.
    """

    def __init__(self, rota: Rota) -> None:
        self._rota = rota

    def pages(self, clients: Clients, region: str, account: str) -> Iterator[list[Description]]:
        """Every topic; first those of which nothing more is read."""
        arns = [
            topic["TopicArn"]
            for page in Call("sns", "ListTopics", region).pages(clients)
            for topic in page.get("Topics", [])
            if topic.get("TopicArn")
        ]
        subscribed: dict[str, list[Description]] = {}
        for page in Call("sns", "ListSubscriptions", region).pages(clients):
            for entry in page.get("Subscriptions", []):
                subscribed.setdefault(entry.get("TopicArn", ""), []).append(entry)
        due = self._rota.due(region, account, arns)
        known = ({"TopicArn": arn, OWN: _ordered(subscribed.get(arn, []))} for arn in arns)
        yield from in_parts((topic for topic in known if topic["TopicArn"] not in due), 1000)
        for arns_due in in_parts((arn for arn in arns if arn in due), 10):
            yield self.read(clients, region, account, arns_due)

    def read(
        self, clients: Clients, region: str, account: str, ids: Sequence[str]
    ) -> list[Description]:
        """The topics among ``ids`` that exist, with everything."""
        found = []
        for arn in ids:
            try:
                found.append(_whole(clients, region, account, arn))
            except AwsError as error:
                if error.trouble != "missing":
                    raise
            self._rota.done(region, account, arn)
        return found


def _whole(clients: Clients, region: str, account: str, arn: str) -> Description:
    attributes = Call("sns", "GetTopicAttributes", region, {"TopicArn": arn}).run(clients)
    tags = Call("sns", "ListTagsForResource", region, {"ResourceArn": arn}).run(clients)
    listed = [
        entry
        for page in Call("sns", "ListSubscriptionsByTopic", region, {"TopicArn": arn}).pages(
            clients
        )
        for entry in page.get("Subscriptions", [])
    ]
    own = [entry for entry in listed if entry.get("Owner", account) in {account, ""}]
    return {
        "TopicArn": arn,
        OWN: _ordered(own),
        OTHERS: _ordered(entry for entry in listed if entry not in own),
        ATTRIBUTES: attributes.get("Attributes", {}),
        TAGS: sorted(tags.get("Tags", []), key=lambda tag: str(tag.get("Key"))),
        SETTINGS: dict(_settings(clients, region, _ordered(own))),
    }


def _settings(
    clients: Clients, region: str, subscribed: Iterable[Description]
) -> Iterator[tuple[str, dict[str, str]]]:
    """What becomes of what cannot be delivered, and what is filtered out, by subscription."""
    arns = [entry.get("SubscriptionArn", "") for entry in subscribed]
    for arn in [arn for arn in arns if arn.startswith("arn:")][:_MOST_SETTINGS]:
        call = Call("sns", "GetSubscriptionAttributes", region, {"SubscriptionArn": arn})
        try:
            told = call.run(clients).get("Attributes", {})
        except AwsError as error:
            # It may have gone meanwhile. Permissions that were given before this was read lack it.
            if error.trouble not in {"missing", "refused", "unsupported"}:
                raise
            continue
        yield arn, {name: told[name] for name in _TOLD if name in told}


def _ordered(subscriptions: Iterable[Description]) -> list[Description]:
    # The two ways to list them promise no common order.
    keys = ("Protocol", "Endpoint", "SubscriptionArn")
    return sorted(subscriptions, key=lambda entry: [str(entry.get(key, "")) for key in keys])


_topics = _Topics(Rota())
LISTING = Listing(_topics.pages, _topics.read)


def subscriptions(topic: Description) -> list[Description]:
    """All subscriptions of a topic that are known."""
    return [*(topic.get(OWN) or []), *(topic.get(OTHERS) or [])]


def confirmed(topic: Description) -> int:
    """How many of a topic's subscriptions are confirmed; SNS delivers only to these."""
    return sum(
        1 for entry in subscriptions(topic) if entry.get("SubscriptionArn", "").startswith("arn:")
    )


def create_topic(region: str, name: str, tags: Mapping[str, str] | None = None) -> Call:
    """Make a topic, or find the one of that name; a name ending in ``.fifo`` makes a FIFO one."""
    fifo = {"FifoTopic": "true", "ContentBasedDeduplication": "false"}
    return Call(
        "sns",
        "CreateTopic",
        region,
        {
            "Name": name,
            **({"Attributes": fifo} if name.endswith(".fifo") else {}),
            **({"Tags": tag_list(tags)} if tags else {}),
        },
        says=f"Make the topic {name}",
        makes=(
            "topic",
            "{TopicArn: TopicArn}",
            {OWN: [], TAGS: tag_list(tags or {})},
        ),
    )


def delete_topic(topic: str) -> Call:
    """Delete a topic with all its subscriptions."""
    return Call(
        "sns",
        "DeleteTopic",
        region_of(topic),
        {"TopicArn": topic},
        says=f"Delete topic {topic}",
        removes=(("topic", topic),),
        of=topic,
    )


def subscribe(topic: str, protocol: str, endpoint: str, raw: bool = False) -> Call:
    """Subscribe an endpoint to a topic; most protocols must confirm before anything is sent."""
    attributes = {"Attributes": {"RawMessageDelivery": "true"}} if raw else {}
    return Call(
        "sns",
        "Subscribe",
        region_of(topic),
        {
            "TopicArn": topic,
            "Protocol": protocol,
            "Endpoint": endpoint,
            **attributes,
            "ReturnSubscriptionArn": True,
        },
        says=f"Subscribe {endpoint} ({protocol}) to {topic}",
        touches=(("topic", topic),),
    )


def confirm_subscription(topic: str, token: str) -> Call:
    """Confirm a subscription with the token that its endpoint was sent."""
    return Call(
        "sns",
        "ConfirmSubscription",
        region_of(topic),
        {"TopicArn": topic, "Token": token},
        says=f"Confirm a subscription of {topic}",
        touches=(("topic", topic),),
    )


def unsubscribe(topic: str, subscription: str) -> Call:
    """End a subscription."""
    return Call(
        "sns",
        "Unsubscribe",
        region_of(topic),
        {"SubscriptionArn": subscription},
        says=f"End the subscription {subscription}",
        touches=(("topic", topic),),
    )


def publish(topic: str, subject: str, message: str, group: str = "", once: str = "") -> Call:
    """Publish a message; ``group`` and ``once`` (deduplication id) are for FIFO topics."""
    parameters: dict[str, Any] = {"TopicArn": topic, "Subject": subject, "Message": message}
    if group:
        parameters |= {"MessageGroupId": group, "MessageDeduplicationId": once}
    return Call(
        "sns",
        "Publish",
        region_of(topic),
        parameters,
        says=f"Publish to {topic}",
        touches=(("topic", topic),),
    )


def topic_tag_calls(topic: str, old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Call, ...]:
    """The calls that turn a topic's ``old`` tags into ``new``: only what changed is sent."""
    region = region_of(topic)
    removed = sorted(old.keys() - new.keys())
    changed = {key: value for key, value in new.items() if old.get(key) != value}
    touches = (("topic", topic),)
    calls = []
    if removed:
        calls.append(
            Call(
                "sns",
                "UntagResource",
                region,
                {"ResourceArn": topic, "TagKeys": removed},
                says=f"Remove tags from {topic}",
                touches=touches,
            )
        )
    if changed:
        calls.append(
            Call(
                "sns",
                "TagResource",
                region,
                {"ResourceArn": topic, "Tags": tag_list(changed)},
                says=f"Set tags on {topic}",
                touches=touches,
            )
        )
    return tuple(calls)

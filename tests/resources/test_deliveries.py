"""What keeps a topic's messages from arriving is told, as far as it can be seen."""

from __future__ import annotations

import json
from typing import Any

from app.db import now
from app.resources import RESOURCES
from app.resources.deliveries import Doubt, doubts
from app.resources.spec import Row

ACCOUNT, ELSEWHERE = "123456789012", "999999999999"
TOPIC = f"arn:aws:sns:eu-central-1:{ACCOUNT}:backups"
QUEUE = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:inbox"
DEAD = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:dead"
SUBSCRIPTION = f"{TOPIC}:1"


class Inventory:
    """An inventory of some queues."""

    def __init__(self, *rows: Row) -> None:
        self.rows = {row.id: row for row in rows}

    def get(self, kind: str, resource_id: str) -> Row | None:
        assert kind == "queue"
        return self.rows.get(resource_id)

    def find(self, *asked: Any, **more: Any) -> list[Row]:
        raise NotImplementedError

    def all(self, *asked: Any, **more: Any) -> list[Row]:
        raise NotImplementedError


def row(kind: str, resource_id: str, description: dict[str, Any], gone: bool = False) -> Row:
    resource = RESOURCES[kind]
    return Row(
        kind=kind,
        id=resource_id,
        name=resource_id.rpartition(":")[2],
        account=ACCOUNT,
        region="eu-central-1",
        state="",
        state_class="ok",
        tags={},
        cells={column.name: column.value(description) for column in resource.columns},
        described=lambda: description,
        seen_at=now(),
        gone=gone,
    )


def topic(*endpoints: str, arn: str = TOPIC, protocol: str = "sqs", **settings: str) -> Row:
    entries = [
        {"SubscriptionArn": f"{arn}:{number}", "Protocol": protocol, "Endpoint": endpoint}
        for number, endpoint in enumerate(endpoints, 1)
    ]
    told = {f"{arn}:1": settings} if settings else {}
    description = {"TopicArn": arn, "Subscriptions": entries, "_SubscriptionAttributes": told}
    return row("topic", arn, description)


def queue(arn: str = QUEUE, lets: str = TOPIC, gone: bool = False, **attributes: str) -> Row:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": lets}},
    }
    policy = {"Policy": json.dumps({"Statement": [statement]})} if lets else {}
    return row("queue", arn, {"QueueArn": arn, "Attributes": {**policy, **attributes}}, gone)


def told(of: Row, *queues: Row) -> list[Doubt]:
    return doubts(of, Inventory(*queues), [ACCOUNT])


def test_a_queue_that_lets_the_topic_send_gives_no_doubt() -> None:
    assert told(topic(QUEUE), queue()) == []


def test_a_topic_without_a_confirmed_subscription_tells_nobody() -> None:
    (doubt,) = told(topic())
    assert (doubt.weight, doubt.title) == ("warning", "Nobody is told")
    entry = {"SubscriptionArn": "PendingConfirmation", "Protocol": "sqs", "Endpoint": QUEUE}
    pending = row("topic", TOPIC, {"TopicArn": TOPIC, "Subscriptions": [entry]})
    assert [each.title for each in told(pending)] == ["Nobody is told"]


def test_a_queue_without_a_policy_for_the_topic_is_told_with_the_way_out() -> None:
    for lets in ("", f"{TOPIC}-other"):
        (doubt,) = told(topic(QUEUE), queue(lets=lets))
        assert doubt.title == "The queue inbox lets nothing in"
        ((label, href),) = doubt.links
        assert label == "Let the topic send"
        assert href.startswith("/topics/permit?")


def test_a_queue_that_is_gone_is_told() -> None:
    assert [each.title for each in told(topic(QUEUE), queue(gone=True))] == [
        "The queue inbox is gone"
    ]


def test_a_queue_that_was_not_read_yet_is_not_said_to_be_gone() -> None:
    (doubt,) = told(topic(QUEUE))
    assert doubt.title == "There seems to be no queue inbox"
    assert "as they were last read" in doubt.text


def test_what_another_account_has_cannot_be_seen_from_here() -> None:
    (doubt,) = told(topic(QUEUE.replace(ACCOUNT, ELSEWHERE)))
    assert doubt.weight == "info"
    assert "cannot be seen from here" in doubt.text


def test_sns_may_not_use_aws_s_own_key_of_sqs() -> None:
    (doubt,) = told(topic(QUEUE), queue(KmsMasterKeyId="alias/aws/sqs"))
    assert doubt.weight == "warning"
    (doubt,) = told(topic(QUEUE), queue(KmsMasterKeyId="arn:aws:kms:eu-central-1:1:key/2"))
    assert doubt.weight == "info"
    assert "kms:GenerateDataKey*" in doubt.text


def test_a_standard_queue_at_a_fifo_topic_is_told() -> None:
    arn = f"{TOPIC}.fifo"
    (doubt,) = told(topic(QUEUE, arn=arn), queue(lets=arn))
    assert doubt.title == "inbox is a standard queue"


def test_messages_that_a_dead_letter_queue_holds_are_counted() -> None:
    policy = json.dumps({"deadLetterTargetArn": DEAD})
    of = topic(QUEUE, RedrivePolicy=policy)
    full = queue(DEAD, ApproximateNumberOfMessages="1200")
    (doubt,) = told(of, queue(), full)
    assert "holds 1,200 messages that SNS could not deliver" in doubt.text
    assert told(of, queue(), queue(DEAD, ApproximateNumberOfMessages="0")) == []


def test_a_dead_letter_queue_that_lets_nothing_in_or_is_not_known_is_told() -> None:
    of = topic(QUEUE, RedrivePolicy=json.dumps({"deadLetterTargetArn": DEAD}))
    assert [each.title for each in told(of, queue(), queue(DEAD, lets=""))] == [
        "The dead-letter queue dead lets nothing in"
    ]
    (doubt,) = told(of, queue())
    assert "cannot be seen from here" in doubt.text


def test_a_filter_is_told() -> None:
    (doubt,) = told(topic(QUEUE, FilterPolicy='{"outcome": ["failed"]}'), queue())
    assert '{"outcome": ["failed"]}' in doubt.text


def test_a_policy_that_is_none_names_no_dead_letter_queue() -> None:
    for policy in ("no json", "[]", "{}"):
        assert told(topic(QUEUE, RedrivePolicy=policy), queue()) == []

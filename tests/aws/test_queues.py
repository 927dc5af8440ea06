"""The queue's own policy decides whether a topic can send to it; without it messages vanish."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.aws.queues import let_topic_send, lets_topic_send
from tests.aws.samples import QUEUE, TOPIC

OURS = {
    "Effect": "Allow",
    "Principal": {"Service": "sns.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": QUEUE["QueueArn"],
    "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC}},
}
# What AWS's console gives a new queue.
OWNER = {
    "Sid": "__owner_statement",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
    "Action": "SQS:*",
    "Resource": QUEUE["QueueArn"],
}


def queue(*statements: dict[str, Any], **more: Any) -> dict[str, Any]:
    policy = {"Version": "2008-10-17", "Statement": list(statements), **more}
    return {**QUEUE, "Attributes": {"Policy": json.dumps(policy)}}


def test_a_queue_without_policy_lets_nobody_send() -> None:
    assert not lets_topic_send(QUEUE, TOPIC)


def test_what_a_queues_owner_may_do_a_topic_may_not() -> None:
    assert not lets_topic_send(queue(OWNER), TOPIC)


@pytest.mark.parametrize(
    "statement",
    [
        OURS,
        {**OURS, "Action": ["sqs:ReceiveMessage", "SQS:SendMessage"]},
        {**OURS, "Principal": "*"},
        {**OURS, "Principal": {"AWS": "*"}},
        {**OURS, "Principal": {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]}},
        {**OWNER, "Principal": {"Service": "sns.amazonaws.com"}},
        {**OURS, "Resource": "*"},
        {**OURS, "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:sns:*:*:*"}}},
        {**OURS, "Condition": {"StringEquals": {"aws:SourceAccount": TOPIC.split(":")[4]}}},
        {**OURS, "Condition": {"ForAnyValue:StringLike": {"aws:SourceArn": ["x", "arn:*"]}}},
        {**OURS, "Condition": {"Bool": {"aws:SecureTransport": True}}},
        {**OURS, "Condition": {"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}},
        {**OURS, "Condition": {"StringNotEquals": {"aws:SourceAccount": "999999999999"}}},
    ],
)
def test_a_statement_for_sns_and_this_topic_lets_it_send(statement: dict[str, Any]) -> None:
    assert lets_topic_send(queue(OWNER, statement), TOPIC)


@pytest.mark.parametrize(
    "statement",
    [
        {**OURS, "Effect": "Deny"},
        {**OURS, "Action": "sqs:ReceiveMessage"},
        {**OURS, "Principal": {"Service": "events.amazonaws.com"}},
        {**OURS, "Condition": {"ArnEquals": {"aws:SourceArn": f"{TOPIC}-other"}}},
        {**OURS, "Condition": {"StringEquals": {"aws:SourceArn": "arn:aws:sns:*"}}},
        {**OURS, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
        {**OURS, "Condition": {"Odd": {"aws:SourceArn": TOPIC}}},
        {**OURS, "Resource": "arn:aws:sqs:us-east-1:123456789012:another"},
        {**OURS, "Action": "sns:*"},
    ],
)
def test_any_other_statement_does_not(statement: dict[str, Any]) -> None:
    assert not lets_topic_send(queue(statement), TOPIC)


def test_letting_a_topic_send_keeps_what_the_policy_held() -> None:
    call = let_topic_send(queue(OWNER, Id="mine"), TOPIC)
    policy = json.loads(call.parameters["Attributes"]["Policy"])
    assert policy == {"Version": "2008-10-17", "Id": "mine", "Statement": [OWNER, OURS]}
    assert lets_topic_send({**QUEUE, "Attributes": call.parameters["Attributes"]}, TOPIC)


def test_a_single_statement_may_stand_without_a_list() -> None:
    held = {**QUEUE, "Attributes": {"Policy": json.dumps({"Statement": OURS})}}
    assert lets_topic_send(held, TOPIC)


DENY = {**OURS, "Effect": "Deny", "Principal": "*"}


def test_a_refusal_that_fits_outweighs_every_permission() -> None:
    assert not lets_topic_send(queue({**DENY, "Condition": {}}, OURS), TOPIC)


def test_a_refusal_of_what_is_not_encrypted_does_not_concern_sns() -> None:
    insecure = {**DENY, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    assert lets_topic_send(queue(OURS, insecure), TOPIC)

"""Queue policies, as far as they let a topic send."""

from __future__ import annotations

from typing import Any

import pytest

from app.sandbox.sns.policy import lets_topic_send

QUEUE = "arn:aws:sqs:us-east-1:210987654321:inbox"
TOPIC = "arn:aws:sns:us-east-1:210987654321:done"


def statement(**changes: Any) -> dict[str, Any]:
    usual = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE,
        "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC}},
    }
    return {**usual, **changes}


def allows(*statements: dict[str, Any]) -> bool:
    return lets_topic_send({"Statement": list(statements)}, QUEUE, TOPIC)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Condition": {}},
        {"Principal": "*"},
        {"Principal": {"AWS": ["*"]}},
        {"Action": ["SQS:SendMessage", "SQS:ReceiveMessage"]},
        {"Action": "sqs:*"},
        {"Resource": "*"},
        {"Resource": "arn:aws:sqs:*:210987654321:in?ox"},
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:done"}}},
        {"Condition": {"StringEquals": {"AWS:SourceAccount": "210987654321"}}},
        {"Condition": {"ArnEquals": {"aws:SourceArn": ["arn:aws:sns:x", TOPIC]}}},
    ],
)
def test_a_policy_that_means_the_topic_lets_it_send(changes: dict[str, Any]):
    assert allows(statement(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"Effect": "Deny"},
        {"Principal": {"Service": "s3.amazonaws.com"}},
        {"Principal": {"AWS": "arn:aws:iam::210987654321:root"}},
        {"Action": "sqs:ReceiveMessage"},
        {"Resource": QUEUE + "-other"},
        {"Resource": "arn:aws:sqs:us-east-1:210987654321:[a-z]nbox"},
        {"Condition": {"ArnEquals": {"aws:SourceArn": TOPIC + "-other"}}},
        {"Condition": {"StringEquals": {"aws:SourceArn": "arn:aws:sns:*"}}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}}},
        {"Condition": {"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}},
        {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
    ],
)
def test_a_policy_that_means_something_else_does_not(changes: dict[str, Any]):
    assert not allows(statement(**changes))


def test_no_statement_allows_nothing():
    assert not allows()


def test_a_deny_wins_over_an_allow():
    assert not allows(statement(), statement(Effect="Deny", Condition={}))

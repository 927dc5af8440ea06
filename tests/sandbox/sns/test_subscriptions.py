"""Subscriptions: pending until confirmed, and what AWS says of them meanwhile."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Sandbox


@pytest.fixture
def topic(sns: Any) -> str:
    return str(sns.create_topic(Name="done")["TopicArn"])


def mails(sandbox: Sandbox) -> list[dict[str, Any]]:
    status, answer = sandbox.page("mailbox")
    assert status == 200
    found: list[dict[str, Any]] = answer["mails"]
    return found


def counters(sns: Any, topic: str) -> tuple[str, str]:
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    return attributes["SubscriptionsConfirmed"], attributes["SubscriptionsPending"]


@pytest.mark.parametrize(
    ("protocol", "endpoint"),
    [
        ("email", "ops@example.org"),
        ("email-json", "ops@example.org"),
        ("http", "http://example.org/hook"),
        ("https", "https://example.org/hook"),
    ],
)
def test_what_somebody_has_to_read_is_pending_until_confirmed_with_the_mailed_token(
    sandbox: Sandbox, sns: Any, topic: str, protocol: str, endpoint: str
):
    answer = sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    assert answer["SubscriptionArn"] == "pending confirmation"
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    assert counters(sns, topic) == ("0", "1")

    (mail,) = mails(sandbox)
    assert (mail["to"], mail["type"]) == (endpoint, "SubscriptionConfirmation")
    arn = sns.confirm_subscription(TopicArn=topic, Token=mail["token"])["SubscriptionArn"]

    (listed,) = sns.list_subscriptions()["Subscriptions"]
    assert listed == {
        "SubscriptionArn": arn,
        "Owner": "210987654321",
        "Protocol": protocol,
        "Endpoint": endpoint,
        "TopicArn": topic,
    }
    assert arn.startswith(topic + ":")
    assert counters(sns, topic) == ("1", "0")


def test_the_link_in_the_mail_confirms_without_signing_in(sandbox: Sandbox, sns: Any, topic: str):
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.org")
    with urllib.request.urlopen(mails(sandbox)[0]["link"], timeout=60) as answer:
        assert b"<SubscriptionArn>arn:aws:sns:" in answer.read()
    assert counters(sns, topic) == ("1", "0")


def test_a_wrong_token_confirms_nothing(sns: Any, topic: str):
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.org")
    with pytest.raises(ClientError, match="InvalidParameter"):
        sns.confirm_subscription(TopicArn=topic, Token="0" * 128)
    assert counters(sns, topic) == ("0", "1")


def test_asking_again_for_a_pending_one_sends_a_new_token_and_the_old_one_is_void(
    sandbox: Sandbox, sns: Any, topic: str
):
    for _ in range(2):
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.org")
    first, second = mails(sandbox)
    with pytest.raises(ClientError, match="InvalidParameter"):
        sns.confirm_subscription(TopicArn=topic, Token=first["token"])
    sns.confirm_subscription(TopicArn=topic, Token=second["token"])
    assert counters(sns, topic) == ("1", "0")


def test_the_real_arn_of_a_pending_one_is_told_when_asked_for(sns: Any, topic: str):
    arn = sns.subscribe(
        TopicArn=topic, Protocol="email", Endpoint="a@example.org", ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert attributes["PendingConfirmation"] == "true"
    with pytest.raises(ClientError, match="pending confirmation cannot be deleted"):
        sns.unsubscribe(SubscriptionArn=arn)


def test_the_words_pending_confirmation_are_no_arn_to_unsubscribe(sns: Any, topic: str):
    with pytest.raises(ClientError, match=r"InvalidParameter.*at least 6 elements, not 1"):
        sns.unsubscribe(SubscriptionArn="PendingConfirmation")


def test_an_unconfirmed_subscription_is_forgotten_after_two_days(
    sandbox: Sandbox, sns: Any, topic: str
):
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.org")
    sandbox.page("clock", "POST", {"advance": 48 * 3600 - 60})
    assert len(sns.list_subscriptions()["Subscriptions"]) == 1
    sandbox.page("clock", "POST", {"advance": 120})
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_a_queue_of_the_account_is_subscribed_at_once_and_can_be_unsubscribed(sns: Any, topic: str):
    queue = "arn:aws:sqs:us-east-1:210987654321:inbox"
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
    assert arn.startswith(topic + ":")
    again = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
    assert again == arn
    sns.unsubscribe(SubscriptionArn=arn)
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
    sns.unsubscribe(SubscriptionArn=arn)


def test_somebody_elses_queue_is_pending(sns: Any, topic: str):
    queue = "arn:aws:sqs:us-east-1:000000000000:inbox"
    answer = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    assert answer["SubscriptionArn"] == "pending confirmation"


@pytest.mark.parametrize(
    ("protocol", "endpoint"),
    [
        ("pigeon", "roof"),
        ("email", "no address"),
        ("http", "https://example.org"),
        ("https", "http://example.org"),
        ("sqs", "inbox"),
        ("sqs", "arn:aws:sqs:mars-north-1:210987654321:inbox"),
        ("sqs", "arn:aws:sns:us-east-1:210987654321:done"),
        ("lambda", "f"),
        ("sms", "call me"),
    ],
)
def test_an_endpoint_that_is_none_of_its_protocol_is_refused(
    sns: Any, topic: str, protocol: str, endpoint: str
):
    with pytest.raises(ClientError, match=r"\(InvalidParameter\)"):
        sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_lists_longer_than_a_page_come_whole(sns: Any, topic: str):
    for number in range(205):
        queue = f"arn:aws:sqs:us-east-1:210987654321:q{number}"
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    pages = list(sns.get_paginator("list_subscriptions").paginate())
    assert [len(page["Subscriptions"]) for page in pages] == [100, 100, 5]
    with pytest.raises(ClientError, match="NextToken"):
        sns.list_subscriptions(NextToken="tomorrow")

"""Publishing: what is checked, what is delivered, and what vanishes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Sandbox

QUEUE = "arn:aws:sqs:us-east-1:210987654321:inbox"


@pytest.fixture
def topic(sns: Any) -> str:
    return str(sns.create_topic(Name="done")["TopicArn"])


def queue(sqs: Any, name: str = "inbox", policy: dict[str, Any] | None = None, **more: str) -> str:
    attributes = dict(more)
    if policy is not None:
        attributes["Policy"] = json.dumps(policy)
    return str(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def letting(topic: str, queue_arn: str = QUEUE) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
            }
        ],
    }


def bodies(sqs: Any, url: str) -> list[str]:
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return [message["Body"] for message in answer.get("Messages", [])]


def test_a_queue_whose_policy_lets_the_topic_gets_the_message(sns: Any, sqs: Any, topic: str):
    url = queue(sqs, policy=letting(topic))
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)
    sent = sns.publish(
        TopicArn=topic,
        Subject="Snapshot done",
        Message="snap-1 is completed",
        MessageAttributes={"notice": {"DataType": "String", "StringValue": "n-1"}},
    )
    (body,) = bodies(sqs, url)
    got = json.loads(body)
    assert got["Type"] == "Notification"
    assert got["MessageId"] == sent["MessageId"]
    assert got["TopicArn"] == topic
    assert (got["Subject"], got["Message"]) == ("Snapshot done", "snap-1 is completed")
    assert got["MessageAttributes"] == {"notice": {"Type": "String", "Value": "n-1"}}


def test_without_that_policy_the_message_vanishes_and_publish_says_nothing(
    sns: Any, sqs: Any, topic: str
):
    urls = [queue(sqs), queue(sqs, "other", letting("arn:aws:sns:us-east-1:210987654321:x", "*"))]
    for name in ("inbox", "other", "gone"):
        endpoint = f"arn:aws:sqs:us-east-1:210987654321:{name}"
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint)
    assert sns.publish(TopicArn=topic, Message="m")["MessageId"]
    assert [bodies(sqs, url) for url in urls] == [[], []]


def test_setting_another_attribute_leaves_the_queues_policy_alone(sns: Any, sqs: Any, topic: str):
    url = queue(sqs, policy=letting(topic))
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0"})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)
    sns.publish(TopicArn=topic, Message="m")
    assert len(bodies(sqs, url)) == 1


def test_raw_delivery_brings_the_bare_message(sns: Any, sqs: Any, topic: str):
    url = queue(sqs, policy=letting(topic))
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=QUEUE,
        Attributes={"RawMessageDelivery": "true"},
    )
    sns.publish(TopicArn=topic, Message="bare", Subject="S")
    assert bodies(sqs, url) == ["bare"]


def test_a_structured_message_gives_each_protocol_its_own(
    sandbox: Sandbox, sns: Any, sqs: Any, topic: str
):
    url = queue(sqs, policy=letting(topic))
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)
    parts = {"default": "for all", "sqs": "for queues"}
    sns.publish(TopicArn=topic, MessageStructure="json", Message=json.dumps(parts))
    assert [json.loads(body)["Message"] for body in bodies(sqs, url)] == ["for queues"]


def test_a_filter_policy_keeps_other_messages_away(sns: Any, sqs: Any, topic: str):
    url = queue(sqs, policy=letting(topic))
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=QUEUE,
        Attributes={"FilterPolicy": json.dumps({"outcome": ["failed"]})},
    )
    for outcome in ("completed", "failed"):
        attribute = {"outcome": {"DataType": "String", "StringValue": outcome}}
        sns.publish(TopicArn=topic, Message=outcome, MessageAttributes=attribute)
    assert [json.loads(body)["Message"] for body in bodies(sqs, url)] == ["failed"]


def test_mail_goes_to_the_mailbox_once_the_address_is_confirmed(
    sandbox: Sandbox, sns: Any, topic: str
):
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.org")
    sns.publish(TopicArn=topic, Message="too early")
    (asked,) = sandbox.page("mailbox")[1]["mails"]
    sns.confirm_subscription(TopicArn=topic, Token=asked["token"])
    sns.publish(TopicArn=topic, Message="hello", Subject="Snapshot done")
    mail = sandbox.page("mailbox")[1]["mails"][-1]
    assert (mail["to"], mail["subject"], mail["message"]) == (
        "ops@example.org",
        "Snapshot done",
        "hello",
    )


@pytest.mark.parametrize(
    "parameters",
    [
        {"Subject": "two\nlines"},
        {"Subject": "x" * 101},
        {"Subject": ""},
        {"Subject": "Schnappschüsse"},
        {"Subject": "tab\there"},
        {"Message": ""},
        {"Message": "x" * 262_145},
        {"Message": "ü" * 131_073},
        {"MessageStructure": "json"},
        {"MessageStructure": "json", "Message": "{}"},
        {"MessageDeduplicationId": "1"},
    ],
)
def test_what_sns_does_not_take_is_refused(sns: Any, topic: str, parameters: dict[str, str]):
    with pytest.raises(ClientError, match=r"\(InvalidParameter\)"):
        sns.publish(**{"TopicArn": topic, "Message": "m", **parameters})


def test_the_largest_message_and_the_longest_subject_pass(sns: Any, topic: str):
    sns.publish(TopicArn=topic, Message="x" * 262_144, Subject="y" * 100)


def test_a_fifo_topic_needs_a_group_and_delivers_a_repetition_once(
    sandbox: Sandbox, sns: Any, sqs: Any
):
    attributes = {"FifoTopic": "true"}
    topic = sns.create_topic(Name="done.fifo", Attributes=attributes)["TopicArn"]
    arn = QUEUE + ".fifo"
    url = queue(sqs, "inbox.fifo", letting(topic, arn), FifoQueue="true")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    with pytest.raises(ClientError, match="MessageGroupId"):
        sns.publish(TopicArn=topic, Message="m", MessageDeduplicationId="1")
    with pytest.raises(ClientError, match="MessageDeduplicationId"):
        sns.publish(TopicArn=topic, Message="m", MessageGroupId="g")

    def publish(number: int) -> Any:
        return sns.publish(
            TopicArn=topic, Message=f"m{number}", MessageGroupId="g", MessageDeduplicationId="1"
        )

    first, second = publish(1), publish(2)
    assert first["MessageId"] == second["MessageId"]
    assert first["SequenceNumber"]
    assert [json.loads(body)["Message"] for body in bodies(sqs, url)] == ["m1"]
    sandbox.page("clock", "POST", {"advance": 301})
    assert publish(3)["MessageId"] != first["MessageId"]


def test_a_fifo_topic_can_tell_repetitions_by_their_content(sns: Any):
    attributes = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    topic = sns.create_topic(Name="done.fifo", Attributes=attributes)["TopicArn"]
    ids = [
        sns.publish(TopicArn=topic, Message=text, MessageGroupId="g")["MessageId"]
        for text in ("same", "same", "other")
    ]
    assert ids[0] == ids[1] != ids[2]


def test_a_fifo_topic_takes_no_mail_address(sns: Any):
    topic = sns.create_topic(Name="done.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    with pytest.raises(ClientError, match=r"\(InvalidParameter\)"):
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.org")

"""Queues: what AWS checks, and that a long poll holds nobody up."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Sandbox


def test_a_message_is_received_hidden_and_deleted(sqs: Any):
    url = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == "hello"
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "1"
    sqs.change_message_visibility(
        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
    )
    (again,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_purging_empties_a_queue_as_often_as_asked(sqs: Any):
    url = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    for _ in range(2):
        sqs.send_message(QueueUrl=url, MessageBody="x")
        sqs.purge_queue(QueueUrl=url)
        assert "Messages" not in sqs.receive_message(QueueUrl=url)


@pytest.mark.parametrize("name", ["a b", "x" * 81, "é", "inbox.fifo", "a/b", "<b>"])
def test_a_bad_queue_name_is_refused(sqs: Any, name: str):
    with pytest.raises(ClientError, match=r"\(InvalidParameterValue\)"):
        sqs.create_queue(QueueName=name)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("VisibilityTimeout", "soon", "InvalidAttributeValue"),
        ("VisibilityTimeout", "43201", "InvalidAttributeValue"),
        ("DelaySeconds", "-1", "InvalidAttributeValue"),
        ("MaximumMessageSize", "10", "InvalidAttributeValue"),
        ("Policy", "no json", "InvalidAttributeValue"),
        ("FifoQueue", "perhaps", "InvalidAttributeValue"),
        ("Colour", "red", "InvalidAttributeName"),
    ],
)
def test_a_bad_attribute_is_refused_at_creation_and_later(
    sqs: Any, name: str, value: str, code: str
):
    with pytest.raises(ClientError, match=rf"\({code}\)"):
        sqs.create_queue(QueueName="inbox", Attributes={name: value})
    url = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    with pytest.raises(ClientError, match=rf"\({code}\)"):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={name: value})


def test_a_prefix_is_taken_literally(sqs: Any):
    for name in ("inbox", "inbox-2", "outbox"):
        sqs.create_queue(QueueName=name)
    urls = sqs.list_queues(QueueNamePrefix="inbox")["QueueUrls"]
    assert [url.rpartition("/")[2] for url in urls] == ["inbox", "inbox-2"]
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="(.*")


def test_a_queue_that_is_not_there_is_told_as_aws_tells_it(sandbox: Sandbox, sqs: Any):
    with pytest.raises(ClientError, match=r"\(QueueDoesNotExist\)"):
        sqs.get_queue_url(QueueName="gone")
    with pytest.raises(ClientError, match=r"\(QueueDoesNotExist\)"):
        sqs.receive_message(QueueUrl=f"{sandbox.url}/210987654321/gone")


def test_a_long_poll_gets_the_message_that_comes_meanwhile(sandbox: Sandbox, sqs: Any):
    url = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    got: list[Any] = []

    def wait() -> None:
        got.append(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20))

    thread = threading.Thread(target=wait)
    thread.start()
    while sandbox.page("calls")[1]["by_operation"].get("ReceiveMessage") != 1:
        pass
    # Were the poll to keep the sandbox to itself, nothing could be sent to it.
    sqs.send_message(QueueUrl=url, MessageBody="at last")
    thread.join(timeout=60)
    assert [message["Body"] for message in got[0]["Messages"]] == ["at last"]

"""Topics: names, attributes, and who they are for."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError


def test_a_topic_belongs_to_the_account_and_the_region(sns: Any):
    arn = sns.create_topic(Name="done", Tags=[{"Key": "team", "Value": "ops"}])["TopicArn"]
    assert arn == "arn:aws:sns:us-east-1:210987654321:done"
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert attributes["Owner"] == "210987654321"
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "ops"}]


def test_creating_a_topic_again_gives_the_same_one_unless_it_would_be_another(sns: Any):
    first = sns.create_topic(Name="done", Attributes={"DisplayName": "Done"})["TopicArn"]
    assert sns.create_topic(Name="done")["TopicArn"] == first
    with pytest.raises(ClientError, match="already exists with different attributes"):
        sns.create_topic(Name="done", Attributes={"DisplayName": "Other"})
    with pytest.raises(ClientError, match="already exists with different tags"):
        sns.create_topic(Name="done", Tags=[{"Key": "a", "Value": "b"}])


@pytest.mark.parametrize("name", ["", "a b", "x" * 257, "done.fifo", "<script>", "é"])
def test_a_bad_name_is_refused(sns: Any, name: str):
    with pytest.raises(ClientError, match=r"\(InvalidParameter\).*Topic Name"):
        sns.create_topic(Name=name)


def test_a_fifo_topic_ends_in_fifo(sns: Any):
    arn = sns.create_topic(Name="done.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["FifoTopic"] == "true"
    with pytest.raises(ClientError, match=r"end with \.fifo"):
        sns.create_topic(Name="done", Attributes={"FifoTopic": "true"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Arn", "arn:aws:sns:us-east-1:210987654321:other"),
        ("sns_backend", "x"),
        ("Policy", "no json"),
        ("DisplayName", "x" * 101),
        ("DisplayName", "a\nb"),
    ],
)
def test_only_what_can_be_set_can_be_set(sns: Any, name: str, value: str):
    arn = sns.create_topic(Name="done")["TopicArn"]
    with pytest.raises(ClientError, match=r"\(InvalidParameter\)"):
        sns.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=value)
    assert [topic["TopicArn"] for topic in sns.list_topics()["Topics"]] == [arn]


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("done", "InvalidParameter"),
        ("arn:aws:sqs:us-east-1:210987654321:done", "InvalidParameter"),
        ("arn:aws:sns:eu-west-1:210987654321:done", "InvalidParameter"),
        ("arn:aws:sns:us-east-1:000000000000:done", "AuthorizationError"),
        ("arn:aws:sns:us-east-1:210987654321:gone", "NotFound"),
    ],
)
def test_a_topic_that_is_none_or_elsewhere_is_refused_as_aws_does(sns: Any, arn: str, code: str):
    with pytest.raises(ClientError, match=rf"\({code}\)"):
        sns.get_topic_attributes(TopicArn=arn)
    with pytest.raises(ClientError, match=rf"\({code}\)"):
        sns.publish(TopicArn=arn, Message="m")


def test_deleting_a_topic_takes_its_subscriptions_and_may_be_done_twice(sns: Any):
    arn = sns.create_topic(Name="done")["TopicArn"]
    queue = "arn:aws:sqs:us-east-1:210987654321:inbox"
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    assert sns.list_topics()["Topics"] == []
    assert sns.list_subscriptions()["Subscriptions"] == []

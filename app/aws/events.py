"""EventBridge: a rule that puts what happens to EC2's and EBS's resources into a queue.

Rule and queue bear the same name. EventBridge delivers at best: what it tells is no more than a
reason to look.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.aws.call import Call, plain
from app.aws.clients import Clients
from app.aws.topics import partition_of

NAME = "encante-events"
TARGET = "encante"  # the id of the queue among the rule's targets
# What EventBridge calls the events:
# docs.aws.amazon.com/ebs/latest/userguide/ebs-cloud-watch-events.html
# docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitor-ami-events.html
# docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
TOLD = (
    "EBS Snapshot Notification",
    "EBS Volume Notification",
    "EC2 AMI State Change",
    "EC2 Instance State-change Notification",
)
PATTERN = {"source": ["aws.ec2"], "detail-type": list(TOLD)}
KEPT_SECONDS = 300  # what was not heard for so long has been polled meanwhile
WAIT_SECONDS = 4  # that a hearing takes; a console that is to stop waits for its end
MOST = 10  # messages that SQS gives at once


def queue_arn(account: str, region: str, name: str) -> str:
    """The ARN of the queue."""
    return f"arn:{partition_of(region)}:sqs:{region}:{account}:{name}"


def rule_arn(account: str, region: str, name: str) -> str:
    """The ARN of the rule, on the default bus."""
    return f"arn:{partition_of(region)}:events:{region}:{account}:rule/{name}"


def create_queue(account: str, region: str, name: str) -> Call:
    """Make the queue: encrypted by SQS, and nobody but the rule may send to it.

    If it is there already, and like that, SQS gives its URL all the same.
    """
    arn = queue_arn(account, region, name)
    statement = {
        "Sid": "EventsOfTheRule",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn(account, region, name)}},
    }
    attributes = {
        "MessageRetentionPeriod": str(KEPT_SECONDS),
        "Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        "SqsManagedSseEnabled": "true",
    }
    return Call(
        "sqs",
        "CreateQueue",
        region,
        {"QueueName": name, "Attributes": attributes},
        says=f"Make the queue {name}, to which only the rule may send",
        makes=("queue", "{QueueUrl: QueueUrl}", {"QueueArn": arn}),
        account=account,
    )


def put_rule(account: str, region: str, name: str) -> Call:
    """Make the rule, or make it again as it should be."""
    return Call(
        "events",
        "PutRule",
        region,
        {
            "Name": name,
            "Description": "What Encante's watches wait for may have happened",
            "EventPattern": json.dumps(PATTERN),
            "State": "ENABLED",
        },
        says=f"Make the rule {name}: what happens to snapshots, volumes, images and instances",
        account=account,
    )


def put_target(account: str, region: str, name: str) -> Call:
    """Have the rule send to the queue. What EventBridge did not take stands in the answer."""
    target = {"Id": TARGET, "Arn": queue_arn(account, region, name)}
    return Call(
        "events",
        "PutTargets",
        region,
        {"Rule": name, "Targets": [target]},
        says="Have the rule send to the queue",
        account=account,
    )


def remove_target(account: str, region: str, name: str) -> Call:
    """Have the rule send to the queue no more; a rule with targets cannot be deleted."""
    return Call(
        "events",
        "RemoveTargets",
        region,
        {"Rule": name, "Ids": [TARGET]},
        says="Have the rule send to the queue no more",
        account=account,
    )


def delete_rule(account: str, region: str, name: str) -> Call:
    """Delete the rule."""
    return Call(
        "events",
        "DeleteRule",
        region,
        {"Name": name},
        says=f"Delete the rule {name}",
        account=account,
    )


def delete_queue(account: str, region: str, name: str, url: str) -> Call:
    """Delete the queue, with what is in it."""
    return Call(
        "sqs",
        "DeleteQueue",
        region,
        {"QueueUrl": url},
        says=f"Delete the queue {name}",
        removes=(("queue", queue_arn(account, region, name)),),
        account=account,
    )


def receive(region: str, url: str) -> Call:
    """Wait some seconds for messages; others do not see them for half a minute."""
    parameters = {"QueueUrl": url, "MaxNumberOfMessages": MOST, "WaitTimeSeconds": WAIT_SECONDS}
    return Call("sqs", "ReceiveMessage", region, parameters, says="Hear what has happened")


def delete_messages(region: str, url: str, receipts: Sequence[str]) -> Call:
    """Take received messages out of the queue, ten at most."""
    entries = [
        {"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(receipts)
    ]
    parameters = {"QueueUrl": url, "Entries": entries}
    return Call("sqs", "DeleteMessageBatch", region, parameters, says="Take off what was heard")


def hear(clients: Clients, region: str, url: str) -> list[Mapping[str, Any]]:
    """The messages that come within some seconds. Raises AwsError, soon: it is asked again."""
    return list(_briefly(clients, receive(region, url)).get("Messages") or [])


def take_off(clients: Clients, region: str, url: str, heard: Sequence[Mapping[str, Any]]) -> None:
    """Take messages that were heard out of the queue. Those that stay come again. AwsError."""
    receipts = [str(message["ReceiptHandle"]) for message in heard]
    _briefly(clients, delete_messages(region, url, receipts))


def _briefly(clients: Clients, call: Call) -> dict[str, Any]:
    """Send it with one attempt and little patience, as a console that is to stop waits for it."""
    answer = clients.send(call.service, call.operation, dict(call.parameters), call.region, "brief")
    found: dict[str, Any] = plain(answer)
    return found

"""Every AWS operation that Encante uses: how it may be repeated, and which permission it needs.

A Call of an operation that does not stand here cannot be made, so that the IAM policy which is
generated from this list (the command ``iam-policy``) is complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Repeat = Literal[
    "read",  # changes nothing: botocore may try five times
    "look",  # a read that somebody waits for: twice
    "safe",  # doing it twice is like doing it once: three times
    "token",  # carries an idempotency token: three times
    "once",  # takes no token: one attempt only
    "brief",  # the same, and given up sooner: others wait their turn behind it
]


@dataclass(frozen=True)
class Operation:
    """How an operation may be repeated by botocore, and the IAM actions behind it.

    ``danger``: it takes away what AWS does not give back, or what something rests on.
    """

    repeat: Repeat
    permissions: tuple[str, ...]
    danger: bool = False


def _table(
    service: str, repeat: Repeat, *names: str, tagged_by: str = "", danger: bool = False
) -> dict[tuple[str, str], Operation]:
    """Entries of a service. ``tagged_by``: these can tag what they make, and then need the
    permission for that operation as well.
    """
    tagging = (f"{service}:{tagged_by}",) if tagged_by else ()
    return {
        (service, name): Operation(repeat, (f"{service}:{name}", *tagging), danger)
        for name in names
    }


OPERATIONS: dict[tuple[str, str], Operation] = {
    **_table(
        "ec2",
        "read",
        "DescribeAvailabilityZones",
        "DescribeImages",
        "DescribeInstanceAttribute",
        "DescribeInstances",
        "DescribeInstanceTypes",
        "DescribeKeyPairs",
        "DescribeRegions",
        "DescribeSecurityGroups",
        "DescribeSnapshotTierStatus",
        "DescribeSnapshots",
        "DescribeVolumes",
        "DescribeVolumesModifications",
    ),
    **_table(
        "ec2",
        "safe",
        "CreateTags",
        "DeleteTags",
        "ModifyInstanceAttribute",
        "StartInstances",
        "StopInstances",
    ),
    **_table(
        "ec2",
        "safe",
        "DeleteKeyPair",
        "DeleteSnapshot",
        "DeleteVolume",
        "DeregisterImage",
        "DetachVolume",
        "TerminateInstances",
        danger=True,
    ),
    **_table("ec2", "token", "RunInstances", "CreateVolume", tagged_by="CreateTags"),
    **_table("ec2", "once", "AttachVolume", "RebootInstances"),
    **_table(
        "ec2",
        "once",
        "CreateImage",
        "CreateKeyPair",
        "CreateSnapshot",
        "RegisterImage",
        tagged_by="CreateTags",
    ),
    **_table(
        "sns",
        "read",
        "GetSubscriptionAttributes",
        "GetTopicAttributes",
        "ListSubscriptions",
        "ListSubscriptionsByTopic",
        "ListTagsForResource",
        "ListTopics",
    ),
    **_table(
        "sns",
        "safe",
        "ConfirmSubscription",
        "Subscribe",
        "TagResource",
        "UntagResource",
    ),
    **_table("sns", "safe", "DeleteTopic", "Unsubscribe", danger=True),
    **_table("sns", "safe", "CreateTopic", tagged_by="TagResource"),
    **_table("sns", "brief", "Publish"),
    **_table("sqs", "read", "GetQueueAttributes", "GetQueueUrl", "ListQueues", "ListQueueTags"),
    **_table(
        "sqs",
        "safe",
        "ReceiveMessage",
        "SetQueueAttributes",
        "TagQueue",
        "UntagQueue",
    ),
    **_table("sqs", "safe", "DeleteMessage", "DeleteMessageBatch", "DeleteQueue", danger=True),
    **_table("sqs", "safe", "CreateQueue", tagged_by="TagQueue"),
    **_table("events", "safe", "PutRule", "PutTargets"),
    **_table("events", "safe", "DeleteRule", "RemoveTargets", danger=True),
    **_table("sts", "safe", "AssumeRole"),
    **_table("sts", "read", "GetCallerIdentity"),
}

# GetCallerIdentity needs no permission; naming it in a policy does no harm.


def operation(service: str, name: str) -> Operation:
    """The entry of an operation. Raises KeyError for one that is not in the list."""
    return OPERATIONS[service, name]


def iam_policy() -> dict[str, object]:
    """The smallest IAM policy document with which everything the console does is permitted."""
    actions = sorted({action for entry in OPERATIONS.values() for action in entry.permissions})
    statements = [
        {
            "Sid": f"Encante{service.title()}",
            "Effect": "Allow",
            "Action": [action for action in actions if action.startswith(f"{service}:")],
            "Resource": "*",
        }
        for service in dict.fromkeys(action.partition(":")[0] for action in actions)
    ]
    return {"Version": "2012-10-17", "Statement": statements}

"""SQS queues: how they are listed, and what can be done with them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.aws.call import Call
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.aws.listing import Description, Listing, Rota, in_parts
from app.aws.queue_policy import lets_send, statements_of
from app.aws.tags import tag_list
from app.aws.topics import account_of, region_of

TAGS = "_Tags"  # in a description; they are not read with every refresh
LOOK_SECONDS = 1  # a message that is only looked at is hidden from others so long


class _Queues:
    """How queues are listed: the attributes hold counts, and are always read; tags in turns."""

    def __init__(self, rota: Rota) -> None:
        self._rota = rota

    def pages(self, clients: Clients, region: str, account: str) -> Iterator[list[Description]]:
        """Every queue."""
        urls = [
            url
            for page in Call("sqs", "ListQueues", region, {"MaxResults": 1000}).pages(clients)
            for url in page.get("QueueUrls") or []
        ]
        due = self._rota.due(region, account, urls)
        for part in in_parts(urls, 100):
            found = (self._describe(clients, region, account, url, url in due) for url in part)
            yield [queue for queue in found if queue]

    def read(
        self, clients: Clients, region: str, account: str, ids: Sequence[str]
    ) -> list[Description]:
        """The queues among ``ids`` that exist, with their tags."""
        found = []
        for arn in ids:
            call = Call("sqs", "GetQueueUrl", region, {"QueueName": arn.rpartition(":")[2]})
            try:
                url = call.run(clients)["QueueUrl"]
            except AwsError as error:
                if error.trouble == "missing":
                    continue
                raise
            found.append(self._describe(clients, region, account, url, True))
        return [queue for queue in found if queue]

    def _describe(
        self, clients: Clients, region: str, account: str, url: str, whole: bool
    ) -> Description | None:
        wanted = {"QueueUrl": url, "AttributeNames": ["All"]}
        try:
            answer = Call("sqs", "GetQueueAttributes", region, wanted).run(clients)
            more = {TAGS: _tags(clients, region, url)} if whole else {}
        except AwsError as error:
            if error.trouble == "missing":
                return None
            raise
        if whole:
            self._rota.done(region, account, url)
        attributes = answer.get("Attributes", {})
        arn = attributes.get("QueueArn", url)
        return {"QueueArn": arn, "QueueUrl": url, "Attributes": attributes, **more}


def _tags(clients: Clients, region: str, url: str) -> list[dict[str, str]]:
    answer = Call("sqs", "ListQueueTags", region, {"QueueUrl": url}).run(clients)
    return tag_list(dict(sorted((answer.get("Tags") or {}).items())))


_queues = _Queues(Rota())
LISTING = Listing(_queues.pages, _queues.read)


def create_queue(arn: str, tags: Mapping[str, str] | None = None) -> Call:
    """Make the queue that will have this ARN; a name ending in ``.fifo`` makes a FIFO one."""
    region, name = region_of(arn), arn.rpartition(":")[2]
    fifo = {"Attributes": {"FifoQueue": "true"}} if name.endswith(".fifo") else {}
    return Call(
        "sqs",
        "CreateQueue",
        region,
        {"QueueName": name, **fifo, **({"tags": dict(tags)} if tags else {})},
        says=f"Make the queue {name}",
        makes=("queue", "{QueueUrl: QueueUrl}", {"QueueArn": arn}),
    )


def delete_queue(queue: Description) -> Call:
    """Delete a queue with the messages in it."""
    arn = queue["QueueArn"]
    return Call(
        "sqs",
        "DeleteQueue",
        region_of(arn),
        {"QueueUrl": queue["QueueUrl"]},
        says=f"Delete queue {arn}",
        removes=(("queue", arn),),
        of=arn,
    )


def lets_topic_send(queue: Description, topic: str) -> bool:
    """Whether the queue's policy lets the topic send to it."""
    return lets_send(_policy(queue), queue["QueueArn"], topic)


def _policy(queue: Description) -> dict[str, Any]:
    policy = queue.get("Attributes", {}).get("Policy") or '{"Version": "2012-10-17"}'
    found: dict[str, Any] = json.loads(policy)
    return found


def let_topic_send(queue: Description, topic: str) -> Call:
    """Give the queue the policy by which the topic may send to it; what it allowed before stays."""
    arn = queue["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    held = _policy(queue)
    policy = {**held, "Statement": [*statements_of(held), statement]}
    return Call(
        "sqs",
        "SetQueueAttributes",
        region_of(arn),
        {
            "QueueUrl": queue["QueueUrl"],
            "Attributes": {"Policy": json.dumps(policy)},
        },
        says=f"Let {topic} send to {arn}",
        touches=(("queue", arn),),
        account=account_of(arn),  # which may not be the topic's
    )


def receive(queue: Description) -> Call:
    """Look at up to ten messages; they stay in the queue and are visible again at once."""
    return Call(
        "sqs",
        "ReceiveMessage",
        region_of(queue["QueueArn"]),
        {
            "QueueUrl": queue["QueueUrl"],
            "MaxNumberOfMessages": 10,
            "VisibilityTimeout": LOOK_SECONDS,
            "WaitTimeSeconds": 0,
            "MessageAttributeNames": ["All"],
            "AttributeNames": ["All"],
        },
        says=f"Look at the messages in {queue['QueueArn']}",
        touches=(("queue", queue["QueueArn"]),),
    )


def delete_message(queue: Description, receipt: str) -> Call:
    """Take one received message out of the queue."""
    return Call(
        "sqs",
        "DeleteMessage",
        region_of(queue["QueueArn"]),
        {"QueueUrl": queue["QueueUrl"], "ReceiptHandle": receipt},
        says="Delete one message",
        touches=(("queue", queue["QueueArn"]),),
    )


def queue_tag_calls(
    queue: Description, old: Mapping[str, str], new: Mapping[str, str]
) -> tuple[Call, ...]:
    """The calls that turn a queue's ``old`` tags into ``new``: only what changed is sent."""
    arn, url = queue["QueueArn"], {"QueueUrl": queue["QueueUrl"]}
    region, touches = region_of(arn), (("queue", arn),)
    removed = sorted(old.keys() - new.keys())
    changed = {key: value for key, value in new.items() if old.get(key) != value}
    calls = []
    if removed:
        gone = {**url, "TagKeys": removed}
        calls.append(Call("sqs", "UntagQueue", region, gone, f"Remove tags from {arn}", touches))
    if changed:
        calls.append(
            Call("sqs", "TagQueue", region, {**url, "Tags": changed}, f"Set tags on {arn}", touches)
        )
    return tuple(calls)

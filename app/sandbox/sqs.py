"""SQS where moto's differs from AWS's: names, attributes and prefixes checked, long polls apart."""

from __future__ import annotations

import json
from typing import Any

from app.sandbox import account, patching
from app.sandbox.ec2 import agenda

# Name of each attribute that is a number, with AWS's limits.
LIMITS = {
    "DelaySeconds": (0, 900),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
    "MaximumMessageSize": (1_024, 262_144),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
}
BOOLEANS = ("ContentBasedDeduplication", "FifoQueue", "SqsManagedSseEnabled")
LOOK_SECONDS = 0.25  # how often a long poll looks what has happened
TEXTS = ("DeduplicationScope", "FifoThroughputLimit", "KmsMasterKeyId")
DOCUMENTS = ("Policy", "RedrivePolicy", "RedriveAllowPolicy")


def install() -> None:
    """Put our checks around moto's SQS."""
    from moto.sqs.models import Queue, SQSBackend

    patching.replace(SQSBackend, "create_queue", _create_queue)
    patching.replace(SQSBackend, "set_queue_attributes", _set_queue_attributes)
    patching.replace(SQSBackend, "list_queues", _list_queues)
    patching.replace(Queue, "wait_for_messages", _wait_for_messages)


def _create_queue(original: Any) -> Any:
    def create_queue(backend: Any, name: str, tags: Any = None, **attributes: Any) -> Any:
        from moto.sqs.exceptions import InvalidParameterValue

        check_attributes({key: value for key, value in attributes.items() if key != "region"})
        is_fifo = str(attributes.get("FifoQueue", "false")).lower() == "true"
        if name.endswith(".fifo") and not is_fifo:
            raise InvalidParameterValue(
                "Can only include alphanumeric characters, hyphens, or underscores. "
                "1 to 80 in length"
            )
        return original(backend, name, tags, **attributes)

    return create_queue


def _set_queue_attributes(original: Any) -> Any:
    def set_queue_attributes(backend: Any, queue_name: str, attributes: dict[str, Any]) -> Any:
        from moto.sqs.exceptions import InvalidAttributeName

        queue = backend.get_queue(queue_name)
        check_attributes(attributes)
        if "FifoQueue" in attributes:
            raise InvalidAttributeName("FifoQueue")
        # moto forgets the policy when another attribute is set alone.
        kept = {} if "Policy" in attributes or not queue.policy else {"Policy": queue.policy}
        return original(backend, queue_name, {**kept, **attributes})

    return set_queue_attributes


def check_attributes(attributes: dict[str, Any]) -> None:
    """Refuse, as AWS does, an attribute that does not exist or cannot have its value."""
    from moto.sqs.exceptions import InvalidAttributeName, InvalidAttributeValue

    for name, value in attributes.items():
        text = str(value)
        if name in LIMITS:
            low, high = LIMITS[name]
            if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
                raise InvalidAttributeValue(name)
        elif name in BOOLEANS:
            if text.lower() not in ("true", "false"):
                raise InvalidAttributeValue(name)
        elif name in DOCUMENTS:
            if text and not _is_json_object(text):
                raise InvalidAttributeValue(name)
        elif name not in TEXTS:
            raise InvalidAttributeName(name)


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _list_queues(_: Any) -> Any:
    def list_queues(backend: Any, queue_name_prefix: str | None) -> list[Any]:
        prefix = queue_name_prefix or ""
        return [queue for name, queue in backend.queues.items() if name.startswith(prefix)]

    return list_queues


def _wait_for_messages(original: Any) -> Any:
    def wait_for_messages(queue: Any, timeout: float) -> None:
        # A long poll waits inside a request; everybody else goes on meanwhile.
        account.LOCK.release()
        try:
            original(queue, min(timeout, LOOK_SECONDS))
        finally:
            account.LOCK.acquire()
        # Time has passed: something may have happened of which EventBridge tells the queue.
        agenda.catch_up(queue.account_id, queue.region)

    return wait_for_messages

"""What SNS checks before it does anything, with the wording it has for what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from moto.sns.exceptions import SNSException, SNSInvalidParameter

from app.sandbox import moto_import

MAX_MESSAGE = 262_144
MAX_SUBJECT = 100
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+?[1-9][0-9]{1,14}")
TOPIC_ATTRIBUTES = (
    "ArchivePolicy",
    "ContentBasedDeduplication",
    "DeliveryPolicy",
    "DisplayName",
    "FifoThroughputScope",
    "KmsMasterKeyId",
    "Policy",
    "SignatureVersion",
    "TracingConfig",
)


def invalid(message: str) -> SNSException:
    """AWS's `InvalidParameter` with its usual beginning."""
    return SNSInvalidParameter(f"Invalid parameter: {message}")


def _arn_protocol(service: str, hint: str) -> Callable[[str], str]:
    def check(endpoint: str) -> str:
        parts = endpoint.split(":")
        good = len(parts) >= 6 and parts[0] == "arn" and parts[2] == service and parts[5]
        return "" if good else hint

    return check


def _matches(pattern: re.Pattern[str], hint: str) -> Callable[[str], str]:
    return lambda endpoint: "" if pattern.fullmatch(endpoint) else hint


_MUST_MATCH = "Endpoint must match the specified protocol"
# How the endpoint of each protocol must look; the check gives what is wrong, or nothing.
PROTOCOLS: dict[str, Callable[[str], str]] = {
    "email": _matches(_EMAIL, "Email address"),
    "email-json": _matches(_EMAIL, "Email address"),
    "http": _matches(re.compile(r"http://[^/\s]+\S*"), _MUST_MATCH),
    "https": _matches(re.compile(r"https://[^/\s]+\S*"), _MUST_MATCH),
    "sqs": _arn_protocol("sqs", "SQS endpoint ARN"),
    "lambda": _arn_protocol("lambda", "Lambda endpoint ARN"),
    "firehose": _arn_protocol("firehose", "Firehose endpoint ARN"),
    "application": _arn_protocol("sns", "Application endpoint arn invalid"),
    "sms": _matches(_PHONE, "Invalid SMS endpoint"),
}
NEED_CONFIRMATION = ("email", "email-json", "http", "https")


def is_own(protocol: str, address: str, account_id: str) -> bool:
    """Whether a subscription needs no confirmation: what belongs to the account, and phones."""
    if protocol in NEED_CONFIRMATION:
        return False
    return protocol != "sqs" or address.split(":")[4] == account_id


def queue_region(protocol: str, address: str) -> None:
    """Refuse a queue in a region that does not exist."""
    if protocol == "sqs" and address.split(":")[3] not in moto_import.regions():
        raise invalid("SQS endpoint ARN")


def topic_arn(arn: str | None, region: str, account_id: str) -> str:
    """The name in a topic's ARN, or AWS's refusal: malformed, elsewhere, or somebody else's."""
    parts = (arn or "").split(":")
    if len(parts) < 6:
        raise invalid(f"TopicArn Reason: An ARN must have at least 6 elements, not {len(parts)}")
    if parts[0] != "arn" or parts[2] != "sns" or parts[3] != region or len(parts) != 6:
        raise invalid("TopicArn")
    if parts[4] != account_id:
        raise SNSException(
            "AuthorizationError",
            f"User: arn:aws:iam::{account_id}:user/sandbox is not authorized to perform this "
            f"action on resource: {arn} because no resource-based policy allows it",
        )
    return parts[5]


def topic_name(name: str | None, fifo: bool) -> None:
    """Letters, digits, `-` and `_`, at most 256; `.fifo` at the end of a FIFO topic's name."""
    pattern = r"[A-Za-z0-9_-]{1,251}\.fifo" if fifo else r"[A-Za-z0-9_-]{1,256}"
    if not re.fullmatch(pattern, name or ""):
        if fifo:
            raise invalid(
                "Topic Name Reason: Fifo Topic names must end with .fifo and must be made up of "
                "only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, "
                "and must be between 1 and 256 characters long."
            )
        raise invalid("Topic Name")


def topic_attribute(name: str, value: Any) -> None:
    """Refuse an attribute that cannot be set, or cannot have this value."""
    if name not in TOPIC_ATTRIBUTES:
        raise invalid("AttributeName")
    text = "" if value is None else str(value)
    if name == "DisplayName" and (len(text) > 100 or not text.isprintable()):
        raise invalid("DisplayName")
    if name in ("Policy", "DeliveryPolicy", "ArchivePolicy") and text:
        _object(text, f"{name} Reason: the value is not a JSON object")
    if name == "Policy" and not text:
        raise invalid("Policy Reason: Policy is empty")


def endpoint(protocol: str | None, address: str | None, fifo: bool) -> None:
    """Refuse an unknown protocol, or an address that is none of its protocol."""
    check = PROTOCOLS.get(protocol or "")
    if check is None:
        raise invalid(f"Does not support this protocol string: {protocol}")
    if fifo and protocol != "sqs":
        raise invalid(f"Invalid protocol type: {protocol}. A FIFO topic delivers to SQS only")
    problem = check(address or "")
    if problem:
        raise invalid(problem)


def subject(text: str | None) -> None:
    """ASCII, at most 100 characters, no line breaks or control characters, not empty."""
    if text is None:
        return
    if not text or len(text) > MAX_SUBJECT or not text.isascii() or not text.isprintable():
        raise invalid("Subject")
    if text[0] == " ":
        raise invalid("Subject")


def message(text: str | None, structure: str | None, attributes: dict[str, Any]) -> None:
    """Not empty, at most 256 KiB with its attributes, and JSON with a default if it says so."""
    if not text:
        raise invalid("Empty message")
    size = len(text.encode())
    for name, attribute in attributes.items():
        size += len(name.encode()) + len(attribute["Type"]) + len(str(attribute["Value"]).encode())
    if size > MAX_MESSAGE:
        raise invalid("Message too long")
    if structure is None:
        return
    if structure != "json":
        raise invalid("MessageStructure")
    parts = _object(text, "Message Structure - JSON message body failed to parse")
    if not isinstance(parts.get("default"), str):
        raise invalid("Message Structure - No default entry in JSON message body")


def fifo_parameters(topic: Any, group_id: str | None, deduplication_id: str | None) -> None:
    """A FIFO topic needs a group, and an id or content to know repetitions by."""
    if not topic.fifo_topic:
        if deduplication_id:
            raise invalid(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId "
                "parameter that is not valid for this topic type"
            )
        return
    if not group_id:
        raise invalid("The MessageGroupId parameter is required for FIFO topics")
    if not deduplication_id and not topic.content_based_deduplication:
        raise invalid(
            "The topic should either have ContentBasedDeduplication enabled or "
            "MessageDeduplicationId provided explicitly"
        )


def _object(text: str, problem: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise invalid(problem)
    return value

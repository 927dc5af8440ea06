"""Whether a queue's policy lets a topic or rule send to it. AWS drops the message if not."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from typing import Any

EQUALS = ("ArnEquals", "ArnLike", "StringEquals", "StringLike")


SNS = "sns.amazonaws.com"


def lets_topic_send(policy: dict[str, Any], queue_arn: str, topic_arn: str) -> bool:
    """Evaluate an SQS policy for `sqs:SendMessage` by SNS on behalf of the topic."""
    return lets_send(policy, queue_arn, SNS, topic_arn)


def lets_send(policy: dict[str, Any], queue_arn: str, service: str, source_arn: str) -> bool:
    """Evaluate an SQS policy for `sqs:SendMessage` by a service on behalf of a resource.

    An explicit Deny wins; a condition that is not understood never allows.
    """
    allowed = False
    for statement in _list(policy.get("Statement")):
        if not isinstance(statement, dict):
            continue
        if not _applies(statement, queue_arn, service, source_arn):
            continue
        if statement.get("Effect") == "Deny":
            return False
        allowed = allowed or statement.get("Effect") == "Allow"
    return allowed


def _applies(statement: dict[str, Any], queue_arn: str, service: str, source_arn: str) -> bool:
    return (
        _is_for(service, statement.get("Principal"))
        and _any_match(_lower(statement.get("Action")), "sqs:sendmessage")
        and _any_match(_list(statement.get("Resource")), queue_arn)
        and all(
            _holds(operator, keys, source_arn)
            for operator, keys in (statement.get("Condition") or {}).items()
        )
    )


def _is_for(service: str, principal: Any) -> bool:
    if principal == "*":
        return True
    if not isinstance(principal, dict):
        return False
    return service in _list(principal.get("Service")) or "*" in _list(principal.get("AWS"))


def _holds(operator: str, keys: Any, source_arn: str) -> bool:
    facts = {"aws:sourcearn": source_arn, "aws:sourceaccount": source_arn.split(":")[4]}
    operator = operator.removesuffix("IfExists")
    if operator not in EQUALS or not isinstance(keys, dict):
        return False
    for key, wanted in keys.items():
        fact = facts.get(key.lower())
        if fact is None:
            return False
        if operator == "StringEquals":
            if fact not in _list(wanted):
                return False
        elif not _any_match(_list(wanted), fact):
            return False
    return True


def _any_match(patterns: Iterable[Any], value: str) -> bool:
    # fnmatch knows [abc] too, which a policy does not: escape it.
    return any(fnmatch.fnmatchcase(value, str(p).replace("[", "[[]")) for p in patterns)


def _lower(value: Any) -> list[str]:
    return [str(item).lower() for item in _list(value)]


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

"""Whether a queue's policy lets SNS send to it on behalf of a topic, judged as AWS would.

SNS drops a message silently where it does not. What cannot be judged here (conditions on keys
that are not known) neither allows nor denies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from app.aws.topics import account_of

_SNS = "sns.amazonaws.com"
_SEND = "sqs:sendmessage"
_LIKE = {"ArnEquals", "ArnLike", "StringLike"}  # these know * and ?
_SAME = {"StringEquals", "StringEqualsIgnoreCase", "Bool"}
_NOT = re.compile(r"^(Arn|String)Not(Equals|Like|EqualsIgnoreCase)$")


def statements_of(policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The statements of a policy, of which a single one may stand without a list."""
    statements = policy.get("Statement", [])
    return [statements] if isinstance(statements, dict) else list(statements)


def lets_send(policy: Mapping[str, Any], queue: str, topic: str) -> bool:
    """Whether the policy of the queue with that ARN lets the topic with that ARN send to it."""
    fitting = [each for each in statements_of(policy) if _fits(each, queue, topic)]
    effects = {each.get("Effect") for each in fitting}
    return "Allow" in effects and "Deny" not in effects


def _fits(statement: Mapping[str, Any], queue: str, topic: str) -> bool:
    known = {
        "aws:sourcearn": topic,
        "aws:sourceaccount": account_of(topic),
        "aws:securetransport": "true",
        "aws:principalisawsservice": "true",
        "aws:principalservicename": _SNS,
    }
    return (
        _is_for_sns(statement.get("Principal"))
        and _any_like(_several(statement.get("Action")), _SEND, ignore_case=True)
        and _any_like(_several(statement.get("Resource")), queue)
        and all(
            _holds(operator, str(key), _several(wanted), known)
            for operator, keys in (statement.get("Condition") or {}).items()
            for key, wanted in keys.items()
        )
    )


def _is_for_sns(principal: Any) -> bool:
    # A queue made in AWS's console allows everything to its owner, which SNS is not.
    if not isinstance(principal, Mapping):
        return bool(principal == "*")
    return "*" in _several(principal.get("AWS")) or _SNS in _several(principal.get("Service"))


def _holds(operator: str, key: str, wanted: list[str], known: Mapping[str, str]) -> bool:
    name = operator.removeprefix("ForAnyValue:").removesuffix("IfExists")
    value = known.get(key.lower())
    if value is None:
        return operator.endswith("IfExists")
    if _NOT.match(name):
        return not _holds(name.replace("Not", ""), key, wanted, known)
    if name in _LIKE:
        return _any_like(wanted, value)
    exact = name == "StringEquals"
    return name in _SAME and any(
        value == each if exact else value.lower() == each.lower() for each in wanted
    )


def _any_like(patterns: Iterable[str], value: str, ignore_case: bool = False) -> bool:
    flags = re.IGNORECASE if ignore_case else 0
    return any(re.fullmatch(_pattern(each), value, flags) for each in patterns)


def _pattern(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")


def _several(value: Any) -> list[str]:
    # a policy may hold one value where a list is meant
    found = value if isinstance(value, list) else [] if value is None else [value]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in found]

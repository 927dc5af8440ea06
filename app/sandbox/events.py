"""EventBridge: rules and targets are moto's, checked as AWS does; what EC2 does is told to queues.

Only queues can be targets, in the plain form: nothing else would come to pass here.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.sandbox import account, patching
from app.sandbox.sns import policy

SERVICE = "events.amazonaws.com"
_NAME = re.compile(r"[.\-_A-Za-z0-9]{1,64}", re.ASCII)
_QUEUE = re.compile(r"arn:[a-z-]+:sqs:([a-z0-9-]+):(\d{12}):([A-Za-z0-9_-]{1,80})", re.ASCII)
_MOST_TARGETS = 5


def install() -> None:
    """Put our checks around moto's EventBridge."""
    from moto.events.models import EventsBackend

    patching.replace(EventsBackend, "put_rule", _put_rule)
    patching.replace(EventsBackend, "put_targets", _put_targets)


def _put_rule(original: Any) -> Any:
    def put_rule(backend: Any, name: str, *given: Any, **more: Any) -> Any:
        _check_name("name", name)
        if more.get("scheduled_expression"):
            raise _invalid("The sandbox has no schedules, only rules with an EventPattern.")
        return original(backend, name, *given, **more)

    return put_rule


def _put_targets(original: Any) -> Any:
    def put_targets(backend: Any, name: str, bus: Any, targets: list[dict[str, Any]]) -> Any:
        for target in targets:
            _check_name("targets.member.id", target["Id"])
            if not _QUEUE.fullmatch(target["Arn"]) or target.keys() - {"Id", "Arn"}:
                raise _invalid("In the sandbox only a standard queue can be a target, as it is.")
        rule = backend._get_event_bus(bus or "default").rules.get(name)
        held = {target["Id"] for target in rule.targets} if rule else set()
        if len(held | {target["Id"] for target in targets}) > _MOST_TARGETS:
            from moto.core.exceptions import JsonRESTError

            told = "The requested resource exceeds the maximum number allowed."
            raise JsonRESTError("LimitExceededException", told)
        return original(backend, name, bus, targets)

    return put_targets


def _check_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise _invalid(
            f"1 validation error detected: Value '{name}' at '{what}' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+"
        )


def _invalid(message: str) -> Exception:
    from moto.events.exceptions import ValidationException

    found: Exception = ValidationException(message)
    return found


def happen(
    account_id: str,
    region: str,
    detail_type: str,
    resources: Sequence[str],
    detail: dict[str, Any],
    time: datetime,
) -> None:
    """Something has happened in EC2: to the queues of every rule whose pattern it fits.

    ``resources`` are ARNs. As in AWS it vanishes without a word where a queue is gone, or does not
    let the rule send to it.
    """
    backend = account.backends("events")[account_id].get(region)
    if backend is None:
        return
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": "aws.ec2",
        "account": account_id,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": list(resources),
        "detail": detail,
    }
    for rule in backend.event_buses["default"].rules.values():
        if rule.state == "ENABLED" and _fits(rule, event):
            for target in rule.targets:
                _send(rule, target["Arn"], json.dumps(event))


def _fits(rule: Any, event: dict[str, Any]) -> bool:
    try:
        return bool(rule.event_pattern.matches_event(event))
    except (TypeError, ValueError, LookupError, AttributeError):
        return False  # a pattern that AWS would have refused, and moto does not


def _send(rule: Any, queue_arn: str, text: str) -> None:
    found = _QUEUE.fullmatch(queue_arn)
    if found is None:
        return
    region, owner, name = found.groups()
    sqs = account.backend("sqs", owner, region)
    queue = sqs.queues.get(name)
    if queue is not None and policy.lets_send(queue._policy_json, queue_arn, SERVICE, rule.arn):
        sqs.send_message(name, text)

"""Watches that are made up, to show and to measure what templates make of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from app.resources import AWAITED, RESOURCES
from app.resources.spec import LATE, VANISHED
from app.watches.facts import facts_of, lines
from app.watches.harmless import LONGEST
from app.watches.messages import MESSAGE_BYTES, Wording, worded
from app.watches.templates import TemplateError

_TOOK = timedelta(minutes=42)
SAMPLE_ID = "n-" + "0123456789abcdef" * 2
# What takes most room in UTF-8 and in JSON within JSON: four bytes.
_WIDE = "\N{DOLPHIN}"
_WIDEST = {
    "source_name": LONGEST,
    "description": LONGEST,
    "state_message": LONGEST,
    "resource_id": 64,
    "source_id": 64,
    "topic_arn": 400,
}
_LONGEST_URL = f"https://{'x' * 253}:65535"


def sample(kind: str, outcome: str, topic_arn: str, now: datetime) -> dict[str, Any]:
    """A watch of that kind that has reached ``outcome`` just now; made up."""
    awaited = AWAITED[kind]
    resource = RESOURCES[awaited.resource]
    of_volume = awaited.resource == "snapshot"
    reached = awaited.outcome(outcome)
    done = bool(reached.states) and reached.state_class != "failed"
    return {
        "id": "w-0123456789a01234567",
        "kind": kind,
        "occasion": "",
        "account": topic_arn.split(":")[4],
        "region": topic_arn.split(":")[3],
        "resource_id": f"{resource.prefix}0123456789abcdef0",
        "source_id": "vol-0fedcba9876543210" if of_volume else "",
        "source_name": "orders-db",
        "description": "orders-dbSnap" if of_volume else "",
        "topic_arn": topic_arn,
        "aws_state": reached.states[0] if reached.states else "pending",
        "progress": "100%" if done else "45%",
        "state_message": "The reason stands here." if reached.states and not done else "",
        "size_gib": 100 if any(each.name == "size" for each in resource.columns) else None,
        "made_at": now - _TOOK,
        "started_at": now - _TOOK,
        "completed_at": now if done else None,
        "absent_since": now - timedelta(minutes=10) if outcome == VANISHED else None,
        "last_polled_at": now,
        "late_after": 1800 if outcome == LATE else None,
        "expected": {"usual": 600} if outcome == LATE else None,
    }


def check_size(wording: Wording, now: datetime) -> None:
    """Raises TemplateError if SNS might not take what this wording makes.

    Measured with the longest texts that there can be, so that what is saved always goes out.
    """
    topic = "arn:aws:sns:us-east-1:123456789012:t"
    widest = {name: _WIDE * most for name, most in _WIDEST.items()}
    watch = {**sample("snapshot", "failed", topic, now), **widest}
    facts = facts_of(watch, "failed", SAMPLE_ID, now, _LONGEST_URL)
    size = worded(facts, "\n".join(lines(facts)), wording).size
    if size > MESSAGE_BYTES:
        raise TemplateError(
            f"With the longest names and descriptions this would be {size // 1024} KiB. SNS takes "
            f"{MESSAGE_BYTES // 1024} KiB in all: use fewer facts, or for fewer protocols."
        )

"""What a notice says, and the form in which SNS takes it."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.resources import AWAITED

LONGEST = 1000  # characters of any one text; AWS allows 255 in a snapshot's description
# They turn the reading direction of what follows, and can make a line read as another.
_TURNERS = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}


def notice_of(watch: Mapping[str, Any], outcome: str) -> str:
    """The id of the one notice that this outcome owes the watch's topic; always the same.

    Derived from account, region, resource, outcome and topic, so that two watches that ask for
    the same thing owe one notice; and from the occasion, where it can be reached again.
    """
    parts = [watch[name] for name in ("account", "region", "resource_id")]
    parts += [outcome, watch["topic_arn"]]
    if watch["kind"] != "snapshot":
        parts += [watch["kind"], watch["occasion"]]
    return "n-" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def harmless(text: object, limit: int = LONGEST) -> str:
    """``text`` as one line that cannot pass for several, at most ``limit`` characters.

    Control characters and line breaks become spaces (a description could forge a line of the
    message, and a NUL cannot be stored in every database), what is no character becomes U+FFFD,
    and marks that turn the reading direction go.
    """
    line = str(text)
    if not line.isprintable():
        line = "".join(_harmless_character(character) for character in line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _harmless_character(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    if category in {"Cs", "Cn"}:
        return "\N{REPLACEMENT CHARACTER}"
    return "" if ord(character) in _TURNERS else character


def compose(watch: Mapping[str, Any], outcome: str, identity: str, now: datetime) -> str:
    """The message for a watch that has reached ``outcome``: plain text, one fact per line.

    ``watch`` holds the columns of the table ``watches``, as they are after the outcome;
    ``identity`` is the notice's id, by which a message that came twice can be told.
    """
    awaited = AWAITED[watch["kind"]]
    lines = [
        f"The {awaited.one} {watch['resource_id']} {awaited.outcome(outcome).told}.",
        "",
        f"{awaited.one.capitalize()}: {watch['resource_id']}",
        f"Volume: {_volume(watch)}",
        f"Description: {harmless(watch['description']) or 'none'}",
        f"Started: {_time(watch['started_at']) or 'not known'}",
        f"{_ENDINGS[outcome]}: {_ended(watch, outcome, now)}",
        f"Outcome: {outcome}",
    ]
    if outcome == "failed":
        message = harmless(watch["state_message"])
        lines.append(f"State message: {message or 'AWS gave no reason.'}")
    size = watch["size_gib"]
    lines += [
        f"Size: {'not known' if size is None else f'{size} GiB'}",
        f"Region: {watch['region']}",
        f"Account: {watch['account']}",
        f"Notice: {identity}",
    ]
    return "\n".join(lines) + "\n"


_ENDINGS = {"completed": "Completed", "failed": "Failed", "vanished": "Last looked for"}


def _volume(watch: Mapping[str, Any]) -> str:
    name = harmless(watch["source_name"])
    return f"{watch['source_id']} ({name})" if name else str(watch["source_id"])


def _ended(watch: Mapping[str, Any], outcome: str, now: datetime) -> str:
    if outcome == "vanished":
        return f"{_time(now)}, missing since {_time(watch['absent_since'])}"
    # CompletionTime is recent in the API; an endpoint may leave it out.
    return _time(watch["completed_at"]) or f"seen at {_time(now)}"


def _time(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if moment else ""


def publish_parameters(notice: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of SNS's Publish for a row of the table ``notices``.

    A FIFO topic needs a group and deduplicates by id for five minutes; a standard topic does
    neither, so the notice's id also stands in the message and in its attributes.
    """
    attributes = {
        "notice_id": notice["id"],
        "outcome": notice["outcome"],
        "kind": notice["kind"],
        "resource_id": notice["resource_id"],
    }
    parameters: dict[str, Any] = {
        "TopicArn": notice["topic_arn"],
        "Subject": notice["subject"],
        "Message": notice["message"],
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    }
    if notice["topic_arn"].endswith(".fifo"):
        parameters["MessageGroupId"] = notice["resource_id"]
        parameters["MessageDeduplicationId"] = notice["id"]
    return parameters

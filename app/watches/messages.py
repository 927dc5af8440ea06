"""What a notice says, and the form in which SNS takes it."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from app.resources.spec import VANISHED
from app.watches.facts import NAMES, Fact, facts_of, lines, moment, texts, values
from app.watches.harmless import harmless
from app.watches.templates import (
    BUILT_IN_JSON,
    BUILT_IN_SUBJECT,
    BUILT_IN_TEXT,
    SMS_CHARACTERS,
    SMS_MOST,
    TemplateError,
    fill_json,
    fill_subject,
    fill_text,
    parse_json,
)

MESSAGE_BYTES = 256 * 1024  # of message and attributes together
_ATTRIBUTES_BYTES = 4 * 1024  # more than they can take
# Those with a key of their own in SNS's MessageStructure, that machines read.
JSON_PROTOCOLS = ("sqs", "lambda", "http", "https", "firehose", "email-json")
TEST = "test"  # kind and outcome of a notice that a person sends to try a topic
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Wording:
    """The templates of a topic; an empty one is the built-in. ``json_for``: who gets the JSON."""

    subject: str = ""
    text: str = ""
    json: str = ""
    json_for: tuple[str, ...] = ()


BUILT_IN = Wording()


@dataclass(frozen=True)
class Message:
    """What is published: ``structure`` holds a text for each protocol, or nothing."""

    subject: str
    message: str
    structure: str

    @property
    def size(self) -> int:
        """What SNS counts, in bytes: what is sent, with its attributes."""
        return len((self.structure or self.message).encode()) + _ATTRIBUTES_BYTES


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


def notice_row(
    watch: Mapping[str, Any], outcome: str, now: datetime, wording: Wording, public_url: str = ""
) -> dict[str, Any]:
    """The row of the table ``notices`` that a watch owes when it has reached ``outcome``.

    ``watch`` holds the columns of the table ``watches``, as they are after the outcome;
    ``public_url`` is where people open the console, if that is known.
    """
    identity = notice_of(watch, outcome)
    told = message_of(watch, outcome, identity, now, wording, public_url)
    return {
        "id": identity,
        "watch_id": watch["id"],
        "account": watch["account"],
        "region": watch["region"],
        "kind": watch["kind"],
        "resource_id": watch["resource_id"],
        "outcome": outcome,
        "topic_arn": watch["topic_arn"],
        **_due(told, now),
        "reached_at": watch["completed_at"] or now,
    }


def trial_row(
    topic_arn: str,
    account: str,
    region: str,
    now: datetime,
    wording: Wording,
    public_url: str = "",
) -> dict[str, Any]:
    """The row of a notice by which a person tries a topic; it goes the way of all others.

    Who gets the JSON of other notices gets it of this one too, so that programs can read it.
    """
    identity = "n-" + secrets.token_hex(16)
    told = {
        "subject": "Test from Encante",
        "sentence": "This is a test: somebody tries whether Encante's notices arrive.",
        "kind": TEST,
        "outcome": TEST,
        "resource_id": TEST,
        "name": TEST,
        "region": region,
        "account": account,
        "topic": topic_arn,
        "notice": identity,
        "seen": moment(now),
        "link": public_url and f"{public_url}/notices/{identity}",
    }
    lines_of_it = [told["sentence"], "", f"Topic: {topic_arn}", f"Asked for: {moment(now)}"]
    lines_of_it += [f"Result: {told['link']}"] if told["link"] else []
    text = "\n".join([*lines_of_it, f"Notice: {identity}", ""])
    facts = {**dict.fromkeys(NAMES), **told, "link": told["link"] or None}
    return {
        "id": identity,
        "watch_id": None,
        "account": account,
        "region": region,
        "kind": TEST,
        "resource_id": TEST,
        "outcome": TEST,
        "topic_arn": topic_arn,
        **_due(_structured(told["subject"], text, told, facts, wording), now),
        "reached_at": None,
    }


def _due(told: Message, now: datetime) -> dict[str, Any]:
    return {
        "subject": told.subject,
        "message": told.message,
        "structure": told.structure,
        "state": "waiting",
        "made_at": now,
        "due_at": now,
        "due_set_at": now,
    }


def message_of(
    watch: Mapping[str, Any],
    outcome: str,
    identity: str,
    now: datetime,
    wording: Wording,
    public_url: str = "",
) -> Message:
    """What to say of an outcome, in the topic's wording.

    A wording that cannot be used any more must not keep a notice from going out: then it is the
    built-in one.
    """
    facts = facts_of(watch, outcome, identity, now, public_url)
    absent_since = watch["absent_since"] if outcome == VANISHED else None
    block = "\n".join(lines(facts, absent_since))
    try:
        told = worded(facts, block, wording)
    except TemplateError:
        _log.exception("templates cannot be used", topic=watch["topic_arn"], notice=identity)
    else:
        if told.size <= MESSAGE_BYTES:
            return told
        _log.error("templates make too much", topic=watch["topic_arn"], notice=identity)
    return worded(facts, block, BUILT_IN)


def worded(facts: Mapping[str, Fact], block: str, wording: Wording) -> Message:
    """The facts in words. Raises TemplateError for a JSON template that is none."""
    told = texts(facts, block)
    subject = fill_subject(wording.subject or BUILT_IN_SUBJECT, told) or told["subject"]
    message = fill_text(wording.text or BUILT_IN_TEXT, told)
    if not message.strip():  # SNS takes no empty one
        message = fill_text(BUILT_IN_TEXT, told)
    return _structured(subject, message, told, values(facts, block), wording)


def _structured(
    subject: str,
    message: str,
    told: Mapping[str, str],
    facts: Mapping[str, str | int | None],
    wording: Wording,
) -> Message:
    """The message, with a text of its own for whoever should not get ``message``."""
    if not wording.json_for and len(message) <= SMS_MOST:
        return Message(subject, message, "")
    document = parse_json(wording.json, facts) if wording.json else BUILT_IN_JSON
    machine = fill_json(document, facts)
    structure = {
        "default": message,
        "sms": _short(subject, told),
        **dict.fromkeys(wording.json_for, machine),
    }
    return Message(subject, message, json.dumps(structure, ensure_ascii=False))


def _short(subject: str, told: Mapping[str, str]) -> str:
    about = f"{subject}: {told['resource_id']}, {told['region']}, {told['name']}"
    return harmless(about, SMS_CHARACTERS)


def by_protocol(message: str, structure: str) -> dict[str, str]:
    """The texts of a notice by SNS's protocol; those without one of their own get ``default``."""
    if not structure:
        return {"default": message}
    texts_of_all: dict[str, str] = json.loads(structure)
    return texts_of_all


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
        "Message": notice["structure"] or notice["message"],
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    }
    if notice["structure"]:
        parameters["MessageStructure"] = "json"
    if notice["topic_arn"].endswith(".fifo"):
        parameters["MessageGroupId"] = notice["resource_id"]
        parameters["MessageDeduplicationId"] = notice["id"]
    return parameters

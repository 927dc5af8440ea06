"""Looking at the messages in a queue."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue

from app.aws import queues
from app.aws.call import Plan, plain
from app.aws.show import as_boto3, as_cli, as_words, roles_needed
from app.resources.queues import QUEUE
from app.resources.spec import Row
from app.web import acting, recording
from app.web.context import house
from app.web.finding import find, unknown

READS = 5  # ReceiveMessage gives ten at most, and seldom all that there are


@dataclass(frozen=True)
class Message:
    """A message as a person reads it; ``subject`` and ``topic`` if it came through SNS."""

    id: str
    sent_at: str | None
    received: int
    subject: str
    topic: str
    text: str
    attributes: dict[str, str]
    receipt: str


def messages_page(resource_id: str) -> ResponseReturnValue:
    """The page; the messages themselves are fetched by its button, or at once by htmx."""
    row = find(QUEUE, resource_id)
    if row is None:
        return unknown(QUEUE, resource_id)
    return render_template("queues/messages.html", **_values(row), received=None)


def look(resource_id: str) -> ResponseReturnValue:
    """Fetch what is in the queue now; nothing is taken out. May raise AwsError."""
    row = find(QUEUE, resource_id)
    if row is None:
        return unknown(QUEUE, resource_id)
    plan = _looking(row)
    acting.permit(plan)
    with recording.deed("queue.messages", f"Look at the messages of {row.label}", row=row):
        found = _received(plan)
    listed = sorted(found.values(), key=lambda message: message.sent_at or "", reverse=True)
    part = "queues/messages_list.html" if "HX-Request" in request.headers else None
    return render_template(part or "queues/messages.html", **_values(row), received=listed)


def _received(plan: Plan) -> dict[str, Message]:
    found: dict[str, Message] = {}
    for _ in range(READS):
        answer = plan.calls[0].run(acting.clients(plan.calls[0]))
        new = {entry["MessageId"]: _message(entry) for entry in answer.get("Messages") or []}
        if not new.keys() - found.keys():
            break
        found |= new
    return found


def _looking(row: Row) -> Plan:
    return Plan("Look at messages", (queues.receive(row.description),)).within(row.account)


def _values(row: Row) -> dict[str, Any]:
    plan = _looking(row)
    endpoint = house().accounts.clients(row.account).endpoint()
    sources = acting.sources(plan)
    preview = {
        "says": as_words(plan),
        "boto3": as_boto3(plan, endpoint, sources),
        "cli": as_cli(plan, endpoint, sources),
        "notes": roles_needed(plan, sources),
        "problems": [],
    }
    return {"resource": QUEUE, "row": row, "preview": preview, "checks": None}


def _message(entry: dict[str, Any]) -> Message:
    body = str(entry.get("Body", ""))
    attributes = entry.get("Attributes", {})
    sent = attributes.get("SentTimestamp")
    envelope = _envelope(body)
    own = envelope.get("MessageAttributes") or entry.get("MessageAttributes") or {}
    return Message(
        id=str(entry["MessageId"]),
        sent_at=plain(datetime.fromtimestamp(int(sent) / 1000, UTC)) if sent else None,
        received=int(attributes.get("ApproximateReceiveCount", 0)),
        subject=str(envelope.get("Subject") or ""),
        topic=str(envelope.get("TopicArn") or ""),
        text=str(envelope.get("Message", body)),
        attributes={
            name: str(value.get("Value", value.get("StringValue", "")))
            for name, value in own.items()
            if isinstance(value, dict)
        },
        receipt=str(entry.get("ReceiptHandle", "")),
    )


def _envelope(body: str) -> dict[str, Any]:
    """What SNS wrapped around the message; empty if it came raw, or not through SNS."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    ours = isinstance(found, dict) and found.get("Type") == "Notification" and "Message" in found
    return found if ours else {}


def register(app: Flask) -> None:
    """The queue's page of messages."""
    base = "/queues/<resource_id>/messages"
    app.add_url_rule(base, "queue_messages", messages_page)
    app.add_url_rule(base, "queue_look", look, methods=["POST"])

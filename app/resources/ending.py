"""The forms that take topics, subscriptions, queues and messages away."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wtforms import HiddenField, SelectField
from wtforms.validators import InputRequired, Length

from app.aws import queues, topics
from app.aws.call import Call, Plan
from app.aws.listing import Description
from app.resources.danger import DangerForm, DeleteForm, Effect, hanging, some, waiting
from app.resources.fields import options
from app.resources.forms import Answers, Desk, Done, Section, page_of
from app.resources.spec import Row


def dead_letters_to(holder: Mapping[str, Any]) -> str:
    """The ARN of the queue that a redrive policy among these attributes names, or empty."""
    try:
        found: Any = json.loads(holder.get("RedrivePolicy") or "{}")
    except ValueError:
        return ""  # it is AWS's to check; what is none names no queue
    return str(found.get("deadLetterTargetArn", "")) if isinstance(found, dict) else ""


class DeleteTopicForm(DeleteForm):
    """Delete topics with their subscriptions."""

    title = "Delete topics"
    slug = "topics"
    named = True

    def call(self, row: Row) -> Call:
        return topics.delete_topic(row.id)

    def effects(self, desk: Desk) -> list[Effect]:
        subscribed = [
            _endpoint(entry) for row in desk.rows for entry in topics.subscriptions(row.description)
        ]
        rules = desk.watches.rules_by([row.id for row in desk.rows])
        return [
            Effect("Subscriptions that end with them", texts=subscribed),
            waiting(desk),
            some("Rules that put watches on by them", rules, "rule", "rules"),
        ]

    def consequences(self, desk: Desk) -> list[str]:
        return ["Watches that publish to a deleted topic cannot tell anybody."]


class UnsubscribeForm(DangerForm):
    """End a subscription."""

    title = "End a subscription"
    submit_label = "Unsubscribe"
    sections = (Section("Subscription", ("subscription_arn",)),)

    subscription_arn = SelectField("Subscription", validate_choice=False)

    def prepare(self, desk: Desk) -> None:
        self.subscription_arn.choices = options(
            [
                (entry["SubscriptionArn"], _endpoint(entry))
                for entry in topics.subscriptions(desk.row.description)
                if entry.get("SubscriptionArn", "").startswith("arn:")
            ]
            or [("", "No confirmed subscription")]
        )

    def examine(self, desk: Desk) -> None:
        known = {choice.value for choice in self.subscription_arn.choices}
        if not self.subscription_arn.data or self.subscription_arn.data not in known:
            self.complain("subscription_arn", "Choose a subscription of this topic.")

    def plan(self, desk: Desk) -> Plan:
        call = topics.unsubscribe(desk.row.id, self.subscription_arn.data or "")
        return Plan(self.title, (call,))

    def effects(self, desk: Desk) -> list[Effect]:
        there = [_endpoint(entry) for entry in topics.subscriptions(desk.row.description)]
        return [Effect("Subscriptions, of which the chosen one ends", texts=there), waiting(desk)]

    def consequences(self, desk: Desk) -> list[str]:
        if topics.confirmed(desk.row.description) > 1:
            return []
        return ["It is the only confirmed one: nobody will be told what is published here."]

    def finish(self, desk: Desk, answers: Answers) -> Done:
        return Done("The subscription is ended.", page_of("topics", desk.row.id))


class DeleteQueueForm(DeleteForm):
    """Delete queues with their messages."""

    title = "Delete queues"
    slug = "queues"
    named = True

    def call(self, row: Row) -> Call:
        return queues.delete_queue(row.description)

    def effects(self, desk: Desk) -> list[Effect]:
        ids = {row.id for row in desk.rows}
        messages = sum(int(row.cells.get("messages") or 0) for row in desk.rows)
        feeding = [
            row
            for kind in ("queue", "topic")
            for row in desk.inventory.all(kind)
            if row.id not in ids and ids & _dead_letter_queues(row)
        ]
        return [
            some("Lost with them, about", messages, "message", "messages"),
            Effect("Topics that send to them in vain", hanging(desk, "topic", "queue_arns")),
            Effect("Those whose dead letters go there", feeding),
            Effect("Heard by this console: watches are left to the poll", _heard(desk)),
        ]

    def consequences(self, desk: Desk) -> list[str]:
        return ["What is in a deleted queue cannot be brought back."]


class DeleteMessageForm(DangerForm):
    """Delete one message of a queue, as it was received last."""

    title = "Delete a message"
    submit_label = "Delete"

    receipt = HiddenField(validators=[InputRequired(), Length(max=2048)])
    message_id = HiddenField(validators=[InputRequired(), Length(max=100)])

    def plan(self, desk: Desk) -> Plan:
        return Plan(
            self.title, (queues.delete_message(desk.row.description, self.receipt.data or ""),)
        )

    def consequences(self, desk: Desk) -> list[str]:
        return [
            f"The message {self.message_id.data or ''} is taken out of the queue, and cannot be "
            "brought back."
        ]

    def finish(self, desk: Desk, answers: Answers) -> Done:
        return Done("The message is deleted.", page_of("queues", desk.row.id) + "/messages")


def _endpoint(entry: Description) -> str:
    return f"{entry.get('Protocol')}: {entry.get('Endpoint')}"


def _dead_letter_queues(row: Row) -> set[str]:
    """The ARNs of the queues to which a queue's, or a topic's subscriptions', dead letters go."""
    settings = (row.description.get(topics.SETTINGS) or {}).values()
    holders = [row.description.get("Attributes") or {}, *settings]
    return {arn for holder in holders if (arn := dead_letters_to(holder))}


def _heard(desk: Desk) -> list[Row]:
    heard = {(row.account, row.region): None for row in desk.rows}
    urls = {queue.queue_url for place in heard if (queue := desk.watches.event_queues.get(*place))}
    return [row for row in desk.rows if row.description.get("QueueUrl") in urls]

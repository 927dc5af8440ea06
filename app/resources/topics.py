"""Topics and their subscriptions: columns, relations, forms, actions."""

from __future__ import annotations

from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired

from app.aws import topics
from app.aws.call import Call, Plan
from app.aws.listing import Description
from app.resources.ending import DeleteTopicForm, UnsubscribeForm
from app.resources.fields import OneLine, TagsField, strip
from app.resources.forms import (
    ActionForm,
    Answers,
    CreateForm,
    Desk,
    Done,
    Section,
    page_of,
)
from app.resources.notify import TOPIC_NAME, TOPIC_RULE
from app.resources.spec import Action, Column, Relation, Resource, Row, tags_of
from app.resources.subscriptions import (
    ConfirmForm,
    PermitForm,
    SubscribeForm,
)
from app.resources.tagging import TagsForm

MESSAGE_BYTES = 256 * 1024


def _attribute(description: Description, name: str) -> str | None:
    value: str | None = description.get(topics.ATTRIBUTES, {}).get(name)
    return value


def _pending(description: Description) -> int:
    return len(topics.subscriptions(description)) - topics.confirmed(description)


def queue_arns(description: Description) -> list[str]:
    """The ARNs of the SQS queues that are subscribed to a topic."""
    return [
        entry["Endpoint"]
        for entry in topics.subscriptions(description)
        if entry.get("Protocol") == "sqs" and entry.get("Endpoint")
    ]


def _is_fifo(row: Row) -> bool:
    return row.id.endswith(".fifo")


class CreateTopicForm(CreateForm):
    """Make a topic."""

    title = "Create topic"
    submit_label = "Create topic"
    sections = (Section("Topic", ("account", "region", "name")), Section("Tags", ("tags",)))

    name = StringField(
        "Name",
        filters=[strip],
        validators=[InputRequired()],
        description="A name that ends in .fifo makes a FIFO topic: in order, never twice, "
        "for SQS queues only.",
    )
    tags = TagsField("Tags")

    def examine(self, desk: Desk) -> None:
        if not TOPIC_NAME.match(self.name.data or ""):
            self.complain("name", TOPIC_RULE)
        for row in desk.known.find("topic", "name", [self.name.data or ""], self.place):
            self.complain("name", f"{row.id} has this name already.")

    def plan(self, desk: Desk) -> Plan:
        call = topics.create_topic(self.place, self.name.data or "", self.tags.data)
        return Plan(self.title, (call,))

    def finish(self, desk: Desk, answers: Answers) -> Done:
        arn = answers[-1]["TopicArn"]
        return Done(f"Topic {self.name.data} is made. Subscribe to it now.", page_of("topics", arn))


class PublishForm(ActionForm):
    """Publish a message."""

    title = "Publish a message"
    submit_label = "Publish"
    sections = (Section("Message", ("subject", "message")),)

    subject = StringField(
        "Subject",
        default="Test from Encante",
        validators=[OneLine(99)],
        description="For e-mail; under 100 characters.",
    )
    message = TextAreaField(
        "Message", default="This is a test message.", validators=[InputRequired()]
    )
    dedup = HiddenField()

    def examine(self, desk: Desk) -> None:
        subject = self.subject.data or ""
        if any(not 32 <= ord(mark) < 127 for mark in subject):
            self.complain("subject", "Letters without accents, digits, spaces, punctuation only.")
        if len((self.message.data or "").encode()) > MESSAGE_BYTES:
            self.complain("message", "A message can be 256 KiB at most.")

    def plan(self, desk: Desk) -> Plan:
        fifo = ("encante", self.client_token.data or "") if _is_fifo(desk.row) else ("", "")
        call = topics.publish(
            desk.row.id,
            self.subject.data or "",
            (self.message.data or "").replace("\r\n", "\n"),
            *fifo,
        )
        return Plan(self.title, (call,))

    def warnings(self, desk: Desk) -> list[str]:
        if topics.confirmed(desk.row.description):
            return []
        return ["The topic has no confirmed subscription, so nobody will get this."]

    def finish(self, desk: Desk, answers: Answers) -> Done:
        told = f"Published as {answers[-1]['MessageId']}."
        return Done(told, page_of("topics", desk.row.id))


class TopicTagsForm(TagsForm):
    """The tags of a topic."""

    def calls(self, row: Row, old: dict[str, str], new: dict[str, str]) -> tuple[Call, ...]:
        return topics.topic_tag_calls(row.id, old, new)


def _refuse_unsubscribe(row: Row) -> str | None:
    if topics.confirmed(row.description):
        return None
    return "It has no confirmed subscription; an unconfirmed one lapses by itself after two days."


TOPIC = Resource(
    kind="topic",
    slug="topics",
    title="Topics",
    one="topic",
    group="Messages",
    icon="topic",
    prefix="arn:aws:sns:",
    id_key="TopicArn",
    listing=topics.LISTING,
    name=lambda d: d.get("TopicArn", "").rpartition(":")[2],
    tags=lambda d: tags_of({"Tags": d.get(topics.TAGS)}),
    columns=(
        Column("confirmed", "Confirmed subscriptions", topics.confirmed, "number", tracked=True),
        Column("pending", "Unconfirmed", _pending, "number", tracked=True),
        Column(
            "type",
            "Type",
            lambda d: "FIFO" if d.get("TopicArn", "").endswith(".fifo") else "Standard",
            facet=True,
        ),
        Column(
            "display_name",
            "Display name",
            lambda d: _attribute(d, "DisplayName") or None,
            shown=False,
            tracked=True,
        ),
        Column("queue_arns", "Queues", queue_arns, "ids", of="queue", shown=False, tracked=True),
        Column("owner", "Owner", lambda d: _attribute(d, "Owner"), "code", shown=False),
    ),
    relations=(
        Relation(
            "Queues it sends to", "queue", "id", lambda row: row.cells.get("queue_arns") or [], "on"
        ),
    ),
    actions=(
        Action("new", "Create topic", CreateTopicForm, on="none"),
        Action("subscribe", "Subscribe", SubscribeForm),
        Action("permit", "Let it send to a queue", PermitForm),
        Action("confirm", "Confirm a subscription", ConfirmForm),
        Action("publish", "Publish a message", PublishForm),
        Action("unsubscribe", "End a subscription", UnsubscribeForm, _refuse_unsubscribe),
        Action("tags", "Edit tags", TopicTagsForm),
        Action("delete", "Delete", DeleteTopicForm, on="many"),
    ),
    empty="A topic passes messages on to its subscribers. Watches publish to topics.",
)

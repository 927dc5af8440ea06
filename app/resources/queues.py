"""Queues: columns, relations, forms, actions."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from wtforms import StringField
from wtforms.validators import InputRequired

from app.aws import queues
from app.aws.call import Call, Plan, plain
from app.aws.listing import Description
from app.aws.topics import partition_of
from app.resources.ending import DeleteMessageForm, DeleteQueueForm
from app.resources.fields import TagsField, strip
from app.resources.forms import (
    Answers,
    CreateForm,
    Desk,
    Done,
    Section,
    page_of,
)
from app.resources.hearing import HearForm, UnhearForm
from app.resources.spec import Action, Column, Relation, Resource, Row, tags_of
from app.resources.tagging import TagsForm

_NAME = re.compile(r"^[A-Za-z0-9_-]{1,80}$|^[A-Za-z0-9_-]{1,75}\.fifo$")


def _attribute(description: Description, name: str) -> str | None:
    value: str | None = description.get("Attributes", {}).get(name)
    return value


def _count(description: Description, name: str) -> int | None:
    value = _attribute(description, name)
    return None if value is None else int(value)


def _created(description: Description) -> str | None:
    value = _attribute(description, "CreatedTimestamp")
    stamp: str | None = plain(datetime.fromtimestamp(float(value), UTC)) if value else None
    return stamp


class CreateQueueForm(CreateForm):
    """Make a queue."""

    title = "Create queue"
    submit_label = "Create queue"
    sections = (Section("Queue", ("account", "region", "name")), Section("Tags", ("tags",)))

    name = StringField(
        "Name",
        filters=[strip],
        validators=[InputRequired()],
        description="A name that ends in .fifo makes a FIFO queue.",
    )
    tags = TagsField("Tags")

    def examine(self, desk: Desk) -> None:
        if not _NAME.match(self.name.data or ""):
            self.complain(
                "name",
                "1 to 80 letters without accents, digits, - and _; a FIFO queue's ends in .fifo.",
            )
            return
        known = desk.known.get("queue", self._arn(desk))
        if known and not known.gone:
            self.complain("name", f"There is a queue {self.name.data!r} in {self.place} already.")

    def _arn(self, desk: Desk) -> str:
        place = self.place
        return f"arn:{partition_of(place)}:sqs:{place}:{desk.account}:{self.name.data or ''}"

    def plan(self, desk: Desk) -> Plan:
        return Plan(self.title, (queues.create_queue(self._arn(desk), self.tags.data),))

    def finish(self, desk: Desk, answers: Answers) -> Done:
        told = f"Queue {self.name.data} is made. Subscribe it to a topic from the topic's page."
        return Done(told, page_of("queues", self._arn(desk)))


class QueueTagsForm(TagsForm):
    """The tags of a queue."""

    def calls(self, row: Row, old: dict[str, str], new: dict[str, str]) -> tuple[Call, ...]:
        return queues.queue_tag_calls(row.description, old, new)


QUEUE = Resource(
    kind="queue",
    slug="queues",
    title="Queues",
    one="queue",
    group="Messages",
    icon="queue",
    prefix="arn:aws:sqs:",
    id_key="QueueArn",
    listing=queues.LISTING,
    name=lambda d: d.get("QueueArn", "").rpartition(":")[2],
    tags=lambda d: tags_of({"Tags": d.get(queues.TAGS)}),
    columns=(
        Column(
            "messages", "Messages", lambda d: _count(d, "ApproximateNumberOfMessages"), "number"
        ),
        Column(
            "in_flight",
            "In flight",
            lambda d: _count(d, "ApproximateNumberOfMessagesNotVisible"),
            "number",
        ),
        Column(
            "type",
            "Type",
            lambda d: "FIFO" if d.get("QueueArn", "").endswith(".fifo") else "Standard",
            facet=True,
        ),
        Column("created", "Created", _created, "time"),
        Column("url", "URL", lambda d: d.get("QueueUrl"), "code", shown=False),
        Column(
            "retention",
            "Kept for (s)",
            lambda d: _count(d, "MessageRetentionPeriod"),
            "number",
            shown=False,
            tracked=True,
        ),
    ),
    relations=(
        Relation("Topics that send to it", "topic", "queue_arns", lambda row: [row.id], "from"),
    ),
    actions=(
        Action("new", "Create queue", CreateQueueForm, on="none"),
        Action("hear", "Hurry the poll by events", HearForm, on="none", listed=False),
        Action("unhear", "Stop hearing events", UnhearForm, on="none", listed=False),
        Action(
            "messages", "Look at messages", link=lambda row: page_of("queues", row.id) + "/messages"
        ),
        Action("message", "Delete a message", DeleteMessageForm, listed=False),
        Action("tags", "Edit tags", QueueTagsForm),
        Action("delete", "Delete", DeleteQueueForm, on="many"),
    ),
    empty="A queue keeps messages until they are fetched. Subscribe one to a topic to see what is "
    "published.",
)

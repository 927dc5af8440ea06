"""The part of a form that asks who is to be told: no topic, one that exists, or a new one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from wtforms import RadioField, SelectField, StringField

from app.aws import topics
from app.aws.call import Call
from app.resources.fields import OneLine, options, strip
from app.resources.forms import ActionForm, Desk
from app.resources.spec import Row

NOBODY, OLD, NEW = "none", "existing", "new"
TOPIC_NAME = re.compile(r"^[A-Za-z0-9_-]{1,256}$|^[A-Za-z0-9_-]{1,251}\.fifo$")
TOPIC_RULE = "1 to 256 letters without accents, digits, - and _; a FIFO topic's ends in .fifo."


class NotifyForm(ActionForm):
    """A form with the fields ``notify``, ``topic_arn`` and ``new_topic_name``."""

    when: ClassVar[Mapping[str, str]] = {
        "topic_arn": f"notify={OLD}",
        "new_topic_name": f"notify={NEW}",
    }

    notify = RadioField(
        "Notify me",
        choices=options(
            [
                (NOBODY, "No"),
                (OLD, "By a topic that exists"),
                (NEW, "By a new topic"),
            ]
        ),
        default=NOBODY,
    )
    topic_arn = SelectField("Topic", validate_choice=False)
    new_topic_name = StringField(
        "Name of the new topic",
        filters=[strip],
        validators=[OneLine(256)],
        description="Subscribe to it afterwards, and confirm, or nobody will be told.",
    )

    def offer_topics(self, desk: Desk, region: str) -> None:
        """Fill in the topics, each with its confirmed subscriptions.

        Those of the form's account come first, and of these the ones in ``region``.
        """

        def far(row: Row) -> tuple[bool, bool, str]:
            return row.account != desk.account, row.region != region, row.name

        def told(row: Row) -> str:
            account = f" of {row.account}" if row.account != desk.account else ""
            confirmed = row.cells.get("confirmed") or 0
            return f"{row.name} in {row.region}{account}, {confirmed} confirmed"

        rows = sorted(desk.known.all("topic"), key=far)
        self.topic_arn.choices = options(
            [(row.id, told(row)) for row in rows] or [("", "There is no topic yet")]
        )

    def examine_topic(self, desk: Desk) -> None:
        """Complain about a topic that is not there, or a name that cannot be."""
        row = desk.known.get("topic", self.topic_arn.data or "")
        if self.notify.data == OLD and (row is None or row.gone):
            self.complain("topic_arn", "Choose a topic that exists, or make a new one.")
        if self.notify.data == NEW and not TOPIC_NAME.match(self.new_topic_name.data or ""):
            self.complain("new_topic_name", TOPIC_RULE)

    def topic_calls(self, region: str) -> tuple[Call, ...]:
        """The call that makes the topic, if a new one was asked for."""
        if self.notify.data == NEW and self.new_topic_name.data:
            return (topics.create_topic(region, self.new_topic_name.data),)
        return ()

    def topic(self, desk: Desk, region: str) -> str:
        """The ARN to publish to, or an empty string."""
        if self.notify.data == OLD:
            return self.topic_arn.data or ""
        if self.notify.data == NEW:
            name = self.new_topic_name.data or ""
            return topics.topic_arn(topics.partition_of(region), region, desk.account, name)
        return ""

    def topic_warnings(self, desk: Desk) -> list[str]:
        """That nobody would hear of it, where that is so."""
        if self.notify.data == NEW:
            return [
                "A new topic has no subscription: subscribe to it and confirm before the snapshot "
                "is done, or nobody is told."
            ]
        row = desk.known.get("topic", self.topic_arn.data or "")
        if self.notify.data == OLD and row and not topics.confirmed(row.description):
            return [
                f"The topic {row.name} has no confirmed subscription, so nobody would be told. "
                "Subscribe on the topic's page, and confirm."
            ]
        return []

"""The part of a form that asks what is to be told, and to whom: nobody, a topic, or a new one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from wtforms import (
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
)

from app.aws import topics
from app.aws.call import Call
from app.aws.listing import Description
from app.resources.fields import OneLine, options, strip
from app.resources.forms import ActionForm, Desk
from app.resources.spec import LATE, Awaited, Row
from app.resources.telling import WITH_A_PAST, TellingFields, usual_outcomes

NOBODY, OLD, NEW = "none", "existing", "new"
SOMEBODY = f"notify={OLD} {NEW}"
TOPIC_NAME = re.compile(r"^[A-Za-z0-9_-]{1,256}$|^[A-Za-z0-9_-]{1,251}\.fifo$")
TOPIC_RULE = "1 to 256 letters without accents, digits, - and _; a FIFO topic's ends in .fifo."
ONE_TAG_LESS = "49 tags at most: one more is Encante's own mark."
_TOLD = " You will be told what becomes of it."
_DEAF = (
    " What becomes of it goes to the topic, but nobody is told until there is a confirmed "
    "subscription."
)
NOTIFICATION = ("notify", "topic_arn", "new_topic_name", "outcomes", "late_number", "late_unit")


def topic_options(rows: Sequence[Row], account: str, region: str) -> list[SelectChoice]:
    """Topics to choose from, each with its confirmed subscriptions.

    Those of ``account`` come first, and of these the ones in ``region``.
    """

    def far(row: Row) -> tuple[bool, bool, str]:
        return row.account != account, row.region != region, row.name

    def told(row: Row) -> str:
        of = f" of {row.account}" if row.account != account else ""
        return f"{row.name} in {row.region}{of}, {row.cells.get('confirmed') or 0} confirmed"

    offered = [(row.id, told(row)) for row in sorted(rows, key=far)]
    return options(offered or [("", "There is no topic yet")])


def first_topic(rows: Sequence[Row], offered: Sequence[SelectChoice], used: Sequence[str]) -> str:
    """The topic to begin with: the first of ``used`` that is offered, else one that somebody hears.

    ``rows``: what is known of the topics. The first of all where nobody hears any.
    """
    values = [choice.value for choice in offered]
    heard = {row.id for row in rows if row.cells.get("confirmed")}
    likely = [*(arn for arn in used if arn in values), *(arn for arn in values if arn in heard)]
    return str([*likely, *values][0])


def _lasting(seconds: float) -> str:
    for unit, most in (("second", 120), ("minute", 7200)):
        if seconds < most:
            return f"{seconds / (1 if unit == 'second' else 60):.0f} {unit}s"
    return f"{seconds / 3600:.1f} hours"


class NotifyForm(TellingFields, ActionForm):
    """A form on which one may ask to be told what becomes of what it makes or does.

    ``awaits`` names what is waited for (a kind of AWAITED), ``ticked`` the outcomes that are
    ticked at first, if not the usual ones. ``begin`` puts the watches on before the first call is
    made: ``intend`` where the thing is not there yet, ``put_on`` where it is.
    """

    awaits: str = ""
    ticked: Sequence[str] = ()
    when: ClassVar[Mapping[str, str]] = {
        "topic_arn": f"notify={OLD}",
        "new_topic_name": f"notify={NEW}",
        "outcomes": SOMEBODY,
        "late_number": f"outcomes={LATE}",
        "late_unit": f"outcomes={LATE}",
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

    _tags: Mapping[str, str] = {}  # what a new topic must have for whoever asks
    _intended: Mapping[str, str] = {}  # the watches intended by this form, by request
    _put: Mapping[str, str] = {}  # those that it has put on, and on which resource

    @property
    def awaited(self) -> Awaited:
        """What is waited for."""
        from app.resources import AWAITED  # not above: the kinds have their forms from here

        return AWAITED[self.awaits]

    def offer_notification(self, desk: Desk, region: str) -> None:
        """Fill in the topics and the outcomes."""
        self._tags = desk.tags_for(desk.account, region)
        rows = desk.known.all("topic")
        self.topic_arn.choices = topic_options(rows, desk.account, region)
        if self.topic_arn.data in (None, "", "None"):
            used = desk.watches.topics_used(desk.actor)
            self.topic_arn.data = first_topic(rows, self.topic_arn.choices, used)
        chosen = self.is_submitted() and self.asked  # none is a choice, too, and told of
        ticked = () if chosen else self.ticked or usual_outcomes(self.awaited)
        self.offer_outcomes(self.awaited, ticked)

    def examine_notification(self, desk: Desk) -> None:
        """Complain about a topic that is not there, a name that cannot be, what is to be told."""
        if self.notify.data == NOBODY:
            return
        row = desk.known.get("topic", self.topic_arn.data or "")
        if self.notify.data == OLD and (row is None or row.gone):
            self.complain("topic_arn", "Choose a topic that exists, or make a new one.")
        if self.notify.data == NEW and not TOPIC_NAME.match(self.new_topic_name.data or ""):
            self.complain("new_topic_name", TOPIC_RULE)
        for name, text in self.faults_in_telling(self.awaited):
            self.complain(name, text)

    def topic_calls(self, region: str) -> tuple[Call, ...]:
        """The call that makes the topic, if a new one was asked for."""
        if self.notify.data == NEW and self.new_topic_name.data:
            return (topics.create_topic(region, self.new_topic_name.data, self._tags),)
        return ()

    def topic(self, desk: Desk, region: str) -> str:
        """The ARN to publish to, or an empty string."""
        if self.notify.data == OLD:
            return self.topic_arn.data or ""
        if self.notify.data == NEW:
            name = self.new_topic_name.data or ""
            return topics.topic_arn(topics.partition_of(region), region, desk.account, name)
        return ""

    @property
    def asked(self) -> bool:
        """Whether somebody is to be told."""
        return self.notify.data in {OLD, NEW}

    @property
    def request(self) -> str:
        """The id of the request, which what is made has as a tag; empty if nobody is to be told."""
        return (self.client_token.data or "") if self.asked else ""

    def notification_warnings(self, desk: Desk, volume_id: str = "") -> list[str]:
        """That nobody would hear of it, where that is so; when what is made of a volume is late;
        which tag a new topic gets by itself.
        """
        return [*self._deaf(desk), *self._usually(desk, volume_id), *self._tagged()]

    def _tagged(self) -> list[str]:
        given = self._tags.items() if self.notify.data == NEW else ()
        return [
            f"The new topic gets the tag {key} = {value}, which your role is for."
            for key, value in given
        ]

    def _usually(self, desk: Desk, volume_id: str) -> list[str]:
        wanted = self.asked and LATE in (self.outcomes.data or ())
        if not wanted or self.late_number.data or self.awaits not in WITH_A_PAST:
            return []
        past = desk.known.find("snapshot", "volume_id", [volume_id]) if volume_id else []
        usual = desk.watches.usual(past)
        if usual is None:
            return [
                "No snapshot of this volume was completed yet, so that nothing is known of how "
                "long they take: without a number it is never late."
            ]
        return [
            f"It is late after {_lasting(3 * usual)}: snapshots of this volume usually take "
            f"{_lasting(usual)}."
        ]

    def _deaf(self, desk: Desk) -> list[str]:
        if self.notify.data == NEW:
            return [
                "A new topic has no subscription: subscribe to it and confirm before there is "
                "something to tell, or nobody is told."
            ]
        row = desk.known.get("topic", self.topic_arn.data or "")
        if self.notify.data == OLD and row and not topics.confirmed(row.description):
            return [
                f"The topic {row.name} has no confirmed subscription, so nobody would be told. "
                "Subscribe on the topic's page, and confirm."
            ]
        return []

    def told(self, desk: Desk) -> str:
        """What to say, when it is done, of whether somebody will be told."""
        if not self.asked:
            return ""
        return _DEAF if self._deaf(desk) else _TOLD

    def _promise(self, desk: Desk, account: str, region: str, home: str) -> dict[str, Any]:
        return {
            "kind": self.awaits,
            "account": account,
            "region": region,
            "topic_arn": self.topic(desk, home),
            "outcomes": list(self.outcomes.data),
            "late_after": self.late_after,
            "actor": desk.actor,
        }

    def intend(
        self,
        desk: Desk,
        region: str,
        requests: Sequence[str],
        *,
        source_id: str = "",
        description: str = "",
    ) -> None:
        """Commit a watch for each thing that is to be made, if somebody is to be told.

        ``requests``: the ids that the things will have as a tag, by which they are found again;
        ``source_id``: what they are made of.
        """
        if not self.asked:
            return
        given = {
            **self._promise(desk, desk.account, region, region),
            "source_id": source_id,
            "source_name": name_of(desk, source_id),
            "description": description,
        }
        self._intended = {
            request: desk.watches.intend(request_id=request, **given) for request in requests
        }

    def bind(self, desk: Desk, made: Mapping[str, Description]) -> str:
        """Put the intended watches on what was ``made``, by request; what to say of it."""
        for request, watch in self._intended.items():
            if request in made:
                desk.watches.bind(watch, dict(made[request]))
            else:
                desk.watches.abandon(watch, "AWS made fewer than were asked for.")
        return self.told(desk) if self._intended else ""

    def put_on(self, desk: Desk, found: Sequence[tuple[Row, Description]]) -> str:
        """Commit a watch on each of the rows, as it was found, if somebody is to be told.

        Returns the last one's id, or an empty string.
        """
        watch = ""
        for row, description in found if self.asked else ():
            there = {view.id for view in desk.watches.of_resource(row.id)}
            source = self.awaited.facts(description).get("source_id") or ""
            watch = desk.watches.watch(
                **self._promise(desk, row.account, row.region, desk.row.region),
                found=dict(description),
                source_name=name_of(desk, source),
            )
            if watch not in there:
                self._put = {**self._put, watch: row.id}
        return watch

    def fail(self, desk: Desk, certain: bool) -> None:
        if not certain:
            return
        for watch in self._intended.values():
            desk.watches.abandon(watch, "AWS refused to make it.")
        spared = {row.id for row in desk.rows}
        for watch, resource_id in self._put.items():
            if resource_id in spared:
                desk.watches.cancel(watch)


def name_of(desk: Desk, resource_id: str) -> str:
    """The name of what has that id, of whatever kind; empty if it has none or is not known."""
    from app.resources import kind_of  # as above

    row = desk.known.get(kind_of(resource_id), resource_id) if resource_id else None
    return row.name if row else ""

"""The form of a rule."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, SelectField, StringField
from wtforms.validators import DataRequired, Length, Regexp

from app.aws import topics
from app.inventory.filters import MAX_LENGTH
from app.resources.fields import OneLine, options, strip
from app.resources.forms import SENDING_FORM, Section
from app.resources.notify import first_topic, topic_options
from app.resources.spec import LATE, Awaited, Row
from app.resources.telling import TellingFields, late_parts, usual_outcomes
from app.watches import Draft, Rule, WatchError
from app.watches.ruled import RULED

# a refusal of the store, and the field that it stands at
_AT = {"late_after": "late_number"}


class RuleForm(TellingFields, FlaskForm):  # type: ignore[misc]
    """What a rule is for, whom it tells, and of what."""

    sections: ClassVar[tuple[Section, ...]] = (
        Section("What is watched", ("name", "kind", "filter")),
        Section(
            "What is told, and to whom",
            ("topic_arn", "outcomes", "late_number", "late_unit", "enabled"),
        ),
    )
    when: ClassVar[Mapping[str, str]] = {
        "late_number": f"outcomes={LATE}",
        "late_unit": f"outcomes={LATE}",
    }

    client_token = HiddenField(validators=[Length(max=64), Regexp(SENDING_FORM)])
    name = StringField("Name", filters=[strip], validators=[DataRequired(), OneLine(200)])
    kind = SelectField(
        "Kind", choices=options((kind, RULED[kind].resource.title) for kind in RULED)
    )
    filter = StringField(
        "Filter",
        filters=[strip],
        validators=[OneLine(MAX_LENGTH)],
        description="As above a list: tag:Backup = nightly. Empty: all of them, in every region "
        "and account.",
    )
    topic_arn = SelectField("Topic", validate_choice=False)
    enabled = BooleanField("On", default=True)

    @property
    def awaited(self) -> Awaited:
        """What its watches wait for; of the first kind, until one is chosen that exists."""
        return RULED[self.kind.data if self.kind.data in RULED else next(iter(RULED))].awaited

    def prepare(
        self, found: list[Row], used: Sequence[str], account: str, region: str, anew: bool
    ) -> None:
        """Fill in the topics, which are ``found``, and what can be told of the kind.

        ``used``: the topics to begin with, the likeliest first. ``anew``: nobody has chosen yet, or
        for another kind, what is told.
        """
        if self.kind.data not in RULED and not self.is_submitted():
            self.kind.data = next(iter(RULED))
        self.filter.render_kw = {
            "data-suggest": f"/suggest/{RULED[self.awaited.kind].resource.slug}",
            "maxlength": MAX_LENGTH,
            "autocapitalize": "off",
            "spellcheck": "false",
        }
        self.client_token.data = self.client_token.data or str(uuid.uuid4())
        self.topic_arn.choices = topic_options(found, account, region)
        if self.topic_arn.data in (None, "", "None"):
            self.topic_arn.data = first_topic(found, self.topic_arn.choices, used)
        if anew:
            names = [each.name for each in self.awaited.outcomes]
            self.outcomes.data = [name for name in self.outcomes.data or [] if name in names]
        self.offer_outcomes(self.awaited, _usual(self.awaited) if anew else ())
        if self.awaited.repeats:  # it is always waited for: nothing is late
            offered = [one for one in self.outcomes.choices if one.value != LATE]
            self.outcomes.choices = offered

    def examine(self, topic: Row | None) -> bool:
        """Whether all is right but for what the store refuses; errors stand at the fields."""
        right = bool(self.validate())
        for name, text in self.faults_in_telling(self.awaited):
            self.complain(name, text)
        if topic is None or topic.gone:
            self.complain("topic_arn", "Choose a topic that exists.")
        return right and not self.errors

    def complain(self, name: str, message: str) -> None:
        """Put an error at a field."""
        target = self._fields[name]
        target.errors = [*target.errors, message]

    def refused(self, error: WatchError) -> None:
        """Put a refusal of the store at its field."""
        name = _AT.get(error.field, error.field)
        self.complain(name if name in self._fields else "name", str(error))

    def draft(self) -> Draft:
        """The rule that the form asks for."""
        return Draft(
            name=self.name.data or "",
            kind=self.kind.data or "",
            filter=self.filter.data or "",
            topic_arn=self.topic_arn.data or "",
            outcomes=self.outcomes.data or [],
            late_after=self.late_after,
            enabled=bool(self.enabled.data),
        )


def _usual(awaited: Awaited) -> list[str]:
    """What is ticked at first: of what comes again and again, everything it can become."""
    if awaited.repeats:
        return [each.name for each in awaited.outcomes if each.name != LATE]
    return usual_outcomes(awaited)


def as_data(rule: Rule) -> dict[str, Any]:
    """A rule as the form's fields hold it."""
    names = ("name", "kind", "filter", "topic_arn", "enabled")
    number, unit = late_parts(rule.late_after)
    held = {name: getattr(rule, name) for name in names}
    return {**held, "outcomes": [*rule.outcomes], "late_number": number, "late_unit": unit}


def unheard(topic: Row | None) -> str:
    """That nobody would hear of it, where that is so; or an empty text."""
    if topic is not None and topic.gone:
        return f"The topic {topic.name} is gone, so nobody would be told. Choose another one."
    if topic is None or topics.confirmed(topic.description):
        return ""
    return (
        f"The topic {topic.name} has no confirmed subscription, so nobody would be told. "
        "Subscribe on the topic's page, and confirm."
    )

"""How notices are worded and sent: the templates of a topic, or of all, with a preview."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from flask import Flask, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import (
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)

from app.aws import topics
from app.db import now
from app.inventory import FilterError
from app.resources import AWAITED
from app.resources.fields import options
from app.resources.forms import link
from app.resources.spec import Row
from app.watches.facts import NAMES
from app.watches.messages import JSON_PROTOCOLS, Message, Wording, by_protocol, message_of
from app.watches.samples import SAMPLE_ID, check_size, sample
from app.watches.templates import (
    BUILT_IN_JSON,
    BUILT_IN_SUBJECT,
    BUILT_IN_TEXT,
    TemplateError,
    check_subject,
    check_text,
    parse_json,
)
from app.watches.topic_settings import ALL, HOLD, REPEAT, TopicSettings
from app.web import recording
from app.web.context import actor, house, inventory, watches

_BUILT_IN_JSON_TEXT = json.dumps(BUILT_IN_JSON, indent=2)
_NEWEST = "newest"
_SAMPLE = "snapshot completed"


class WordingForm(FlaskForm):  # type: ignore[misc]
    """Templates of a topic. What is as it is built in is kept as empty, and so stays up to date."""

    subject = StringField("Subject", description="Of e-mails: one line, under 100 characters.")
    text = TextAreaField("Text", description="What e-mails say, and whoever gets no JSON.")
    json = TextAreaField(
        "JSON",
        description="For machines. Every string in it is a template; one that is a name alone "
        "becomes the fact itself: a number, or null where it is not known.",
    )
    json_for = SelectMultipleField(
        "Who gets the JSON",
        choices=options((each, each) for each in JSON_PROTOCOLS),
        description="By the protocol of the subscription. Others get the text, SMS a short one.",
    )
    when_uncertain = RadioField(
        "When nobody knows whether a notice was delivered",
        choices=options(
            [
                (
                    REPEAT,
                    "Repeat: it is sent again with the same id; rarely, somebody gets it twice",
                ),
                (HOLD, "Hold: it waits until a person has looked; it may come late, or never"),
            ]
        ),
        default=REPEAT,
    )
    sample = SelectField("Shown with", validate_choice=False)

    def fill(self, settings: TopicSettings) -> None:
        """Show these settings; what is built in, as it is."""
        wording = settings.wording
        self.subject.data = wording.subject or BUILT_IN_SUBJECT
        self.text.data = wording.text or BUILT_IN_TEXT
        self.json.data = wording.json or _BUILT_IN_JSON_TEXT
        self.json_for.data = list(wording.json_for)
        self.when_uncertain.data = settings.when_uncertain

    def wording(self) -> Wording:
        """The templates as they are typed."""

        def typed(field: Any, built_in: str) -> str:
            text = (field.data or "").replace("\r\n", "\n")
            return "" if text.strip() == built_in.strip() else text

        return Wording(
            typed(self.subject, BUILT_IN_SUBJECT),
            typed(self.text, BUILT_IN_TEXT),
            typed(self.json, _BUILT_IN_JSON_TEXT),
            tuple(self.json_for.data or ()),
        )

    def examine(self) -> bool:
        """Whether everything can be used; what cannot is told at its field."""
        good = self.validate()
        checks: list[tuple[Any, Callable[[], object]]] = [
            (self.subject, lambda: check_subject(self.subject.data or "", NAMES)),
            (self.text, lambda: check_text(self.text.data or "", NAMES)),
            (self.json, lambda: parse_json(self.json.data or "{}", NAMES)),
        ]
        for field, check in checks:
            good = _tell(field, check) and good
        return good and _tell(self.json_for, lambda: check_size(self.wording(), now()))


def _tell(field: Any, check: Callable[[], object]) -> bool:
    try:
        check()
    except TemplateError as error:
        field.errors = [*field.errors, str(error)]
        return False
    return True


def wording_page() -> ResponseReturnValue:
    """The templates: GET shows them; POST previews, saves, or goes back to what is built in."""
    topic_arn = request.args.get("topic", ALL)
    topic = _topic(topic_arn)
    book = house().watches.topic_settings
    own = book.own(topic_arn)
    form = WordingForm()
    form.sample.choices = _choices(topic_arn)
    if request.method != "POST":
        form.fill(own or book.of(topic_arn))
        newest = form.sample.choices[0].value == _NEWEST
        form.sample.data = _NEWEST if newest else _SAMPLE
        return _page(form, topic_arn, topic, own)
    doing = request.form.get("_do", "save")
    if doing == "forget":
        with recording.deed("wording.change", _title(topic_arn, "as before"), before=_told_of(own)):
            book.forget(topic_arn)
        like = "as for all topics" if topic_arn else "as built in"
        flash(f"From now on notices are worded {like}.", "success")
        return redirect(request.full_path.rstrip("?"), 303)
    if doing == "refill":  # it comes back after signing in
        return _page(form, topic_arn, topic, own)
    good = form.examine()
    if doing == "preview" and "HX-Request" in request.headers:
        return render_template("notices/preview.html", **_preview(form, topic_arn, topic))
    if not good or doing == "preview":
        return _page(form, topic_arn, topic, own), 200 if good else 422
    wanted = TopicSettings(topic_arn, form.when_uncertain.data, form.wording(), None, actor())
    was, becomes = _told_of(own), _told_of(wanted)
    with recording.deed("wording.change", _title(topic_arn), before=was, after=becomes):
        book.save(wanted, now())
    flash("Saved. Notices that are owed from now on are worded so.", "success")
    return redirect(request.full_path.rstrip("?"), 303)


def _title(topic_arn: str, more: str = "") -> str:
    return f"Wording of {topic_arn or 'all topics'} {more}".strip()


def _told_of(own: TopicSettings | None) -> dict[str, Any]:
    """The settings of a topic for the audit log."""
    return {} if own is None else {"when_uncertain": own.when_uncertain, **asdict(own.wording)}


def _topic(topic_arn: str) -> Row | None:
    if topic_arn == ALL:
        return None
    row = inventory().get("topic", topic_arn)
    if row is None and house().watches.topic_settings.own(topic_arn) is None:
        raise FilterError("topic", f"The topic {topic_arn[:100]!r} is not known here.")
    return row


def _page(form: WordingForm, topic_arn: str, topic: Row | None, own: TopicSettings | None) -> str:
    return render_template(
        "notices/wording.html",
        form=form,
        topic_arn=topic_arn,
        own=own,
        others=[] if topic_arn else house().watches.topic_settings.with_own(),
        names=NAMES,
        back=link("/notices", topic=topic_arn) if topic_arn else "/notices",
        **_preview(form, topic_arn, topic),
    )


def _choices(topic_arn: str) -> list[SelectChoice]:
    """What can be shown: the newest notice that was owed, and one of each outcome, made up."""
    real = watches().notices.newest(topic_arn)
    made_up = [(name, f"{name} (made up)") for name in _samples()]
    newest = [(_NEWEST, f"The newest: {real.notice.subject}")] if real else []
    return options([*newest, *made_up])


def _samples() -> list[str]:
    return [f"{kind} {each.name}" for kind, one in AWAITED.items() for each in one.outcomes]


def _told(form: WordingForm, topic_arn: str) -> Message:
    chosen, moment, home = str(form.sample.data), now(), house().settings.public_url
    real = watches().notices.newest(topic_arn) if chosen == _NEWEST else None
    if real:
        notice = real.notice
        at, wording = notice.made_at, form.wording()
        return message_of(real.watch, notice.outcome, notice.id, at, wording, home)
    kind, _, outcome = (chosen if chosen in _samples() else _SAMPLE).partition(" ")
    made_up = sample(kind, outcome, topic_arn or _some_topic(), moment)
    return message_of(made_up, outcome, SAMPLE_ID, moment, form.wording(), home)


def _preview(form: WordingForm, topic_arn: str, topic: Row | None) -> dict[str, Any]:
    """What a made-up notice would say to each protocol; ``told`` is None if something is wrong."""
    if form.errors:
        return {"told": None, "texts": [], "problems": _problems(form)}
    told = _told(form, topic_arn)
    return {"told": told, "texts": _texts(told, topic), "problems": []}


def _problems(form: WordingForm) -> list[tuple[str, str]]:
    return [(form[name].label.text, errors[0]) for name, errors in form.errors.items() if name]


def _some_topic() -> str:
    account = house().accounts.require()
    region = account.regions[0]
    return topics.topic_arn(topics.partition_of(region), region, account.id, "backups")


def _texts(told: Message, topic: Row | None) -> list[tuple[str, str, str]]:
    """(protocols, how many are subscribed by them, text) of each text, JSON with line breaks."""
    texts = by_protocol(told.message, told.structure)
    by_text: dict[str, list[str]] = {}
    for protocol, text in texts.items():
        by_text.setdefault(text, []).append(protocol)
    subscribed = topics.subscriptions(topic.description) if topic else []
    used = [str(each.get("Protocol")) for each in subscribed]
    return [
        (_named(protocols), _counted(protocols, used, texts), _readable(protocols, text))
        for text, protocols in by_text.items()
    ]


def _named(protocols: list[str]) -> str:
    return ", ".join("all others" if each == "default" else each for each in protocols)


def _counted(protocols: list[str], used: list[str], texts: Mapping[str, str]) -> str:
    default = "default" in protocols
    count = sum(each in protocols or (default and each not in texts) for each in used)
    return f"{count} subscription{'s' if count != 1 else ''} of this topic" if used else ""


def _readable(protocols: list[str], text: str) -> str:
    if not any(each in JSON_PROTOCOLS for each in protocols):
        return text
    return json.dumps(json.loads(text), indent=2, ensure_ascii=False)


def register(app: Flask) -> None:
    """The page of templates."""
    app.add_url_rule("/notices/messages", "wording", wording_page, methods=["GET", "POST"])

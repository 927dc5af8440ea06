"""The forms that have EventBridge tell this console what happens in a region, or no more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired

from app.aws import events
from app.aws.call import Plan
from app.resources.danger import DangerForm, Effect, Target, known_or_not
from app.resources.fields import strip
from app.resources.forms import Answers, CreateForm, Desk, Done, Section

PAGE = "/watches/events"
# EventBridge allows a rule 64 characters, dots among them; SQS allows a queue no dots.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class HearForm(CreateForm):
    """Make rule and queue, and hear the queue from then on."""

    title = "Hurry the poll by events"
    submit_label = "Make rule and queue"
    sections = (
        Section(
            "Where from",
            ("account", "region", "name"),
            "EventBridge then puts into a queue what happens to snapshots, volumes, images and "
            "instances there, and what a watch waits for is looked at as soon as it is told. An "
            "event that is late or lost does no harm: the poll goes on.",
        ),
    )

    name = StringField(
        "Name of rule and queue",
        filters=[strip],
        validators=[InputRequired()],
        default=events.NAME,
        description="Consoles with a database each need a queue each, else each hears a part only.",
    )

    def examine(self, desk: Desk) -> None:
        if not _NAME.fullmatch(self.name.data or ""):
            self.complain("name", "1 to 64 letters without accents, digits, - and _.")
            return
        heard = desk.watches.event_queues.get(desk.account, self.place)
        if heard and heard.rule_name != self.name.data:
            told = f"{heard.rule_name} is heard in {self.place} already. Stop hearing it first."
            self.complain("name", told)

    def plan(self, desk: Desk) -> Plan:
        there = (desk.account, self.place, self.name.data or "")
        calls = (events.create_queue(*there), events.put_rule(*there), events.put_target(*there))
        return Plan(self.title, calls)

    def finish(self, desk: Desk, answers: Answers) -> Done:
        url, _, target = answers[0]["QueueUrl"], answers[1], answers[2]
        if refused := _refused(target):
            return Done(f"EventBridge does not send to the queue: {refused}", PAGE, "error")
        name = self.name.data or ""
        desk.watches.event_queues.add(
            account=desk.account,
            region=self.place,
            queue_url=str(url),
            queue_arn=events.queue_arn(desk.account, self.place, name),
            rule_name=name,
        )
        return Done(f"What happens in {self.place} is heard from now on.", PAGE)


class UnhearForm(DangerForm, CreateForm):
    """Delete rule and queue, and hear the region no more."""

    title = "Stop hearing events"
    submit_label = "Stop hearing"
    sections = (Section("Where from", ("account", "region", "leave")),)

    leave = BooleanField(
        "Leave rule and queue as they are",
        description="For when they are gone already, or somebody else uses them too.",
    )

    def examine(self, desk: Desk) -> None:
        if desk.watches.event_queues.get(desk.account, self.place) is None:
            self.complain("region", f"No queue is heard in {self.place}.")

    def plan(self, desk: Desk) -> Plan:
        heard = desk.watches.event_queues.get(desk.account, self.place)
        if heard is None or self.leave.data:
            return Plan(self.title, ())
        there = (desk.account, self.place, heard.rule_name)
        calls = (
            events.remove_target(*there),
            events.delete_rule(*there),
            events.delete_queue(*there, heard.queue_url),
        )
        return Plan(self.title, calls)

    def targets(self, desk: Desk) -> list[Target]:
        heard = desk.watches.event_queues.get(desk.account, self.place)
        if heard is None:
            return []
        rule = events.rule_arn(desk.account, self.place, heard.rule_name)
        return [Target(rule, heard.rule_name)]

    def effects(self, desk: Desk) -> list[Effect]:
        heard = desk.watches.event_queues.get(desk.account, self.place)
        arn = events.queue_arn(desk.account, self.place, heard.rule_name) if heard else ""
        return [known_or_not(desk, "queue", "Deleted with it", [arn] if arn else [])]

    def consequences(self, desk: Desk) -> list[str]:
        return ["Watches go on as before; what they wait for is told by the poll alone."]

    def finish(self, desk: Desk, answers: Answers) -> Done:
        desk.watches.event_queues.remove(desk.account, self.place)
        return Done(f"What happens in {self.place} is told by the poll alone.", PAGE)


def _refused(answer: Mapping[str, Any]) -> str:
    """Why EventBridge did not take a target, although it answered; empty if it did."""
    if not answer.get("FailedEntryCount"):
        return ""
    failed = answer.get("FailedEntries") or [{}]
    return f"{failed[0].get('ErrorCode', '')}: {failed[0].get('ErrorMessage', '')}".strip(": ")

"""The forms of a topic's subscriptions: make, permit, confirm, end."""

from __future__ import annotations

import re

from wtforms import BooleanField, SelectField, TextAreaField
from wtforms.validators import InputRequired

from app.aws import queues, topics
from app.aws.call import Call, Plan
from app.resources.fields import OneLine, PickerField, options, strip
from app.resources.forms import ActionForm, Answers, Desk, Done, Section, page_of
from app.resources.spec import Row

_ENDPOINTS: dict[str, tuple[str, str]] = {
    "email": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "an address such as ops@example.com"),
    "email-json": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "an address such as ops@example.com"),
    "http": (r"http://\S+", "a URL that begins with http://"),
    "https": (r"https://\S+", "a URL that begins with https://"),
    "sqs": (r"arn:[\w-]+:sqs:[\w-]+:\d{12}:[\w.-]+", "the ARN of an SQS queue"),
    "sms": (r"\+\d{6,15}", "a phone number such as +491701234567"),
    "lambda": (r"arn:[\w-]+:lambda:\S+", "the ARN of a Lambda function"),
    "firehose": (r"arn:[\w-]+:firehose:\S+", "the ARN of a Firehose delivery stream"),
    "application": (r"arn:[\w-]+:sns:\S+:endpoint/\S+", "the ARN of a platform endpoint"),
}


class SubscribeForm(ActionForm):
    """Subscribe an endpoint to a topic; a queue is given the policy that it needs."""

    title = "Subscribe to the topic"
    submit_label = "Subscribe"
    sections = (Section("Subscription", ("protocol", "endpoint", "raw_message_delivery")),)

    protocol = SelectField("Protocol", choices=options((name, name) for name in topics.PROTOCOLS))
    endpoint = PickerField(
        "Endpoint",
        "/pick/queues",
        filters=[strip],
        validators=[InputRequired(), OneLine(2048)],
        description="An e-mail address, a URL, the ARN of a queue (those known here are "
        "offered), … as the protocol asks for.",
    )
    raw_message_delivery = BooleanField(
        "Raw message delivery",
        description="The message as it is, without SNS's JSON around it (sqs, http, https).",
    )

    def examine(self, desk: Desk) -> None:
        protocol, endpoint = self.protocol.data, self.endpoint.data or ""
        form, rule = _ENDPOINTS.get(protocol, (".*", ""))
        if not re.fullmatch(form, endpoint):
            self.complain("endpoint", f"{protocol} needs {rule}.")
            return
        if desk.row.id.endswith(".fifo") and protocol != "sqs":
            self.complain("protocol", "Only SQS queues can be subscribed to a FIFO topic.")
        if self.raw_message_delivery.data and protocol not in {"sqs", "http", "https", "firehose"}:
            self.complain("raw_message_delivery", f"Not possible with {protocol}.")

    def _queue(self, desk: Desk) -> Row | None:
        if self.protocol.data != "sqs":
            return None
        known = desk.known.get("queue", self.endpoint.data or "")
        return None if known is None or known.gone else known

    def plan(self, desk: Desk) -> Plan:
        calls: list[Call] = []
        queue = self._queue(desk)
        if queue and not queues.lets_topic_send(queue.description, desk.row.id):
            calls.append(queues.let_topic_send(queue.description, desk.row.id))
        calls.append(
            topics.subscribe(
                desk.row.id,
                self.protocol.data or "",
                self.endpoint.data or "",
                bool(self.raw_message_delivery.data),
            )
        )
        return Plan(self.title, tuple(calls))

    def warnings(self, desk: Desk) -> list[str]:
        if self.protocol.data == "sqs":
            if self.endpoint.data and self._queue(desk) is None:
                return [
                    "This queue is not among the ones known here, so its policy is left as it is. "
                    "Without one that lets the topic send, messages vanish silently."
                ]
            return []
        if self.protocol.data in {"email", "email-json", "http", "https"}:
            return ["It counts only when it is confirmed, within two days, at its endpoint."]
        return []

    def finish(self, desk: Desk, answers: Answers) -> Done:
        url = page_of("topics", desk.row.id)
        if self.protocol.data in {"email", "email-json", "http", "https"}:
            told = f"{self.endpoint.data} was asked to confirm. Nothing is sent to it before that."
            return Done(told, url, "warning")
        return Done(f"{self.endpoint.data} is subscribed.", url)


class PermitForm(ActionForm):
    """Give a queue the policy by which the topic may send to it."""

    title = "Let the topic send to a queue"
    submit_label = "Let it send"
    sections = (Section("Queue", ("queue",)),)

    queue = SelectField("Queue", validate_choice=False)

    def prepare(self, desk: Desk) -> None:
        # also those of dead letters, to which nothing is subscribed
        rows = desk.known.all("queue", desk.row.region)
        self.queue.choices = options(
            [
                (row.id, row.name)
                for row in rows
                if not queues.lets_topic_send(row.description, desk.row.id)
            ]
            or [("", "Every queue of this region lets the topic send")]
        )

    def examine(self, desk: Desk) -> None:
        if self._queue(desk) is None:
            self.complain("queue", "Choose a queue that does not let the topic send yet.")

    def _queue(self, desk: Desk) -> Row | None:
        return desk.known.get("queue", self.queue.data or "") if self.queue.data else None

    def plan(self, desk: Desk) -> Plan:
        queue = self._queue(desk)
        calls = (queues.let_topic_send(queue.description, desk.row.id),) if queue else ()
        return Plan(self.title, calls)

    def finish(self, desk: Desk, answers: Answers) -> Done:
        told = f"{self.queue.data} lets the topic send to it."
        return Done(told, page_of("topics", desk.row.id))


class ConfirmForm(ActionForm):
    """Confirm a subscription by the token that its endpoint was sent."""

    title = "Confirm a subscription"
    submit_label = "Confirm"
    sections = (Section("Token", ("token",)),)

    token = TextAreaField(
        "Token, or the whole link that was sent",
        filters=[strip],
        validators=[InputRequired()],
        description="The link in the message holds it: …&Token=2336412f37…",
    )

    def _token(self) -> str:
        found = re.search(r"[?&]Token=([0-9A-Za-z]+)", self.token.data or "")
        return found[1] if found else (self.token.data or "")

    def examine(self, desk: Desk) -> None:
        if not re.fullmatch(r"[0-9A-Za-z-]{16,512}", self._token()):
            self.complain("token", "This holds no token: a long row of letters and digits.")

    def plan(self, desk: Desk) -> Plan:
        return Plan(self.title, (topics.confirm_subscription(desk.row.id, self._token()),))

    def finish(self, desk: Desk, answers: Answers) -> Done:
        return Done("The subscription is confirmed.", page_of("topics", desk.row.id))

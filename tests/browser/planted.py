"""What a hostile AWS would hold: names, tags, descriptions, messages and errors that mean harm."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError, ParamValidationError
from playwright.sync_api import Page

from app.db import make_engine
from app.people import users
from app.people.audit import By
from scripts.own_console import OwnConsole
from tests import hostile
from tests.fuzz.surface import read

REGION = "us-east-1"
# everything at once, as long as a tag's value may be
TEXTS = [*hostile.NAMES.values(), *hostile.CONTROL.values()]
NAME, KEY = 256, 128


class Planter:
    """Makes resources in the sandbox, as somebody else with the same account would."""

    def __init__(self, console: OwnConsole) -> None:
        self.console = console
        self.planted: dict[str, list[str]] = {}  # the texts that were taken, by kind

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        return make(
            service,
            region_name=REGION,
            endpoint_url=f"http://127.0.0.1:{self.console.sandbox_port}",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )

    def plant(self) -> None:
        """One resource of each kind for each text that AWS would take."""
        ec2, sns, sqs = self.client("ec2"), self.client("sns"), self.client("sqs")
        instances = ec2.describe_instances(MaxResults=100)["Reservations"]
        instance = instances[0]["Instances"][0]["InstanceId"]
        volume = ec2.describe_volumes(MaxResults=5)["Volumes"][0]["VolumeId"]
        topic = sns.create_topic(Name="planted")["TopicArn"]
        queue = sqs.create_queue(QueueName="planted")["QueueUrl"]

        def tags(kind: str, text: str) -> list[dict[str, Any]]:
            own = [{"Key": "Name", "Value": text[:NAME]}, {"Key": text[:KEY], "Value": text[:NAME]}]
            return [{"ResourceType": kind, "Tags": own}]

        def volume_of(text: str) -> None:
            ec2.create_volume(
                AvailabilityZone=f"{REGION}a", Size=1, TagSpecifications=tags("volume", text)
            )

        def group_of(text: str) -> None:
            ec2.create_security_group(
                GroupName=f"group {len(self.planted['security_group'])}",
                Description=text[:255],
                TagSpecifications=tags("security-group", text),
            )

        def topic_of(text: str) -> None:
            made = sns.create_topic(Name=f"t{len(self.planted['topic'])}")["TopicArn"]
            sns.set_topic_attributes(
                TopicArn=made, AttributeName="DisplayName", AttributeValue=text[:100]
            )
            sns.tag_resource(ResourceArn=made, Tags=[{"Key": text[:KEY], "Value": text[:NAME]}])

        each: dict[str, Callable[[str], object]] = {
            "volume": volume_of,
            "security_group": group_of,
            "topic": topic_of,
            "snapshot": lambda text: ec2.create_snapshot(
                VolumeId=self._rested(volume), Description=text[:255],
                TagSpecifications=tags("snapshot", text),
            ),
            "image": lambda text: ec2.create_image(
                InstanceId=instance, Name=text[:128], Description=text[:255], NoReboot=True
            ),
            "key_pair": lambda text: ec2.create_key_pair(
                KeyName=text[:255], TagSpecifications=tags("key-pair", text)
            ),
            "instance": lambda text: ec2.create_tags(
                Resources=[instance, volume], Tags=tags("", text)[0]["Tags"]
            ),
            "subscription": lambda text: sns.subscribe(
                TopicArn=topic, Protocol="email", Endpoint=f"{text[:60]}@example.com"
            ),
            "message": lambda text: sqs.send_message(QueueUrl=queue, MessageBody=text),
        }  # fmt: skip
        for kind, make in each.items():
            self.planted[kind] = []
            for text in TEXTS:
                try:
                    make(text)
                except (ClientError, ParamValidationError):
                    continue  # AWS does not take it there
                self.planted[kind].append(text)

    def _rested(self, volume: str) -> str:
        self.console.advance(700)  # only so many may be pending, and begun one after another
        return volume


def people(console: OwnConsole) -> None:
    """Users whose full names mean harm."""
    texts = (*hostile.HTML.values(), hostile.UNICODE["emoji"][:200], hostile.UNICODE["stacked"])
    engine = make_engine(f"sqlite:///{console.data / 'sandbox.db'}")
    for number, text in enumerate(text for text in texts if text.isprintable()):
        users.add(engine, By("planted"), f"planted-{number}", text[:200])
    engine.dispose()


def form_of(page: Page, path: str) -> dict[str, str]:
    """The fields of the form at a page, to be sent by hand."""
    html = page.request.get(path).text()
    forms = [form for form in read(html)[0] if form.method == "POST" and form.action != "/logout"]
    return dict(forms[0].fields)


def typed_in(page: Page) -> dict[str, int]:
    """Send what a person can type into the console; how much of each was taken."""
    taken = {"view": 0, "rule": 0, "wording": 0}
    blank, wording = form_of(page, "/rules/new"), form_of(page, "/notices/messages")
    for text in TEXTS:
        view = {"csrf_token": blank["csrf_token"], "name": text[:80], "address": "q=size > 0"}
        taken["view"] += _sent(page, "/views/volumes", view)
        rule = blank | {"client_token": str(uuid.uuid4())}  # as each opening of the form has one
        rule |= {"name": text[:200], "kind": "snapshot", "filter": f'name = "{_inside(text)}"'}
        rule |= {"outcomes": "completed", "_do": "perform"}
        wording |= {"subject": text[:100], "text": text, "_do": "save"}
        taken["wording"] += _sent(page, "/notices/messages", wording)
        taken["rule"] += _sent(page, "/rules/new", rule)
    return taken


def _sent(page: Page, path: str, fields: dict[str, str]) -> bool:
    url = urlsplit(page.url)
    answer = page.request.post(
        path,
        form=dict(fields),
        headers={"Origin": f"{url.scheme}://{url.netloc}"},
        max_redirects=0,
    )
    return answer.status in {302, 303}


def _inside(text: str) -> str:
    return "".join(letter for letter in text[:200] if letter not in '"\\' and letter >= " ")

"""The judge of all that follows must itself be right."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from app.aws import snapshots
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.aws.tags import REQUEST_TAG
from tests.torture.aws import Aws, endpoint
from tests.torture.endpoint import ACCOUNT
from tests.torture.faults import Fault

REGION = "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:backups"
IDS = [f"snap-{number:017x}" for number in range(3)]


@pytest.fixture(scope="module")
def served() -> Iterator[Aws]:
    with endpoint() as aws:
        yield aws


@pytest.fixture
def clients(served: Aws, monkeypatch: pytest.MonkeyPatch) -> Clients:
    for name, value in served.environment().items():
        monkeypatch.setenv(name, value)
    served.faults()
    return Clients()


def publish(clients: Clients, notice: str, topic: str = TOPIC) -> Any:
    attributes = {"notice_id": {"DataType": "String", "StringValue": notice}}
    given: dict[str, Any] = {"TopicArn": topic, "Message": "m", "MessageAttributes": attributes}
    if topic.endswith(".fifo"):
        given |= {"MessageGroupId": "g", "MessageDeduplicationId": notice}
    return clients.send("sns", "Publish", given, REGION, "once")["MessageId"]


def test_snapshots_end_when_they_are_told_to(served: Aws, clients: Clients) -> None:
    served.make([{"id": each, "region": REGION} for each in IDS])
    served.end([IDS[0]], "completed")
    served.end([IDS[1]], "deleted")
    served.end([IDS[2]], "error", at=time.time() + 3600)
    found = snapshots.LISTING.read(clients, REGION, ACCOUNT, [*IDS, "snap-unknown"])
    assert [(each["SnapshotId"], each["State"]) for each in found] == [
        (IDS[0], "completed"),
        (IDS[2], "pending"),
    ]
    assert served.told().ended.keys() == {IDS[0], IDS[1]}


def test_a_created_snapshot_is_found_by_its_tag(served: Aws, clients: Clients) -> None:
    made = snapshots.create_snapshot(REGION, "vol-1", "d & d", {"a": "<b>"}, "r-1").run(clients)
    operation, parameters, _ = snapshots.find_by_request("r-1", "r-2")
    answer = clients.send("ec2", operation, dict(parameters), REGION, "read")
    [found] = answer["Snapshots"]
    assert {**found, "Progress": ""} == {**{key: made[key] for key in found}, "Progress": ""}
    assert {"Key": REQUEST_TAG, "Value": "r-1"} in found["Tags"]


def test_lists_have_pages(served: Aws, clients: Clients) -> None:
    ids = [f"snap-a{number:016x}" for number in range(2_500)]
    served.make([{"id": each, "region": "eu-west-1"} for each in ids])
    pages = list(snapshots.LISTING.pages(clients, "eu-west-1", ACCOUNT))
    assert [len(page) for page in pages] == [1000, 1000, 500]
    assert [each["SnapshotId"] for page in pages for each in page] == ids


def test_a_fifo_topic_delivers_a_notice_once(served: Aws, clients: Clients) -> None:
    fifo = f"{TOPIC}.fifo"
    assert publish(clients, "n-1", fifo) == publish(clients, "n-1", fifo)
    assert publish(clients, "n-1") != publish(clients, "n-1")
    told = served.told()
    assert told.times()["n-1"] == 4
    assert [each.delivered for each in told.published] == [True, False, True, True]


@pytest.mark.parametrize(
    ("fault", "trouble", "published"),
    [
        (Fault("Publish", "received", "cut"), "uncertain", 0),
        (Fault("Publish", "done", "cut"), "uncertain", 1),
        (Fault("Publish", "received", "error"), "uncertain", 0),
        (Fault("Publish", "done", "error"), "uncertain", 1),
    ],
)
def test_faults_come_before_the_deed_or_after_it(
    served: Aws, clients: Clients, fault: Fault, trouble: str, published: int
) -> None:
    served.faults(fault)
    notice = f"n-{fault.when}-{fault.what}"
    with pytest.raises(AwsError) as raised:
        publish(clients, notice)
    assert raised.value.trouble == trouble
    assert served.told().times()[notice] == published
    publish(clients, notice)
    assert served.told().times()[notice] == published + 1, "it befell one request only"


@pytest.mark.parametrize(("when", "published"), [("received", 0), ("done", 1), ("answered", 1)])
def test_the_process_that_asks_is_killed(served: Aws, when: Any, published: int) -> None:
    notice = f"n-{when}"
    served.faults(Fault("Publish", when, "kill"))
    program = (
        "import http.client, os, sys\n"
        "connection = http.client.HTTPConnection(sys.argv[1])\n"
        "named = {'User-Agent': f'Boto3 app/{os.getpid()}'}\n"
        "connection.request('POST', '/', sys.argv[2], named)\n"
        "connection.getresponse().read()\n"
        "sys.stdin.read()\n"
    )
    attribute = "MessageAttributes.entry.1"
    asked = {"Action": "Publish", "TopicArn": TOPIC, "Message": "m"}
    asked |= {f"{attribute}.Name": "notice_id", f"{attribute}.Value.StringValue": notice}
    command = [sys.executable, "-c", program, served.url.removeprefix("http://"), urlencode(asked)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.wait(60) == -9
    told = served.told()
    assert told.times()[notice] == published
    assert [each["when"] for each in told.struck][-1:] == [when]

"""Button, shown boto3 code and shown CLI command have the same effect on the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.aws import events, images, instances, queues, snapshots, tags, topics, volumes
from app.aws.call import Call, Plan, check
from app.aws.clients import Clients
from app.aws.show import as_boto3, as_cli
from app.sandbox.settings import DURATIONS
from tests.aws.shell import parsed_by, run_cli, run_python

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
TAGS = {"Name": 'lj\'s "first"', "file": "file:///etc/hostname", "-dash": "--region=x", "é": "🐬"}
USER_DATA = "#!/bin/sh\necho 'it is' \"$HOME\" `id` é\n"
Run = Callable[[Plan], None]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """Clients of a sandbox in a process of its own, empty, in which nothing takes time."""
    environment = {
        "PATH": os.environ["PATH"],
        "ENCANTE_DATA": str(tmp_path_factory.mktemp("sandbox")),
        "ENCANTE_SANDBOX_PORT": "0",
        "ENCANTE_SANDBOX_SEED": "0",
        "ENCANTE_SANDBOX_ACCOUNT_ID": ACCOUNT,
        **{f"ENCANTE_SANDBOX_{name.upper()}": "0" for name in DURATIONS},
    }
    with subprocess.Popen(
        [sys.executable, "-m", "app.sandbox"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as sandbox:
        assert sandbox.stdout is not None
        url = sandbox.stdout.readline().removeprefix("sandbox ready on ").strip()
        try:
            assert url.startswith("http://127.0.0.1:")
            yield Clients(url)
        finally:
            sandbox.terminate()


def by_button(clients: Clients) -> Run:
    def run(plan: Plan) -> None:
        for call in plan.calls:
            call.run(clients)

    return run


def by_code(clients: Clients) -> Run:
    return lambda plan: (run_python(as_boto3(plan, clients.endpoint())), None)[1]


def by_command(clients: Clients) -> Run:
    def run(plan: Plan) -> None:
        for command in parsed_by("bash", as_cli(plan, clients.endpoint())):
            run_cli(command)

    return run


# A region each, so that they find the same empty account and may use the same names and tokens.
WAYS = {"us-east-1": by_button, "eu-central-1": by_code, "eu-west-1": by_command}


def ask(clients: Clients, region: str, operation: str, key: str, **parameters: Any) -> list[Any]:
    found: list[Any] = Call("ec2", operation, region, parameters).run(clients)[key]
    return found


def main_job(run: Run, clients: Clients, region: str) -> None:
    """The plans of the console's main job, each built on what the one before has made."""
    (ubuntu, *_) = images.find_public(clients, region, name="ubuntu-noble", architecture="x86_64")
    launch = instances.Launch(
        ubuntu["ImageId"],
        "t3.micro",
        2,
        3,
        "token-1",
        availability_zone=f"{region}a",
        disable_api_termination=True,
        user_data=USER_DATA,
        root_device=ubuntu["RootDeviceName"],
        root_volume={"VolumeSize": 12, "VolumeType": "gp3", "DeleteOnTermination": True},
        tags=TAGS,
    )
    run(Plan("Launch", (instances.run_instances(region, launch),)))
    (reservation,) = ask(clients, region, "DescribeInstances", "Reservations")
    first = reservation["Instances"][0]["InstanceId"]
    changes = tags.ec2_tag_calls(region, "instance", first, TAGS, {"Name": "-n", "new": "http://x"})
    unprotect = instances.set_protection(region, first, False)
    run(Plan("Tags and protection", (*changes, unprotect)))
    run(Plan("Image", (images.create_image(region, first, "lj_test", "'d'", True, TAGS),)))
    new = volumes.NewVolume(f"{region}a", "io2", "token-2", 5, iops=500, encrypted=True, tags=TAGS)
    run(Plan("Volume", (volumes.create_volume(region, new),)))
    (volume,) = (
        volume
        for volume in ask(clients, region, "DescribeVolumes", "Volumes")
        if volume["Size"] == 5
    )
    snapshot = snapshots.create_snapshot(
        region, volume["VolumeId"], "-lj_volumeSnap\nof 'it'", TAGS, "request-1"
    )
    run(Plan("Snapshot", (snapshot,)))


def messages_job(run: Run, clients: Clients, region: str) -> None:
    """A topic, a queue that is subscribed to it, and a message through both."""
    topic = topics.topic_arn("aws", region, ACCOUNT, "done")
    queue_arn = f"arn:aws:sqs:{region}:{ACCOUNT}:inbox"
    run(
        Plan(
            "Topic and queue",
            (topics.create_topic(region, "done", TAGS), queues.create_queue(queue_arn, {"a": "é"})),
        )
    )
    (queue,) = queues.LISTING.read(clients, region, ACCOUNT, [queue_arn])
    calls = (
        queues.let_topic_send(queue, topic),
        topics.subscribe(topic, "sqs", queue_arn, raw=True),
        topics.subscribe(topic, "email", "somebody@example.org"),
        topics.publish(topic, "Snapshot done", "-two\nlines of 'it' é"),
    )
    run(Plan("Subscribe and publish", calls))


def events_job(run: Run, clients: Clients, region: str) -> None:
    """A rule that sends to the queue of the job before, and one that is gone again."""
    there, gone = (ACCOUNT, region, "inbox"), (ACCOUNT, region, "gone")
    made = (events.put_rule(*there), events.put_target(*there))
    run(Plan("Rule", (*made, events.put_rule(*gone), events.put_target(*gone))))
    run(Plan("No rule", (events.remove_target(*gone), events.delete_rule(*gone))))


def _rules(clients: Clients, region: str) -> list[Any]:
    client = clients.client("events", region)
    return [
        [rule["Name"], rule["State"], rule["EventPattern"], targets]
        for rule in client.list_rules()["Rules"]
        for targets in [client.list_targets_by_rule(Rule=rule["Name"])["Targets"]]
    ]


def effect(clients: Clients, region: str) -> dict[str, Any]:
    """What there is in the region, without ids, times and the region's name."""
    found = {
        "instances": [
            {
                "state": instance["State"]["Name"],
                "type": instance["InstanceType"],
                "tags": tags.tag_dict(instance["Tags"]),
                "zone": instance["Placement"]["AvailabilityZone"],
                "imds": instance["MetadataOptions"]["HttpTokens"],
                "protected": instances.is_protected(clients, region, instance["InstanceId"]),
                "user data": Call(
                    "ec2",
                    "DescribeInstanceAttribute",
                    region,
                    {"InstanceId": instance["InstanceId"], "Attribute": "userData"},
                ).run(clients)["UserData"],
            }
            for reservation in ask(clients, region, "DescribeInstances", "Reservations")
            for instance in reservation["Instances"]
        ],
        "volumes": _picked(
            ask(clients, region, "DescribeVolumes", "Volumes"),
            ("Size", "VolumeType", "Iops", "Encrypted", "State"),
        ),
        "snapshots": _picked(
            ask(clients, region, "DescribeSnapshots", "Snapshots", OwnerIds=["self"]),
            ("VolumeSize", "Encrypted"),
        ),
        "descriptions": [
            snapshot["Description"]
            for snapshot in ask(
                clients, region, "DescribeSnapshots", "Snapshots", OwnerIds=["self"]
            )
            if "lj_volumeSnap" in snapshot["Description"]
        ],
        "images": _picked(
            ask(clients, region, "DescribeImages", "Images", Owners=["self"]),
            ("Name", "Description"),
        ),
        "topics": [
            (topic["TopicArn"], tags.tag_dict(topic[topics.TAGS]), _subscriptions(topic))
            for page in topics.LISTING.pages(clients, region, ACCOUNT)
            for topic in page
        ],
        "rules": _rules(clients, region),
        "queues": [
            (queue["QueueArn"], tags.tag_dict(queue[queues.TAGS]), _bodies(clients, queue))
            for page in queues.LISTING.pages(clients, region, ACCOUNT)
            for queue in page
        ],
    }
    plain: dict[str, Any] = json.loads(json.dumps(found).replace(region, "REGION"))
    return {key: sorted(value, key=json.dumps) for key, value in plain.items()}


def _picked(descriptions: list[dict[str, Any]], keys: tuple[str, ...]) -> list[Any]:
    return [
        ([entry.get(key) for key in keys], tags.tag_dict(entry.get("Tags")))
        for entry in descriptions
    ]


def _subscriptions(topic: dict[str, Any]) -> list[Any]:
    return sorted(
        (entry["Protocol"], entry["Endpoint"], entry["SubscriptionArn"] == topics.PENDING)
        for entry in topic["Subscriptions"]
    )


def _bodies(clients: Clients, queue: dict[str, Any]) -> list[str]:
    answer = queues.receive(queue).run(clients)
    return [message["Body"] for message in answer.get("Messages", [])]


@pytest.fixture(scope="module")
def effects(clients: Clients) -> dict[str, dict[str, Any]]:
    """The effect of the whole job, by each way of doing it."""
    for region, way in WAYS.items():
        run = way(clients)
        main_job(run, clients, region)
        messages_job(run, clients, region)
        events_job(run, clients, region)
    return {way.__name__: effect(clients, region) for region, way in WAYS.items()}


def test_the_buttons_do_what_the_forms_say(effects: dict[str, dict[str, Any]]) -> None:
    found = effects["by_button"]
    assert [instance["protected"] for instance in found["instances"]].count(True) == 2
    assert {"Name": "-n", "new": "http://x"} in [
        instance["tags"] for instance in found["instances"]
    ]
    assert TAGS in [instance["tags"] for instance in found["instances"]]
    assert [[5, "io2", 500, True, "available"], TAGS] in found["volumes"]
    assert found["descriptions"] == ["-lj_volumeSnap\nof 'it'"]
    assert found["images"] == [[["lj_test", "'d'"], TAGS]]
    ((_, topic_tags, subscriptions),) = found["topics"]
    assert topic_tags == TAGS
    assert [(protocol, pending) for protocol, _, pending in subscriptions] == [
        ("email", True),
        ("sqs", False),
    ]
    ((name, _, pattern, targets),) = found["rules"]
    assert (name, json.loads(pattern)) == ("inbox", events.PATTERN)
    assert targets == [{"Id": "encante", "Arn": f"arn:aws:sqs:REGION:{ACCOUNT}:inbox"}]
    ((_, queue_tags, bodies),) = found["queues"]
    assert (queue_tags, bodies) == ({"a": "é"}, ["-two\nlines of 'it' é"])


@pytest.mark.parametrize("way", ["by_code", "by_command"])
@pytest.mark.parametrize(
    "kind",
    ["instances", "volumes", "snapshots", "descriptions", "images", "topics", "queues", "rules"],
)
def test_what_is_shown_has_the_effect_of_the_button(
    way: str, kind: str, effects: dict[str, dict[str, Any]]
) -> None:
    assert effects[way][kind] == effects["by_button"][kind]


def test_a_check_changes_nothing(effects: dict[str, dict[str, Any]], clients: Clients) -> None:
    region = "us-east-1"
    reservations = ask(clients, region, "DescribeInstances", "Reservations")
    instance = next(
        instance["InstanceId"]
        for reservation in reservations
        for instance in reservation["Instances"]
        if not instances.is_protected(clients, region, instance["InstanceId"])
    )
    volume = next(
        volume["VolumeId"]
        for volume in ask(clients, region, "DescribeVolumes", "Volumes")
        if not volume["Attachments"]
    )
    (image,) = ask(clients, region, "DescribeImages", "Images", Owners=["self"])
    bare = instances.Launch(image["ImageId"], "t3.micro", 1, 1, "token-3")
    new = volumes.NewVolume(f"{region}a", "gp3", "token-4", 8)
    calls = (
        instances.run_instances(region, bare),
        instances.stop_instances(region, [instance]),
        instances.reboot_instances(region, [instance]),
        instances.set_protection(region, instance, True),
        instances.terminate_instance(region, instance),
        images.create_image(region, instance, "another", "", True, {}),
        images.deregister_image(region, image["ImageId"]),
        volumes.create_volume(region, new),
        volumes.attach_volume(region, volume, instance, "/dev/sdf"),
        volumes.delete_volume(region, volume),
        snapshots.create_snapshot(region, volume, "", {}, "request-2"),
        *tags.ec2_tag_calls(region, "volume", volume, {"Name": "a"}, {"b": "c"}),
    )
    before = effect(clients, region)
    results = [check(call, clients) for call in calls]
    assert [
        (result.call.operation, result.why) for result in results if result.verdict != "allowed"
    ] == []
    # What the queue holds was hidden by looking at it, so it is left out.
    assert {**effect(clients, region), "queues": None} == {**before, "queues": None}

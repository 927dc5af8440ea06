"""The account to begin with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from app.sandbox.server import start_in_thread
from app.sandbox.settings import SandboxSettings
from tests.sandbox.conftest import Sandbox

ACCOUNT = "212222222222"
NAMES = {"legacy-batch", "web-1", "web-2", "db-1", "worker", "bastion"}


@pytest.fixture(scope="module")
def seeded() -> Iterator[Sandbox]:
    handle = start_in_thread(SandboxSettings(port=0, account_id=ACCOUNT, snapshot_pending=600))
    yield Sandbox(handle.url)
    handle.stop()


def instances(ec2: Any) -> dict[str, Any]:
    found = [i for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]]
    return {name(instance): instance for instance in found}


def name(thing: dict[str, Any]) -> str:
    return str(next(tag["Value"] for tag in thing["Tags"] if tag["Key"] == "Name"))


def test_there_are_instances_in_two_zones_in_several_states(seeded: Sandbox):
    found = instances(seeded.client("ec2"))
    assert Counter(instance["State"]["Name"] for instance in found.values()) == {
        "running": 5,
        "stopped": 1,
    }
    assert len({instance["Placement"]["AvailabilityZone"] for instance in found.values()}) == 2
    assert found["legacy-batch"]["RootDeviceType"] == "instance-store"
    assert found["worker"]["Architecture"] == "arm64"


def test_the_database_is_protected(seeded: Sandbox):
    ec2 = seeded.client("ec2")
    with pytest.raises(ClientError, match=r"\(OperationNotPermitted\)"):
        ec2.terminate_instances(InstanceIds=[instances(ec2)["db-1"]["InstanceId"]])


def test_three_volumes_are_used_by_nothing_and_one_is_forgotten(seeded: Sandbox):
    volumes = seeded.client("ec2").describe_volumes()["Volumes"]
    unused = [name(volume) for volume in volumes if volume["State"] == "available"]
    assert sorted(unused) == ["ci-runner", "db-restore-test", "reports-archive"]


def test_the_snapshots_have_a_history(seeded: Sandbox):
    ec2 = seeded.client("ec2")
    snapshots = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert Counter(snapshot["State"] for snapshot in snapshots) == {
        "completed": 12,
        "error": 1,
        "pending": 1,
    }
    present = {volume["VolumeId"] for volume in ec2.describe_volumes()["Volumes"]}
    assert sum(snapshot["VolumeId"] not in present for snapshot in snapshots) == 2
    oldest = min(snapshot["StartTime"] for snapshot in snapshots)
    assert datetime.now(UTC) - oldest > timedelta(days=60)


def test_two_images_of_our_own_have_their_snapshots(seeded: Sandbox):
    images = seeded.client("ec2").describe_images(Owners=["self"])["Images"]
    assert sorted(len(image["BlockDeviceMappings"]) for image in images) == [1, 2]
    assert {image["State"] for image in images} == {"available"}


def test_a_message_to_the_topic_reaches_the_inbox(seeded: Sandbox):
    sns, sqs = seeded.client("sns"), seeded.client("sqs")
    topics = {t["TopicArn"].rpartition(":")[2]: t["TopicArn"] for t in sns.list_topics()["Topics"]}
    assert topics.keys() == {"snapshots-done", "alerts"}
    sns.publish(TopicArn=topics["snapshots-done"], Message="hello")
    url = sqs.get_queue_url(QueueName="ops-inbox")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Message"] == "hello"
    assert sns.list_subscriptions_by_topic(TopicArn=topics["alerts"])["Subscriptions"] == []


def test_the_second_region_has_a_little(seeded: Sandbox):
    ec2 = seeded.client("ec2", "eu-central-1")
    assert instances(ec2).keys() == {"web-eu-1"}
    assert len(ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]) == 2
    assert len(ec2.describe_key_pairs()["KeyPairs"]) == 1


@pytest.mark.parametrize("region", ["ap-northeast-1", "us-west-1", "ca-central-1", "eu-north-1"])
def test_any_region_can_be_the_only_one(region: str):
    handle = start_in_thread(SandboxSettings(port=0, account_id="213333333333", regions=(region,)))
    found = instances(Sandbox(handle.url).client("ec2", region))
    handle.stop()
    # Newer regions have no type left that starts from the instance store.
    assert found.keys() | {"legacy-batch"} == NAMES


def test_the_databases_let_in_the_web_servers_only(seeded: Sandbox):
    ec2 = seeded.client("ec2")
    groups = {
        group["GroupName"]: group for group in ec2.describe_security_groups()["SecurityGroups"]
    }
    [rule] = groups["db"]["IpPermissions"]
    assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [groups["web"]["GroupId"]]
    assert rule["FromPort"] == 5432
    [group] = instances(ec2)["db-1"]["SecurityGroups"]
    assert group == {"GroupId": groups["db"]["GroupId"], "GroupName": "db"}

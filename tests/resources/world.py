"""A small account in which every relation holds: descriptions by kind, as AWS gives them."""

from __future__ import annotations

from typing import Any

HERE = "us-east-1"
ACCOUNT = "123456789012"
OTHER_ACCOUNT = "210987654321"
COPIED = "[Copied {} from eu-west-1] base"
QUEUE = f"arn:aws:sqs:{HERE}:{ACCOUNT}:inbox"
TOPIC = f"arn:aws:sns:{HERE}:{ACCOUNT}:done"


def an_id(prefix: str, number: int) -> str:
    """An id such as AWS gives."""
    return f"{prefix}-{number:017x}"


def _disk(device: str, **ebs: Any) -> dict[str, Any]:
    return {"DeviceName": device, "Ebs": ebs}


def _group(number: int, *named: int) -> dict[str, Any]:
    pairs = [{"GroupId": an_id("sg", other)} for other in named]
    return {
        "GroupId": an_id("sg", number),
        "GroupName": f"group-{number}",
        "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": pairs}],
    }


def descriptions() -> dict[str, list[dict[str, Any]]]:
    """Image 1 <- snapshot 1 <- volume 1 <- instance 1 <- image 2 <- snapshot 2, and the rest."""
    state = {"Name": "running"}
    return {
        "instance": [
            {
                "InstanceId": an_id("i", 1),
                "State": state,
                "ImageId": an_id("ami", 2),
                "KeyName": "ops",
                "BlockDeviceMappings": [_disk("/dev/sda1", VolumeId=an_id("vol", 1))],
                "SecurityGroups": [{"GroupId": an_id("sg", 1), "GroupName": "group-1"}],
            },
            {"InstanceId": an_id("i", 2), "State": state, "ImageId": an_id("ami", 9)},
        ],
        "image": [
            {
                "ImageId": an_id("ami", 1),
                "State": "available",
                "SourceInstanceId": an_id("i", 1),
                "BlockDeviceMappings": [_disk("/dev/sda1", SnapshotId=an_id("snap", 1))],
            },
            {
                "ImageId": an_id("ami", 2),
                "State": "available",
                "Description": COPIED.format(an_id("ami", 1)),
                "BlockDeviceMappings": [_disk("/dev/sda1", SnapshotId=an_id("snap", 2))],
            },
        ],
        "volume": [
            {
                "VolumeId": an_id("vol", 1),
                "State": "in-use",
                "SnapshotId": an_id("snap", 2),
                "Attachments": [{"InstanceId": an_id("i", 1), "State": "attached"}],
            },
        ],
        "snapshot": [
            {
                "SnapshotId": an_id("snap", 1),
                "State": "completed",
                "VolumeId": an_id("vol", 1),
                "OwnerId": ACCOUNT,
            },
            {
                "SnapshotId": an_id("snap", 2),
                "State": "completed",
                "VolumeId": "vol-ffffffff",
                "Description": COPIED.format(an_id("snap", 1)),
                "OwnerId": ACCOUNT,
            },
        ],
        "key_pair": [{"KeyPairId": an_id("key", 1), "KeyName": "ops"}],
        "security_group": [_group(1), _group(2, 1)],
        "topic": [
            {"TopicArn": TOPIC, "Subscriptions": [{"Protocol": "sqs", "Endpoint": QUEUE}]},
        ],
        "queue": [{"QueueArn": QUEUE, "QueueUrl": "http://127.0.0.1/inbox", "Attributes": {}}],
    }

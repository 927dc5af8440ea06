"""A small AWS in memory, and clients that talk to it; faults strike where a test wants them."""

from __future__ import annotations

import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import botocore.session
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.validate import ParamValidator

from app.aws import attempts
from app.aws.clients import Clients
from app.aws.errors import AwsError, from_boto
from app.aws.operations import Repeat, operation
from app.aws.tags import REQUEST_TAG

ACCOUNT = "123456789012"
REGION = "eu-central-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:backups"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_SESSION = botocore.session.get_session()  # for botocore's model of AWS; nothing is ever sent

Fault = Callable[[], None]


class Killed(BaseException):
    """The process died here."""


# What is read besides snapshots: by which operation, under which keys, by which filter.
_OTHERS = {
    "image": ("DescribeImages", "Images", "ImageId", "image-id"),
    "instance": ("DescribeInstances", "Instances", "InstanceId", "instance-id"),
    "modification": (
        "DescribeVolumesModifications",
        "VolumesModifications",
        "VolumeId",
        "volume-id",
    ),
    "restore": (
        "DescribeSnapshotTierStatus",
        "SnapshotTierStatuses",
        "SnapshotId",
        "snapshot-id",
    ),
    "volume": ("DescribeVolumes", "Volumes", "VolumeId", "volume-id"),
}


class FakeAws:
    """The snapshots and other things that exist, and the messages that were published."""

    def __init__(self) -> None:
        self.account = ACCOUNT
        self.snapshots: dict[str, dict[str, Any]] = {}
        self.others: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.published: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        # what befalls the next calls of an operation: before its deed, or after it
        self.before: dict[str, list[Fault]] = defaultdict(list)
        self.after: dict[str, list[Fault]] = defaultdict(list)
        self.publish_seconds = 0.0
        self._lock = threading.Lock()

    def make(self, number: int, request_id: str = "", **more: Any) -> dict[str, Any]:
        """A new pending snapshot; returns CreateSnapshot's answer."""
        snapshot = {
            "SnapshotId": f"snap-{number:017x}",
            "VolumeId": "vol-1",
            "OwnerId": self.account,
            "State": "pending",
            "Progress": "0%",
            "StartTime": START,
            "VolumeSize": 8,
            "Description": "lj_volumeSnap",
            "Tags": [{"Key": REQUEST_TAG, "Value": request_id}] if request_id else [],
            "region": REGION,
            **more,
        }
        self.snapshots[snapshot["SnapshotId"]] = snapshot
        return _without_region(snapshot)

    def finish(self, resource_id: str, state: str = "completed", **more: Any) -> None:
        """The snapshot reaches ``state``."""
        self.snapshots[resource_id].update(State=state, **more)

    def put(self, kind: str, **description: Any) -> dict[str, Any]:
        """One of another kind is as described, or was changed to; returns all of it."""
        key = _OTHERS[kind][2]
        held = self.others[kind].setdefault(description[key], {})
        held.update(description)
        return dict(held)

    def count(self, name: str) -> int:
        """How often an operation was called."""
        return sum(1 for called, _, _ in self.calls if called == name)

    def ids(self) -> list[str]:
        """The notice ids published, in order."""
        return [one["MessageAttributes"]["notice_id"]["StringValue"] for one in self.published]

    def do(self, name: str, parameters: dict[str, Any], region: str) -> dict[str, Any]:
        """Carry out one operation."""
        if name == "DescribeSnapshots":
            return {"Snapshots": self._describe(parameters, region)}
        for kind, (operation_name, items, *key) in _OTHERS.items():
            if name == operation_name:
                found = self._find(self.others[kind].values(), parameters, *key)
                return {"Reservations": [{items: found}]} if kind == "instance" else {items: found}
        if name == "Publish":
            time.sleep(self.publish_seconds)
            with self._lock:
                self.published.append({**parameters, "region": region})
                return {"MessageId": f"m-{len(self.published)}"}
        if name == "GetCallerIdentity":
            return {"Account": self.account, "Arn": "arn:aws:iam::1:user/u", "UserId": "u"}
        raise AssertionError(f"the watches have no business calling {name}")

    def _describe(self, parameters: dict[str, Any], region: str) -> list[dict[str, Any]]:
        (wanted,) = parameters["Filters"]
        assert parameters["OwnerIds"] == ["self"]
        assert 1 <= len(wanted["Values"]) <= 200
        here = [one for one in self.snapshots.values() if one["region"] == region]
        if wanted["Name"] == "snapshot-id":
            found = [one for one in here if one["SnapshotId"] in wanted["Values"]]
        else:
            assert wanted["Name"] == f"tag:{REQUEST_TAG}"
            found = [one for one in here if one["Tags"] and _request(one) in wanted["Values"]]
        return [_without_region(one) for one in found]

    def _find(
        self, here: Iterable[dict[str, Any]], parameters: dict[str, Any], key: str, by: str
    ) -> list[dict[str, Any]]:
        (wanted,) = parameters["Filters"]
        assert 1 <= len(wanted["Values"]) <= 200
        if wanted["Name"] == by:
            return [dict(one) for one in here if one[key] in wanted["Values"]]
        assert wanted["Name"] == f"tag:{REQUEST_TAG}"
        return [dict(one) for one in here if one.get("Tags") and _request(one) in wanted["Values"]]


def _request(snapshot: dict[str, Any]) -> str:
    return next(str(tag["Value"]) for tag in snapshot["Tags"] if tag["Key"] == REQUEST_TAG)


def _without_region(snapshot: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in snapshot.items() if key != "region"}


class FakeClients(Clients):
    """The clients of one process, talking to a FakeAws."""

    def __init__(self, aws: FakeAws) -> None:
        super().__init__()
        self.aws = aws

    def client(self, service: str, region: str, repeat: Repeat = "read") -> Any:
        """As much of a client as is needed to know the shapes of an operation."""
        return SimpleNamespace(meta=SimpleNamespace(service_model=_model(service)))

    def send(
        self,
        service: str,
        operation_name: str,
        parameters: dict[str, Any],
        region: str,
        repeat: Repeat,
    ) -> dict[str, Any]:
        """As Clients.send, with botocore's own check of the parameters."""
        usual = operation(service, operation_name).repeat
        assert repeat == ("look" if usual == "read" and service == "ec2" else usual)
        if service != "sts":
            self.make_sure(region)
            attempts.begin(f"before-send.{service}.{operation_name}")
        model = _model(service).operation_model(operation_name)
        report = ParamValidator().validate(parameters, model.input_shape)
        assert not report.has_errors(), report.generate_report()
        self.aws.calls.append((operation_name, region, parameters))
        for faults in (self.aws.before, self.aws.after):
            if faults is self.aws.after:
                answer = self.aws.do(operation_name, parameters, region)
            if faults[operation_name]:
                faults[operation_name].pop(0)()
        return answer


@functools.cache
def _model(service: str) -> Any:
    return _SESSION.get_service_model(service)


def refuse(code: str, status: int = 400, message: str = "No.") -> Fault:
    """AWS answers with an error."""
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return _raising(from_boto(ClientError(answer, "Any"), "sns", "Publish", REGION))


def unreachable() -> Fault:
    """No connection is made."""
    error = EndpointConnectionError(endpoint_url="https://sns.example")
    return _raising(from_boto(error, "sns", "Publish", REGION))


def lose_answer() -> Fault:
    """The connection breaks before the answer is read."""
    error = ReadTimeoutError(endpoint_url="https://sns.example")
    return _raising(from_boto(error, "sns", "Publish", REGION))


def die() -> None:
    """The process is killed."""
    raise Killed


def _raising(error: AwsError) -> Fault:
    def fault() -> None:
        raise error

    return fault

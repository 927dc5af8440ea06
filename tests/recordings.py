"""Recorded AWS answers, from the folder ``shared/recordings`` beside the checkout.

They are not part of the project; tests that need them skip where the folder is absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.aws.clients import Clients
from app.aws.listing import Description
from app.aws.operations import Repeat
from app.resources.spec import Resource

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "recordings"
needs_recordings = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recorded AWS answers (../shared/recordings) are not here"
)
# Kind -> the recorded operation that its listing asks
_OPERATIONS = {
    "instance": "ec2.DescribeInstances",
    "image": "ec2.DescribeImages",
    "volume": "ec2.DescribeVolumes",
    "snapshot": "ec2.DescribeSnapshots",
    "key_pair": "ec2.DescribeKeyPairs",
    "security_group": "ec2.DescribeSecurityGroups",
    "topic": "sns.ListTopics",
}
KINDS = tuple(_OPERATIONS)
ACCOUNT = "123456789012"  # where a recording names no owner


@dataclass(frozen=True)
class Recording:
    """One recorded answer: as botocore gave it, dates included."""

    service: str
    operation: str
    name: str
    data: dict[str, Any]


def recordings() -> Iterator[Recording]:
    """Every recording, in the order of the files' names."""
    for path in sorted(FOLDER.glob("*/*.json")):
        service, _, operation = path.parent.name.partition(".")
        yield Recording(
            service, operation, path.stem, _revive(json.loads(path.read_text())["data"])
        )


class Recorded(Clients):
    """Clients that answer every call of one operation with a recording, and others with nothing."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(sandbox_url="http://127.0.0.1:9")
        self.recording = recording

    def client(self, service: str, region: str, repeat: Repeat = "read") -> Any:
        """A client to read the shapes of operations from; nothing is sent through it."""
        return _client(service)

    def send(
        self, service: str, operation: str, parameters: dict[str, Any], region: str, repeat: Repeat
    ) -> dict[str, Any]:
        """The recording, if it is one of that operation."""
        recorded = (self.recording.service, self.recording.operation)
        return self.recording.data if (service, operation) == recorded else {}


@cache
def _client(service: str) -> Any:
    return Clients(sandbox_url="http://127.0.0.1:9").client(service, "us-east-1")


def listed(resource: Resource) -> Iterator[tuple[str, str, list[Description]]]:
    """What the resource's own listing makes of every recording of its kind.

    Yields the recording's name, an account, and that account's descriptions; some have none.
    """
    for recording in recordings():
        if f"{recording.service}.{recording.operation}" != _OPERATIONS[resource.kind]:
            continue
        for account in sorted(_owners(recording.data)) or [ACCOUNT]:
            pages = resource.listing.pages(Recorded(recording), "us-east-1", account)
            yield recording.name, account, [item for page in pages for item in page]


def _owners(data: dict[str, Any]) -> set[str]:
    items = [*data.get("Images", []), *data.get("Snapshots", [])]
    return {item["OwnerId"] for item in items if "OwnerId" in item}


def _revive(value: Any) -> Any:
    if isinstance(value, list):
        return [_revive(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("__class__") == "datetime":
        parts = {key: part for key, part in value.items() if key != "__class__"}
        return datetime(**parts, tzinfo=UTC)
    return {key: _revive(item) for key, item in value.items()}

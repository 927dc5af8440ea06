"""Recorded AWS answers, from the folder ``shared/recordings`` beside the checkout.

They are not part of the project; tests that need them skip where the folder is absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jmespath
import pytest

from app.aws.call import plain

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "recordings"
needs_recordings = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recorded AWS answers (../shared/recordings) are not here"
)
# Kind -> the operations that describe it, and where its descriptions stand in their answers
_OPERATIONS = {
    "instance": (("ec2.DescribeInstances", "Reservations[].Instances[]"),),
    "image": (("ec2.DescribeImages", "Images[]"),),
    "volume": (("ec2.DescribeVolumes", "Volumes[]"),),
    "snapshot": (("ec2.DescribeSnapshots", "Snapshots[]"), ("ec2.CreateSnapshot", "[@]")),
    "key_pair": (("ec2.DescribeKeyPairs", "KeyPairs[]"),),
    "topic": (("sns.ListTopics", "Topics[]"),),
}
KINDS = tuple(_OPERATIONS)


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


def descriptions(kind: str) -> Iterator[tuple[Recording, list[dict[str, Any]]]]:
    """The descriptions of a kind as plain data, recording by recording; some hold none."""
    found = {operation: jmespath.compile(path) for operation, path in _OPERATIONS[kind]}
    for recording in recordings():
        path = found.get(f"{recording.service}.{recording.operation}")
        if path is not None:
            yield recording, path.search(plain(recording.data)) or []


def _revive(value: Any) -> Any:
    if isinstance(value, list):
        return [_revive(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("__class__") == "datetime":
        parts = {key: part for key, part in value.items() if key != "__class__"}
        return datetime(**parts, tzinfo=UTC)
    return {key: _revive(item) for key, item in value.items()}

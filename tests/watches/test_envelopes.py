"""What EventBridge's messages are read for, and that no message can do harm."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.aws.events import TOLD
from app.watches.envelopes import ids_in

SNAPSHOT = "snap-0123456789abcdef0"
VOLUME = "vol-0123456789abcdef0"
INSTANCE = "i-0123456789abcdef0"
IMAGE = "ami-0123456789abcdef0"


def event(told: str, resources: list[str], **detail: Any) -> dict[str, Any]:
    """An event as AWS writes it."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": told,
        "source": "aws.ec2",
        "account": "123456789012",
        "time": "2026-03-01T12:00:00Z",
        "region": "us-east-1",
        "resources": resources,
        "detail": detail,
    }


# The examples of AWS's documentation, with ids of today's length.
EXAMPLES = [
    (
        event(
            "EBS Snapshot Notification",
            [f"arn:aws:ec2::us-west-2:snapshot/{SNAPSHOT}"],
            event="createSnapshot",
            result="succeeded",
            cause="",
            snapshot_id=f"arn:aws:ec2::us-west-2:snapshot/{SNAPSHOT}",
            source=f"arn:aws:ec2::us-west-2:volume/{VOLUME}",
        ),
        {SNAPSHOT, VOLUME},
    ),
    (
        event(
            "EBS Snapshot Notification",
            [],
            event="createSnapshots",
            result="succeeded",
            snapshots=[
                {
                    "snapshot_id": f"arn:aws:ec2::us-east-1:snapshot/{SNAPSHOT}",
                    "status": "completed",
                },
                {"snapshot_id": "arn:aws:ec2::us-east-1:snapshot/snap-89abcdef", "status": "error"},
            ],
        ),
        {SNAPSHOT, "snap-89abcdef"},
    ),
    (
        event(
            "EBS Volume Notification",
            [f"arn:aws:ec2:us-east-1:0123456789ab:volume/{VOLUME}"],
            event="createVolume",
            result="available",
        ),
        {VOLUME},
    ),
    (
        event(
            "EC2 Instance State-change Notification",
            [f"arn:aws:ec2:us-east-1:123456789012:instance/{INSTANCE}"],
            state="stopped",
            **{"instance-id": INSTANCE},
        ),
        {INSTANCE},
    ),
    (
        event(
            "EC2 AMI State Change",
            [f"arn:aws:ec2:us-east-1::image/{IMAGE}"],
            ImageId=IMAGE,
            State="available",
            ErrorMessage="",
        ),
        {IMAGE},
    ),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(("told", "ids"), EXAMPLES)
def test_the_ids_in_an_event_are_found(told: dict[str, Any], ids: set[str]) -> None:
    assert ids_in(json.dumps(told)) == ids


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "{",
        "[]",
        "null",
        "1e999",
        "[" * 100_000,
        json.dumps(event("EC2 Spot Instance Interruption Warning", [INSTANCE])),
        json.dumps({**event(TOLD[0], [SNAPSHOT]), "detail-type": [TOLD[0]]}),
        json.dumps(event(TOLD[0], ["snap-x", f"{SNAPSHOT}'; --", "snap-" + "0" * 40, ""])),
        json.dumps(event(TOLD[0], [SNAPSHOT]))[:-2],
        json.dumps(event(TOLD[0], [SNAPSHOT], cause="x" * 2**20)),
    ],
    ids=range(12),
)
def test_what_is_no_event_of_ours_tells_nothing(body: str) -> None:
    assert ids_in(body) == frozenset()


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_taken(body: str) -> None:
    assert ids_in(body) == frozenset()


@given(
    st.sampled_from(TOLD),
    JSON,
    JSON
    | st.dictionaries(st.sampled_from(["snapshot_id", "snapshots", "ImageId", "source"]), JSON),
)
def test_any_event_is_taken(told: str, resources: Any, detail: Any) -> None:
    body = {"detail-type": told, "resources": resources, "detail": detail}
    for found in ids_in(json.dumps(body)):
        assert found.partition("-")[0] in {"snap", "vol", "ami", "i"}
        assert found.isascii()
        assert len(found) <= 22

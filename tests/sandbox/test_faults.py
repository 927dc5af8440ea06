"""Faults: each does what it says, as often as it says, to the calls it is about."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    HTTPClientError,
)
from botocore.parsers import ResponseParserError

from tests.sandbox.conftest import Sandbox


def test_throttling_has_each_services_own_words(sandbox: Sandbox, ec2: Any, sns: Any, sqs: Any):
    sandbox.fault("throttle")
    with pytest.raises(ClientError) as refused:
        ec2.describe_volumes()
    assert refused.value.response["Error"]["Code"] == "RequestLimitExceeded"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    for call in (sns.list_topics, sqs.list_queues):
        with pytest.raises(ClientError, match=r"\(Throttling\)"):
            call()


def test_a_refusal_names_who_and_what(sandbox: Sandbox, ec2: Any, sns: Any):
    sandbox.fault("refuse")
    with pytest.raises(ClientError, match=r"\(UnauthorizedOperation\).*user/sandbox.*ec2:Describe"):
        ec2.describe_volumes()
    with pytest.raises(ClientError, match=r"\(AuthorizationError\).*sns:ListTopics"):
        sns.list_topics()


def test_a_refusal_can_carry_an_encoded_message(sandbox: Sandbox, ec2: Any):
    sandbox.fault("refuse", encoded=True)
    with pytest.raises(ClientError, match=r"Encoded authorization failure message: [\w=-]{40,}"):
        ec2.describe_volumes()


def test_any_error_can_be_had(sandbox: Sandbox, ec2: Any):
    sandbox.fault("error", code="InsufficientInstanceCapacity", message="none left", status=500)
    with pytest.raises(ClientError, match=r"\(InsufficientInstanceCapacity\).*none left"):
        ec2.describe_volumes()


def test_a_fault_is_about_the_operations_that_its_pattern_names(
    sandbox: Sandbox, ec2: Any, sns: Any
):
    sandbox.fault("throttle", "Describe*")
    sns.list_topics()
    for call in (ec2.describe_volumes, ec2.describe_snapshots):
        with pytest.raises(ClientError):
            call()


def outcomes(call: Any, times: int) -> str:
    found = ""
    for _ in range(times):
        try:
            call()
            found += "."
        except ClientError:
            found += "x"
    return found


def test_a_count_says_how_often_a_fault_strikes(sandbox: Sandbox, sns: Any):
    sandbox.fault("throttle", count=2)
    assert outcomes(sns.list_topics, 4) == "xx.."
    assert sandbox.page("faults")[1] == {"faults": []}


def test_every_says_which_calls_it_strikes(sandbox: Sandbox, sns: Any):
    sandbox.fault("throttle", every=3)
    assert outcomes(sns.list_topics, 7) == "..x..x."


def test_clearing_switches_all_faults_off(sandbox: Sandbox, sns: Any):
    sandbox.fault("throttle")
    assert len(sandbox.page("faults")[1]["faults"]) == 1
    sandbox.page("faults", "DELETE")
    sns.list_topics()


def test_a_dropped_reply_leaves_the_deed_done(sandbox: Sandbox, sns: Any):
    sandbox.fault("drop_reply", "CreateTopic", count=1)
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        sns.create_topic(Name="done")
    assert len(sns.list_topics()["Topics"]) == 1


def test_a_dropped_request_leaves_it_undone(sandbox: Sandbox, sns: Any):
    sandbox.fault("drop_request", "CreateTopic", count=1)
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        sns.create_topic(Name="done")
    assert sns.list_topics()["Topics"] == []


def test_an_html_page_is_what_a_bad_emulator_answers(sandbox: Sandbox, sns: Any, ec2: Any):
    sandbox.fault("html500")
    with pytest.raises(ResponseParserError):
        ec2.describe_volumes()


def test_a_slow_answer_comes(sandbox: Sandbox, sns: Any):
    sandbox.fault("slow", seconds=0.01)
    assert sns.list_topics()["Topics"] == []


def test_a_snapshot_can_be_made_to_fail(sandbox: Sandbox, ec2: Any):
    zone = "us-east-1a"
    volume = ec2.create_volume(AvailabilityZone=zone, Size=1, VolumeType="gp3")["VolumeId"]
    sandbox.page("clock", "POST", {"advance": 60})
    sandbox.fault("fail_snapshot", message="The disk is on fire", count=1)
    first = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    sandbox.page("clock", "POST", {"advance": 60})
    second = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    sandbox.page("clock", "POST", {"advance": 60})
    states = {
        snapshot["SnapshotId"]: (snapshot["State"], snapshot.get("StateMessage"))
        for snapshot in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    }
    assert states[first] == ("error", "The disk is on fire")
    assert states[second][0] == "completed"


def test_a_bad_emulator_does_the_deed_in_spite_of_dry_run(sandbox: Sandbox, ec2: Any):
    asked = {"AvailabilityZone": "us-east-1a", "Size": 1, "DryRun": True}
    with pytest.raises(ClientError, match=r"\(DryRunOperation\)"):
        ec2.create_volume(**asked)
    assert ec2.describe_volumes()["Volumes"] == []
    sandbox.fault("ignore_dry_run")
    assert re.fullmatch("vol-[0-9a-f]{17}", ec2.create_volume(**asked)["VolumeId"])


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "fault"),
        ({"fault": "earthquake"}, "fault"),
        ([], "JSON object"),
        ({"fault": "throttle", "count": 0}, "count"),
        ({"fault": "throttle", "count": True}, "count"),
        ({"fault": "throttle", "every": "2"}, "every"),
        ({"fault": "error", "status": 200}, "status"),
        ({"fault": "slow", "seconds": -1}, "seconds"),
        ({"fault": "slow", "seconds": "long"}, "seconds"),
        ({"fault": "throttle", "operation": 5}, "operation"),
        ({"fault": "refuse", "encoded": "yes"}, "encoded"),
        ({"fault": "throttle", "colour": "red"}, "colour"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_by_field(sandbox: Sandbox, asked: Any, field: str):
    status, answer = sandbox.page("faults", "POST", asked)
    assert status == 400
    assert field in answer["error"]
    assert sandbox.page("faults")[1] == {"faults": []}

"""EventBridge: what happens in EC2 gets into the queues of the rules that it fits."""

from __future__ import annotations

import io
import json
import pickle
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from app.sandbox import account, clock, store
from tests.sandbox.conftest import ACCOUNT, REGION, Sandbox

NAME = "told"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{NAME}"
EVERYTHING = {"source": ["aws.ec2"]}
ALLOW = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": QUEUE,
    "Condition": {"ArnEquals": {"aws:SourceArn": RULE}},
}


@pytest.fixture
def events(sandbox: Sandbox) -> Any:
    return sandbox.client("events")


@pytest.fixture
def url(sqs: Any) -> str:
    return make_queue(sqs, ALLOW)


def make_queue(sqs: Any, *statements: dict[str, Any]) -> str:
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    attributes = {"Policy": policy} if statements else {}
    return str(sqs.create_queue(QueueName=NAME, Attributes=attributes)["QueueUrl"])


def make_rule(events: Any, pattern: Any = EVERYTHING, **more: Any) -> None:
    answer = events.put_rule(Name=NAME, EventPattern=json.dumps(pattern), **more)
    assert answer["RuleArn"] == RULE
    answer = events.put_targets(Rule=NAME, Targets=[{"Id": "queue", "Arn": QUEUE}])
    assert answer["FailedEntryCount"] == 0


def make_volume(ec2: Any) -> str:
    return str(ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=8)["VolumeId"])


def told(sqs: Any, url: str, **more: Any) -> list[dict[str, Any]]:
    """What is in the queue, each once."""
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **more).get("Messages", [])
    return [json.loads(message["Body"]) for message in found]


def test_a_volume_that_is_available_is_told_in_aws_form(ec2: Any, sqs: Any, events: Any, url: str):
    make_rule(events)
    volume = make_volume(ec2)
    assert told(sqs, url) == []
    clock.advance(60)
    (event,) = told(sqs, url)
    assert event.pop("id")
    assert event.pop("time").endswith("Z")
    assert event["detail"].pop("request-id")
    assert event == {
        "version": "0",
        "detail-type": "EBS Volume Notification",
        "source": "aws.ec2",
        "account": ACCOUNT,
        "region": REGION,
        "resources": [f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/{volume}"],
        "detail": {"result": "available", "cause": "", "event": "createVolume"},
    }


@pytest.mark.parametrize(("fails", "result"), [(False, "succeeded"), (True, "failed")])
def test_the_end_of_a_snapshot_is_told_as_of_when_it_was(
    sandbox: Sandbox, ec2: Any, sqs: Any, events: Any, url: str, fails: bool, result: str
):
    make_rule(events, {**EVERYTHING, "detail-type": ["EBS Snapshot Notification"]})
    volume = make_volume(ec2)
    clock.advance(60)
    if fails:
        sandbox.fault("fail_snapshot", "CreateSnapshot", message="No room.")
    snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    clock.advance(3600)
    (event,) = told(sqs, url)
    detail = event["detail"]
    assert (detail["event"], detail["result"]) == ("createSnapshot", result)
    assert detail["cause"] == ("No room." if fails else "")
    assert detail["snapshot_id"] == f"arn:aws:ec2::{REGION}:snapshot/{snapshot}"
    assert detail["source"] == f"arn:aws:ec2::{REGION}:volume/{volume}"
    assert event["time"] == detail["endTime"] < clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_modification_is_told_twice(ec2: Any, sqs: Any, events: Any, url: str):
    make_rule(events, {**EVERYTHING, "detail": {"event": ["modifyVolume"]}})
    volume = make_volume(ec2)
    clock.advance(60)
    ec2.modify_volume(VolumeId=volume, Size=9)
    clock.advance(60)
    results = [event["detail"]["result"] for event in told(sqs, url)]
    assert results == ["optimizing", "completed"]


def test_a_long_poll_gets_what_happens_while_it_waits(ec2: Any, sqs: Any, events: Any, url: str):
    make_rule(events)
    make_volume(ec2)
    waited = threading.Timer(0.5, lambda: clock.advance(60))
    waited.start()
    assert len(told(sqs, url, WaitTimeSeconds=10)) == 1
    waited.join()


@pytest.mark.parametrize(
    "statement",
    [
        {**ALLOW, "Condition": {"ArnEquals": {"aws:SourceArn": RULE + "2"}}},
        {**ALLOW, "Principal": {"Service": "sns.amazonaws.com"}},
        {**ALLOW, "Effect": "Deny"},
        {**ALLOW, "Action": "sqs:ReceiveMessage"},
    ],
)
def test_a_queue_that_does_not_let_the_rule_send_gets_nothing(
    ec2: Any, sqs: Any, events: Any, statement: dict[str, Any]
):
    url = make_queue(sqs, statement)
    make_rule(events)
    make_volume(ec2)
    clock.advance(60)
    assert told(sqs, url) == []


@pytest.mark.parametrize(
    ("pattern", "more"),
    [
        (EVERYTHING, {"State": "DISABLED"}),
        ({"source": ["aws.s3"]}, {}),
        ({**EVERYTHING, "detail-type": ["EC2 AMI State Change"]}, {}),
        ({**EVERYTHING, "detail": {"result": [{"prefix": 5}]}}, {}),
    ],
)
def test_what_does_not_fit_the_rule_is_not_told(
    ec2: Any, sqs: Any, events: Any, url: str, pattern: Any, more: dict[str, Any]
):
    make_rule(events, pattern, **more)
    make_volume(ec2)
    clock.advance(60)
    assert told(sqs, url) == []


def test_without_a_target_or_a_queue_nothing_is_told(ec2: Any, sqs: Any, events: Any, url: str):
    make_rule(events)
    sqs.delete_queue(QueueUrl=url)
    make_volume(ec2)
    clock.advance(60)
    url = make_queue(sqs, ALLOW)
    events.remove_targets(Rule=NAME, Ids=["queue"])
    make_volume(ec2)
    clock.advance(60)
    assert told(sqs, url) == []


def test_rules_are_kept_with_the_account(ec2: Any, sqs: Any, events: Any, url: str):
    make_rule(events)
    written = io.BytesIO(store.dump([ACCOUNT]))
    pickle.load(written)  # noqa: S301 - what it is; written just above
    with account.LOCK:
        account.restore(ACCOUNT, pickle.load(written)["services"])  # noqa: S301
    make_volume(ec2)
    clock.advance(60)
    assert len(told(sqs, url)) == 1


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"Name": "a b", "EventPattern": "{}"}, "ValidationException"),
        ({"Name": "a", "EventPattern": "no json"}, "InvalidEventPatternException"),
        ({"Name": "a", "EventPattern": '{"source": "aws.ec2"}'}, "InvalidEventPatternException"),
        ({"Name": "a", "ScheduleExpression": "rate(1 hour)"}, "ValidationException"),
        ({"Name": "a"}, "ValidationException"),
    ],
)
def test_a_bad_rule_is_refused(events: Any, given: dict[str, Any], code: str):
    with pytest.raises(ClientError, match=rf"\({code}\)"):
        events.put_rule(**given)
    assert events.list_rules()["Rules"] == []


@pytest.mark.parametrize(
    "target",
    [
        {"Id": "a", "Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"},
        {"Id": "a", "Arn": QUEUE + ".fifo", "SqsParameters": {"MessageGroupId": "g"}},
        {"Id": "a", "Arn": QUEUE, "InputPath": "$.detail"},
        {"Id": "a b", "Arn": QUEUE},
    ],
)
def test_a_target_that_cannot_be_is_refused(events: Any, url: str, target: dict[str, Any]):
    make_rule(events)
    with pytest.raises(ClientError, match=r"\(ValidationException\)"):
        events.put_targets(Rule=NAME, Targets=[target])


def test_a_rule_has_five_targets_at_most(events: Any, url: str):
    make_rule(events)
    more = [{"Id": f"more-{number}", "Arn": QUEUE} for number in range(5)]
    with pytest.raises(ClientError, match=r"\(LimitExceededException\)"):
        events.put_targets(Rule=NAME, Targets=more)
    events.put_targets(Rule=NAME, Targets=more[:4])


def test_a_rule_that_is_not_there_takes_no_target(events: Any):
    for call, more in (
        (events.put_targets, {"Targets": [{"Id": "a", "Arn": QUEUE}]}),
        (events.remove_targets, {"Ids": ["a"]}),
    ):
        with pytest.raises(ClientError, match=r"\(ResourceNotFoundException\)"):
            call(Rule="gone", **more)


def test_a_rule_with_targets_cannot_be_deleted(events: Any, url: str):
    make_rule(events)
    with pytest.raises(ClientError, match=r"\(ValidationException\).*has targets"):
        events.delete_rule(Name=NAME)
    events.remove_targets(Rule=NAME, Ids=["queue"])
    events.delete_rule(Name=NAME)
    assert events.list_rules()["Rules"] == []

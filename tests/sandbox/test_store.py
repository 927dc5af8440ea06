"""The account on disk: it survives kill -9, goes on where it was, and is never the end of it."""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path
from typing import Any

import pytest

from app.sandbox import account, clock
from app.sandbox.server import start_in_thread
from app.sandbox.settings import SandboxSettings
from app.sandbox.store import FILE
from tests.sandbox.conftest import new_client
from tests.sandbox.test_server import running

ACCOUNT = "211111111111"


def settings(data: Path, **changes: Any) -> SandboxSettings:
    return SandboxSettings(port=0, account_id=ACCOUNT, seed=False, data=data, **changes)


def wait_until_saved(data: Path, text: str) -> None:
    """Until the file has the text in it."""
    path = data / "sandbox" / FILE
    for _ in range(6000):
        if path.exists() and text.encode() in path.read_bytes():
            return
        time.sleep(0.01)
    raise AssertionError(f"{text} was not saved within a minute")


def test_what_was_pending_at_kill_9_goes_on_after_the_next_start(tmp_path: Path):
    quick = {"seed": "0", "volume_creating": "0", "snapshot_pending": "600"}
    with running(tmp_path, **quick) as (process, url):
        ec2, sns, sqs = (new_client(url, name) for name in ("ec2", "sns", "sqs"))
        zone = "us-east-1a"
        volume = ec2.create_volume(AvailabilityZone=zone, Size=1, VolumeType="gp3")["VolumeId"]
        queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody="kept")
        topic = sns.create_topic(Name="done")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.org")
        ec2.create_key_pair(KeyName="ops")
        snapshot = ec2.create_snapshot(VolumeId=volume)
        wait_until_saved(tmp_path, snapshot["SnapshotId"])
        process.kill()
        process.wait(timeout=60)
    with running(tmp_path, **quick) as (_, url):
        ec2, sns, sqs = (new_client(url, name) for name in ("ec2", "sns", "sqs"))
        found = ec2.describe_snapshots(SnapshotIds=[snapshot["SnapshotId"]])["Snapshots"][0]
        assert (found["State"], found["StartTime"]) == ("pending", snapshot["StartTime"])
        assert ec2.describe_volumes()["Volumes"][0]["VolumeId"] == volume
        assert ec2.describe_key_pairs()["KeyPairs"][0]["KeyName"] == "ops"
        (subscription,) = sns.list_subscriptions()["Subscriptions"]
        assert subscription["SubscriptionArn"] == "PendingConfirmation"
        url_now = sqs.get_queue_url(QueueName="inbox")["QueueUrl"]
        assert sqs.receive_message(QueueUrl=url_now)["Messages"][0]["Body"] == "kept"


def test_time_that_passes_while_it_is_off_counts(tmp_path: Path):
    handle = start_in_thread(settings(tmp_path, volume_creating=0, snapshot_pending=600))
    ec2 = new_client(handle.url, "ec2")
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1, VolumeType="gp3")["VolumeId"]
    ec2.create_snapshot(VolumeId=volume)
    handle.stop()
    account.forget(ACCOUNT)

    handle = start_in_thread(settings(tmp_path, volume_creating=0, snapshot_pending=600))
    clock.advance(700)
    (snapshot,) = new_client(handle.url, "ec2").describe_snapshots(OwnerIds=["self"])["Snapshots"]
    handle.stop()
    clock.reset()
    assert snapshot["State"] == "completed"
    assert 600 <= (snapshot["CompletionTime"] - snapshot["StartTime"]).total_seconds() < 700


def test_time_that_was_made_to_pass_stays_passed(tmp_path: Path):
    handle = start_in_thread(settings(tmp_path))
    clock.advance(5000)
    handle.stop()
    clock.reset()
    handle = start_in_thread(settings(tmp_path))
    advanced = clock.advanced()
    handle.stop()
    clock.reset()
    assert advanced == 5000


def test_the_file_is_nobody_elses_to_read(tmp_path: Path):
    data = tmp_path / "data"
    start_in_thread(settings(data)).stop()
    assert (data / "sandbox" / FILE).stat().st_mode & 0o777 == 0o600
    assert (data / "sandbox").stat().st_mode & 0o777 == 0o700
    assert data.stat().st_mode & 0o777 == 0o700


def harmless(path: Path) -> None:
    stamp, state = {"format": 0}, {"advanced": 0, "services": {}}
    path.write_bytes(pickle.dumps(stamp) + pickle.dumps(state))


def readable_by_others(path: Path) -> None:
    path.chmod(0o644)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no pickle"),
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        harmless,
        readable_by_others,
    ],
    ids=["empty", "junk", "cut off", "another format", "readable by others"],
)
def test_a_file_that_cannot_be_used_is_set_aside_and_the_account_begins_anew(
    tmp_path: Path, spoil: Any, capfd: pytest.CaptureFixture[str]
):
    handle = start_in_thread(settings(tmp_path))
    new_client(handle.url, "sns").create_topic(Name="lost")
    handle.stop()
    spoil(tmp_path / "sandbox" / FILE)
    handle = start_in_thread(settings(tmp_path))
    topics = new_client(handle.url, "sns").list_topics()["Topics"]
    handle.stop()
    assert topics == []
    assert "cannot be used" in capfd.readouterr().err
    aside = [name for name in os.listdir(tmp_path / "sandbox") if "unreadable" in name]
    assert len(aside) == 1
    handle = start_in_thread(settings(tmp_path))
    handle.stop()
    assert capfd.readouterr().err == ""


def test_a_failing_disk_is_told_and_ends_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    handle = start_in_thread(settings(tmp_path))
    new = tmp_path / "sandbox" / "account.new"
    new.mkdir()
    sns = new_client(handle.url, "sns")
    sns.create_topic(Name="done")
    assert len(sns.list_topics()["Topics"]) == 1
    handle.stop()
    assert "could not be written" in capfd.readouterr().err

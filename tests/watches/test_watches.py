"""The walk of a watch, from the form to the message, and what people may do with it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.watches import WatchError
from tests.watches.desk import Desk
from tests.watches.fakes import ACCOUNT, REGION, START, TOPIC, FakeAws, refuse

OTHER_TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:others"


def test_a_completed_snapshot_is_told_of_once(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting()
    desk.tick()
    assert aws.published == []
    aws.finish(watch.resource_id or "", CompletionTime=START + timedelta(minutes=3))
    for _ in range(5):
        desk.tick()
    (message,) = aws.published
    assert message["Subject"] == "Snapshot done"
    assert message["TopicArn"] == TOPIC
    view = desk.view(watch.id)
    (notice,) = view.notices
    assert (view.state, notice.state, notice.sns_message_id) == ("completed", "sent", "m-1")
    assert view.polls == 2
    assert [event.kind for event in view.events] == ["made", "bound", "state", "owed", "sent"]
    assert not view.is_open
    assert desk.watches.open_count() == 0


def test_a_restart_while_pending_sends_exactly_one(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting()
    desk.tick()
    desk.restart()
    desk.later(hours=3)
    aws.finish(watch.resource_id or "")
    desk.restart()
    desk.work()
    desk.restart()
    desk.tick()
    assert len(aws.published) == 1


def test_a_failed_snapshot_is_told_of_with_awss_reason(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting()
    aws.finish(watch.resource_id or "", "error", StateMessage="Client.InvalidKey: no key")
    desk.tick()
    assert aws.published[0]["Subject"] == "Snapshot failed"
    assert "State message: Client.InvalidKey: no key" in aws.published[0]["Message"]
    assert desk.view(watch.id).state == "failed"


def test_an_outcome_that_was_not_chosen_ends_the_watch_silently(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting(outcomes=("failed", "vanished"))
    aws.finish(watch.resource_id or "")
    desk.tick()
    view = desk.view(watch.id)
    assert (view.state, view.notices, aws.published) == ("completed", (), [])
    assert "not asked to tell" in view.events[-1].text


def test_a_watch_can_be_put_on_a_pending_snapshot(desk: Desk, aws: FakeAws) -> None:
    snapshot = aws.make(1)
    first = desk.put_on(snapshot)
    assert desk.put_on(snapshot) == first, "the same snapshot and topic give the same watch"
    other = desk.put_on(snapshot, topic_arn=OTHER_TOPIC)
    assert other != first
    aws.finish(snapshot["SnapshotId"])
    desk.tick()
    assert sorted(one["TopicArn"] for one in aws.published) == sorted([TOPIC, OTHER_TOPIC])
    assert aws.count("DescribeSnapshots") == 1


def test_two_topics_of_two_regions_are_published_to_in_their_own(desk: Desk, aws: FakeAws) -> None:
    snapshot = aws.make(1)
    desk.put_on(snapshot, topic_arn=OTHER_TOPIC)
    aws.finish(snapshot["SnapshotId"])
    desk.tick()
    assert [one["region"] for one in aws.published] == ["us-east-1"]


@pytest.mark.parametrize(
    ("state", "word"), [("completed", "is completed already"), ("error", "has failed already")]
)
def test_a_snapshot_that_has_ended_takes_no_watch(
    desk: Desk, aws: FakeAws, state: str, word: str
) -> None:
    with pytest.raises(WatchError, match=word) as caught:
        desk.put_on({**aws.make(1), "State": state})
    assert caught.value.field == "resource_id"


def test_a_watch_on_a_snapshot_that_was_intended_is_that_same_watch(
    desk: Desk, aws: FakeAws
) -> None:
    intended = desk.intend("r-1")
    snapshot = aws.make(1, "r-1")
    assert desk.put_on(snapshot) == intended
    assert desk.view(intended).state == "waiting"
    desk.watches.bind(intended, snapshot)  # the answer comes late: it says nothing new
    aws.finish(snapshot["SnapshotId"])
    desk.tick()
    assert len(aws.published) == 1


def test_two_watches_that_ask_for_the_same_owe_one_notice(desk: Desk, aws: FakeAws) -> None:
    first = desk.intend("r-1")
    second = desk.put_on({**aws.make(1, "r-1"), "Tags": []})
    desk.watches.bind(first, aws.make(1, "r-1"))
    aws.finish(desk.view(first).resource_id or "")
    desk.tick()
    assert len(aws.published) == 1
    assert desk.view(first).notices == desk.view(second).notices != ()


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "backups",
        "arn:aws:sqs:eu-central-1:123456789012:backups",
        "arn:aws:sns:eu-central-1:123456789012:",
        f"{TOPIC}:0a1b-subscription",
        f"{TOPIC}\n",
        "arn:aws:sns:eu-central-1:123456789012:" + "x" * 257,
        "arn:aws:sns:" + "x" * 41 + ":123456789012:backups",
    ],
)
def test_what_is_no_topics_arn_is_refused(desk: Desk, arn: str) -> None:
    with pytest.raises(WatchError, match="not the ARN of a topic") as caught:
        desk.intend(topic_arn=arn)
    assert caught.value.field == "topic_arn"
    assert desk.watches.list() == []


@pytest.mark.parametrize(("outcomes", "said"), [((), "at least one"), (("early",), "'early'")])
def test_outcomes_must_be_known_ones(desk: Desk, outcomes: tuple[str, ...], said: str) -> None:
    with pytest.raises(WatchError, match=said) as caught:
        desk.intend(outcomes=outcomes)
    assert caught.value.field == "outcomes"


def test_the_same_form_twice_makes_one_watch(desk: Desk) -> None:
    assert desk.intend("r-1") == desk.intend("r-1")
    with pytest.raises(WatchError, match=r"sent before.*vol-1") as caught:
        desk.intend("r-1", source_id="vol-2")
    assert caught.value.field == "source_id"


def test_an_intent_without_request_id_is_refused(desk: Desk) -> None:
    with pytest.raises(WatchError, match="request id"):
        desk.intend("")


def test_what_aws_refused_is_abandoned_and_can_be_asked_for_again(desk: Desk, aws: FakeAws) -> None:
    watch = desk.intend("r-1")
    desk.watches.abandon(watch, "SnapshotCreationPerVolumeRateExceeded: too fast\n")
    view = desk.view(watch)
    assert view.state == "abandoned"
    assert "SnapshotCreationPerVolumeRateExceeded" in view.events[-1].text
    assert desk.watches.open_count() == 0
    assert desk.intend("r-1", description="another") == watch
    assert desk.view(watch).description == "another"
    desk.watches.bind(watch, aws.make(1, "r-1"))
    assert (desk.view(watch).state, desk.view(watch).ended_at) == ("waiting", None)


def test_a_watch_that_waits_is_not_abandoned(desk: Desk) -> None:
    watch = desk.waiting()
    desk.watches.abandon(watch.id, "no")
    assert desk.view(watch.id).state == "waiting"


def test_a_watch_cannot_be_put_on_a_second_snapshot(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting()
    with pytest.raises(WatchError, match="cannot be put on"):
        desk.watches.bind(watch.id, aws.make(2))


def test_a_cancelled_watch_tells_nothing(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting()
    desk.watches.cancel(watch.id)
    aws.finish(watch.resource_id or "")
    desk.tick()
    assert (desk.view(watch.id).state, aws.published) == ("cancelled", [])
    with pytest.raises(WatchError, match="is cancelled; only one that waits"):
        desk.watches.cancel(watch.id)


def test_after_a_cancelled_watch_there_can_be_a_new_one(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting()
    desk.watches.cancel(watch.id)
    again = desk.put_on(aws.make(1, "r-1"))
    assert again != watch.id
    aws.finish(watch.resource_id or "")
    desk.tick()
    assert len(aws.published) == 1
    assert desk.view(watch.id).notices == ()


def test_cancelling_while_aws_is_asked_wins(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting()
    aws.finish(watch.resource_id or "")
    aws.after["DescribeSnapshots"].append(lambda: desk.watches.cancel(watch.id))
    desk.tick()
    assert (desk.view(watch.id).state, aws.published) == ("cancelled", [])


def test_what_does_not_exist_is_said_so(desk: Desk) -> None:
    assert desk.watches.get("w-none") is None
    for act in (desk.watches.cancel, desk.watches.retry):
        with pytest.raises(WatchError, match="There is no"):
            act("w-none")


def test_lists_are_newest_first_and_by_state(desk: Desk, aws: FakeAws) -> None:
    made = []
    for number in range(1, 6):
        made.append(desk.waiting(number).id)
        desk.later(seconds=1)
    desk.watches.cancel(made[0])
    aws.finish(desk.view(made[1]).resource_id or "")
    aws.before["Publish"].append(refuse("NotFound", 404))
    desk.tick()
    assert [view.id for view in desk.watches.list()] == made[::-1]
    assert [view.id for view in desk.watches.list(limit=2, offset=1)] == [made[3], made[2]]
    assert [view.id for view in desk.watches.list("cancelled")] == [made[0]]
    still_open = [view.id for view in desk.watches.list("open")]
    assert still_open == [made[4], made[3], made[2], made[1]], "its notice is not sent yet"
    assert desk.watches.open_count() == desk.watches.count("open") == 4
    assert desk.watches.count() == 5
    assert all(view.is_open for view in desk.watches.list("open"))


def test_a_resources_page_finds_its_watches(desk: Desk) -> None:
    watch = desk.waiting(1)
    desk.waiting(2, source_id="vol-2", topic_arn=OTHER_TOPIC)
    for resource in (watch.resource_id or "", "vol-1", TOPIC):
        assert [view.id for view in desk.watches.of_resource(resource)] == [watch.id]
    assert list(desk.watches.of_resource("vol-3")) == []


def test_the_volumes_name_is_asked_of_the_inventory_when_it_is_not_known(
    desk: Desk, aws: FakeAws
) -> None:
    class Volume:
        name = "lj_volume"

    desk.more["inventory_get"] = lambda kind, key: Volume() if kind == "volume" else None
    desk.restart()
    snapshot = aws.make(1)
    desk.put_on(snapshot)
    aws.finish(snapshot["SnapshotId"])
    desk.tick()
    assert "Volume: vol-1 (lj_volume)\n" in aws.published[0]["Message"]


def test_regions_are_named_as_they_are(desk: Desk) -> None:
    view = desk.waiting()
    assert (view.account, view.region) == (ACCOUNT, REGION)

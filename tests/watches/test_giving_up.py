"""Giving up a notice: a person's word, kept with who, when and why."""

from __future__ import annotations

import pytest

from app.watches import WatchError
from app.watches.topic_settings import HOLD, TopicSettings
from tests.watches.desk import Desk
from tests.watches.fakes import ACCOUNT, REGION, TOPIC, FakeAws, lose_answer, refuse
from tests.watches.notices import notice, owed, rows

WHY = "The topic is gone for good."


def parked(desk: Desk, aws: FakeAws) -> str:
    """A watch whose notice SNS does not take."""
    aws.before["Publish"] = [refuse("InvalidParameter")]
    watch = owed(desk, aws)
    desk.work()
    assert notice(desk, watch).state == "parked"
    return watch


def test_what_is_given_up_is_never_sent_by_itself(desk: Desk, aws: FakeAws) -> None:
    watch = parked(desk, aws)
    desk.watches.give_up(notice(desk, watch).id, "mary", WHY)
    desk.tick(days=1)
    assert notice(desk, watch).state == "given-up"
    assert aws.published == []


def test_it_says_who_gave_it_up_when_and_why(desk: Desk, aws: FakeAws) -> None:
    watch = parked(desk, aws)
    at = desk.now
    desk.watches.give_up(notice(desk, watch).id, "mary", f" {WHY} ")
    told = f"mary gave it up: {WHY}"
    assert notice(desk, watch).advice == f"{at:%Y-%m-%d %H:%M:%S} UTC: {told}"
    last = desk.view(watch).events[-1]
    assert (last.kind, last.text, last.at) == ("given-up", told, at)


def test_a_promise_that_is_given_up_is_open_no_more(desk: Desk, aws: FakeAws) -> None:
    watch = parked(desk, aws)
    assert (desk.view(watch).is_open, desk.watches.open_count()) == (True, 1)
    desk.watches.give_up(notice(desk, watch).id, "mary", WHY)
    assert (desk.view(watch).is_open, desk.watches.open_count()) == (False, 0)
    assert desk.watches.notices.counts() == {}
    assert desk.watches.notices.for_a_person() == 0


def test_it_can_be_tried_again_after_all(desk: Desk, aws: FakeAws) -> None:
    watch = parked(desk, aws)
    given_up = notice(desk, watch)
    desk.watches.give_up(given_up.id, "mary", WHY)
    assert notice(desk, watch).can_retry
    desk.watches.retry(given_up.id)
    desk.work()
    sent = notice(desk, watch)
    assert (sent.id, sent.state, sent.error, sent.advice) == (given_up.id, "sent", "", "")
    assert len(aws.published) == 1


def test_what_waits_for_a_topic_that_is_gone_can_be_given_up(desk: Desk, aws: FakeAws) -> None:
    aws.before["Publish"] = [refuse("NotFound")]
    watch = owed(desk, aws)
    desk.work()
    assert (notice(desk, watch).state, notice(desk, watch).can_give_up) == ("waiting", True)
    desk.watches.give_up(notice(desk, watch).id, "mary", WHY)
    desk.tick(minutes=20)
    assert notice(desk, watch).state == "given-up"
    assert aws.published == []


def test_what_is_held_can_be_given_up(desk: Desk, aws: FakeAws) -> None:
    desk.watches.topic_settings.save(TopicSettings(TOPIC, HOLD), desk.now)
    aws.after["Publish"] = [lose_answer()]
    watch = owed(desk, aws)
    desk.work()
    assert notice(desk, watch).state == "held"
    desk.watches.give_up(notice(desk, watch).id, "mary", WHY)
    desk.tick(days=1)
    assert notice(desk, watch).state == "given-up"


@pytest.mark.parametrize("why", ["", "   ", "\n"])
def test_without_a_reason_nothing_is_given_up(desk: Desk, aws: FakeAws, why: str) -> None:
    watch = parked(desk, aws)
    with pytest.raises(WatchError, match="Say why"):
        desk.watches.give_up(notice(desk, watch).id, "mary", why)
    assert notice(desk, watch).state == "parked"


def test_what_goes_its_way_or_was_sent_is_not_given_up(desk: Desk, aws: FakeAws) -> None:
    watch = owed(desk, aws)
    with pytest.raises(WatchError, match="is waiting, and nothing is wrong"):
        desk.watches.give_up(notice(desk, watch).id, "mary", WHY)
    desk.work()
    with pytest.raises(WatchError, match="is sent, and nothing is wrong"):
        desk.watches.give_up(notice(desk, watch).id, "mary", WHY)
    with pytest.raises(WatchError, match="There is no notice"):
        desk.watches.give_up("n-0", "mary", WHY)


def test_whoever_had_claimed_it_does_not_publish_it(desk: Desk, aws: FakeAws) -> None:
    """Another process had claimed two notices; the second is given up while it sends the first."""
    aws.before["Publish"] = [refuse("NotFound")]
    first, second = (desk.watches.test(TOPIC, ACCOUNT, REGION) for _ in range(2))
    desk.work()  # both wait with the trouble of the topic
    desk.later(minutes=16)

    def give_up() -> None:
        waiting = next(each for each in rows(desk.engine) if each["state"] == "waiting")
        desk.watches.give_up(waiting["id"], "mary", WHY)

    aws.before["Publish"] = [give_up]
    desk.work()
    desk.tick(minutes=16)
    states = {each["id"]: each["state"] for each in rows(desk.engine)}
    assert sorted(states.values()) == ["given-up", "sent"]
    assert states.keys() == {first, second}
    assert len(aws.published) == 1


def test_a_test_that_was_given_up_says_so_on_itself(desk: Desk, aws: FakeAws) -> None:
    aws.before["Publish"] = [refuse("InvalidParameter")]
    notice_id = desk.watches.test(TOPIC, ACCOUNT, REGION)
    desk.work()
    desk.watches.give_up(notice_id, "mary\nEve", "a\nb" * 200)
    found = desk.watches.notices.get(notice_id)
    assert found is not None
    assert "mary Eve gave it up: a b" in found.advice
    assert len(found.advice) < 400

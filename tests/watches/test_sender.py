"""What becomes of a notice: sent once, tried again, parked, never dropped."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from app.watches import WatchError
from app.watches.claims import LEASE
from app.watches.verdicts import SELDOM
from tests.watches.desk import Desk
from tests.watches.fakes import (
    ACCOUNT,
    REGION,
    FakeAws,
    Fault,
    Killed,
    die,
    lose_answer,
    refuse,
    unreachable,
)
from tests.watches.notices import notice, owed


@pytest.mark.parametrize(
    "fault",
    [
        refuse("Throttling", 400),
        refuse("RequestLimitExceeded", 503),
        refuse("ExpiredToken", 403),
        unreachable(),
    ],
)
def test_passing_trouble_is_tried_again_with_growing_delays(
    desk: Desk, aws: FakeAws, fault: Fault
) -> None:
    watch = owed(desk, aws)
    aws.before["Publish"] += [fault] * 12
    delays = []
    for _ in range(12):
        assert desk.watches.send(desk.now) is True
        view = notice(desk, watch)
        assert (view.state, view.uncertain, view.state_class) == ("waiting", 0, "failed")
        delays.append((view.due_at - desk.now).total_seconds())
        assert desk.watches.send(desk.now) is False
        desk.now = view.due_at
    assert delays[0] <= 2
    assert all(60 <= delay <= 120 for delay in delays[7:])
    assert delays[3] > delays[0]
    desk.work()
    assert aws.ids() == [notice(desk, watch).id]
    assert (notice(desk, watch).attempts, notice(desk, watch).error) == (13, "")


@pytest.mark.parametrize("fault", [lose_answer(), refuse("InternalFailure", 500)])
def test_a_lost_answer_is_sent_again_with_the_same_id(
    desk: Desk, aws: FakeAws, fault: Fault
) -> None:
    watch = owed(desk, aws)
    aws.after["Publish"].append(fault)
    desk.work()
    assert (notice(desk, watch).state, notice(desk, watch).uncertain) == ("waiting", 1)
    assert "same id" in notice(desk, watch).advice
    desk.tick()
    assert notice(desk, watch).state == "sent"
    assert aws.ids() == [notice(desk, watch).id] * 2


@pytest.mark.parametrize(
    "fault",
    [
        refuse("NotFound", 404),
        refuse("AuthorizationError", 403),
        refuse("KMSAccessDenied", 400),
        refuse("InvalidAction", 400),
    ],
)
def test_a_topic_that_is_gone_or_closed_is_tried_seldom_and_shown(
    desk: Desk, aws: FakeAws, fault: Fault
) -> None:
    watch = owed(desk, aws)
    aws.before["Publish"] += [fault] * 3
    desk.work()
    view = notice(desk, watch)
    assert (view.state, view.due_at - desk.now) == ("waiting", SELDOM)
    assert view.error == "No."
    assert "sns:Publish" in view.advice
    for _ in range(3):
        desk.tick(minutes=15)
    assert (notice(desk, watch).state, notice(desk, watch).attempts) == ("sent", 4)
    kinds = [event.kind for event in desk.view(watch).events]
    assert kinds.count("trouble") == 1, "the same trouble is told once"


@pytest.mark.parametrize("code", ["InvalidParameter", "InvalidParameterValue"])
def test_what_sns_does_not_take_waits_for_a_person(desk: Desk, aws: FakeAws, code: str) -> None:
    watch = owed(desk, aws)
    aws.before["Publish"].append(refuse(code))
    desk.work()
    desk.tick(days=30)
    view = notice(desk, watch)
    assert (view.state, aws.published, view.can_retry) == ("parked", [], True)
    assert desk.watches.open_count() == 1
    desk.watches.retry(view.id)
    desk.work()
    assert notice(desk, watch).state == "sent"
    assert [event.kind for event in desk.view(watch).events][-2:] == ["retried", "sent"]
    with pytest.raises(WatchError, match="is sent; there is no need"):
        desk.watches.retry(view.id)


def test_a_person_need_not_wait_for_the_next_try(desk: Desk, aws: FakeAws) -> None:
    watch = owed(desk, aws)
    aws.before["Publish"].append(refuse("NotFound", 404))
    desk.work()
    desk.watches.retry(notice(desk, watch).id)
    desk.work()
    assert notice(desk, watch).state == "sent"


def test_one_notice_in_trouble_does_not_hold_up_the_others(desk: Desk, aws: FakeAws) -> None:
    owed(desk, aws, 1)
    owed(desk, aws, 2)
    aws.before["Publish"].append(refuse("InvalidParameter"))
    desk.work()
    assert len(aws.published) == 1


def test_a_sender_that_died_is_followed_after_the_lease_with_the_same_id(
    desk: Desk, aws: FakeAws
) -> None:
    watch = owed(desk, aws)
    aws.after["Publish"].append(die)
    with pytest.raises(Killed):
        desk.work()
    desk.restart()
    desk.work()
    assert notice(desk, watch).state == "sending"
    with pytest.raises(WatchError, match="is sending"):
        desk.watches.retry(notice(desk, watch).id)
    desk.tick(seconds=LEASE.total_seconds())
    assert notice(desk, watch).state == "sent"
    assert (notice(desk, watch).uncertain, notice(desk, watch).attempts) == (1, 2)
    assert aws.ids() == [notice(desk, watch).id] * 2


def test_recovery_takes_less_than_a_minute() -> None:
    assert timedelta(seconds=20) < LEASE < timedelta(seconds=55)


def test_a_claim_is_respected_by_other_senders(desk: Desk, aws: FakeAws) -> None:
    owed(desk, aws)
    other = Desk(desk.engine, aws, desk.poll)
    other.now = desk.now
    aws.before["Publish"].append(lambda: other.tick(seconds=LEASE.total_seconds() - 1))
    desk.work()
    assert len(aws.published) == 1


def test_a_sender_that_comes_back_too_late_does_not_overwrite(desk: Desk, aws: FakeAws) -> None:
    watch = owed(desk, aws)
    other = Desk(desk.engine, aws, desk.poll)
    other.now = desk.now

    def lapse_and_fail() -> None:
        other.tick(seconds=LEASE.total_seconds())
        refuse("InvalidParameter")()

    aws.before["Publish"].append(lapse_and_fail)
    desk.work()
    assert (notice(desk, watch).state, notice(desk, watch).error) == ("sent", "")
    assert any("Too late" in event.text for event in desk.view(watch).events)


def test_a_sender_that_comes_back_leaves_the_claim_to_the_one_after_it(
    desk: Desk, aws: FakeAws
) -> None:
    watch = owed(desk, aws)
    other = Desk(desk.engine, aws, desk.poll)
    other.now = desk.now

    def claim_and_hang() -> None:
        other.later(seconds=LEASE.total_seconds())
        aws.before["Publish"].append(die)
        with pytest.raises(Killed):
            other.watches.send(other.now)

    aws.before["Publish"].append(claim_and_hang)
    assert desk.watches.send(desk.now) is True
    view = notice(desk, watch)
    assert (view.state, view.attempts, view.sns_message_id) == ("sending", 1, "")
    assert "Too late" in desk.view(watch).events[-1].text


def test_a_clock_that_steps_back_does_not_hold_a_notice(desk: Desk, aws: FakeAws) -> None:
    owed(desk, aws)
    aws.before["Publish"].append(die)
    with pytest.raises(Killed):
        desk.work()
    desk.later(days=-1)
    desk.work()
    assert len(aws.published) == 1


def test_a_lease_is_counted_from_the_present_however_old_the_callers_time(
    desk: Desk, aws: FakeAws
) -> None:
    watch = owed(desk, aws)
    aws.before["Publish"].append(die)
    with pytest.raises(Killed):
        desk.watches.send(desk.now - timedelta(minutes=2))
    assert notice(desk, watch).due_at == desk.now + LEASE


def test_clocks_that_differ_a_little_respect_each_others_leases(desk: Desk, aws: FakeAws) -> None:
    owed(desk, aws)
    behind = Desk(desk.engine, aws, desk.poll)
    behind.now = desk.now - timedelta(seconds=55)
    aws.before["Publish"].append(behind.tick)
    desk.work()
    assert len(aws.published) == 1


def test_many_senders_at_once_send_each_notice_once(desk: Desk, aws: FakeAws) -> None:
    for number in range(1, 25):
        owed(desk, aws, number)
    aws.publish_seconds = 0.002
    senders = [Desk(desk.engine, aws, desk.poll) for _ in range(4)]
    start = threading.Barrier(len(senders))

    def run(sender: Desk) -> None:
        sender.now = desk.now
        start.wait()
        while sender.watches.send(sender.now):
            pass

    threads = [threading.Thread(target=run, args=(sender,)) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(aws.ids()) == len(set(aws.ids())) == 24
    assert desk.watches.open_count() == 0


def test_a_fifo_topic_gets_group_and_deduplication_id(desk: Desk, aws: FakeAws) -> None:
    watch = owed(desk, aws, topic_arn=f"arn:aws:sns:{REGION}:{ACCOUNT}:backups.fifo")
    desk.work()
    (message,) = aws.published
    assert message["MessageDeduplicationId"] == notice(desk, watch).id
    assert message["MessageGroupId"] == desk.view(watch).resource_id

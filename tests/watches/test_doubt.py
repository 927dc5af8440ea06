"""What may have been delivered: sent again, or held for a person; never twice with a FIFO topic."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, insert

from app.watches import WatchError
from app.watches.claims import LEASE
from app.watches.tables import topic_settings
from app.watches.verdicts import KNOWN_AGAIN
from tests.watches.desk import Desk
from tests.watches.fakes import (
    ACCOUNT,
    REGION,
    TOPIC,
    FakeAws,
    Killed,
    die,
    lose_answer,
    unreachable,
)
from tests.watches.notices import notice, owed, rows

FIFO = f"{TOPIC}.fifo"


def decide(desk: Desk, topic: str, when_uncertain: str) -> None:
    """What a person has set for a topic; for all topics if it is empty."""
    row = insert(topic_settings).values(
        topic_arn=topic, when_uncertain=when_uncertain, changed_at=desk.now, actor="me"
    )
    with desk.engine.begin() as connection:
        connection.execute(row)


def lost(desk: Desk, aws: FakeAws, how: str, topic_arn: str = TOPIC) -> str:
    """A watch whose notice has been published, though nobody has heard that it was."""
    watch = owed(desk, aws, topic_arn=topic_arn)
    aws.after["Publish"].append({"answer": lose_answer(), "process": die}[how])
    if how == "answer":
        desk.work()
        return watch
    with pytest.raises(Killed):
        desk.work()
    desk.restart()
    desk.later(seconds=LEASE.total_seconds())
    return watch


@pytest.mark.parametrize("topic", ["", TOPIC])
@pytest.mark.parametrize("how", ["answer", "process"])
def test_where_people_want_it_so_what_is_in_doubt_is_held(
    desk: Desk, aws: FakeAws, how: str, topic: str
) -> None:
    decide(desk, topic, "hold")
    watch = lost(desk, aws, how)
    desk.tick(days=3)
    view = notice(desk, watch)
    assert (view.state, view.uncertain, view.attempts) == ("held", 1, 1)
    assert "send it again or say so" in view.advice
    assert view.can_retry
    assert view.can_settle
    assert len(aws.published) == 1
    assert desk.watches.open_count() == 1
    assert any("not sent again" in each.text for each in desk.view(watch).events)


@pytest.mark.parametrize("how", ["answer", "process"])
def test_a_topics_own_setting_goes_before_that_of_all_topics(
    desk: Desk, aws: FakeAws, how: str
) -> None:
    decide(desk, "", "hold")
    decide(desk, TOPIC, "repeat")
    watch = lost(desk, aws, how)
    desk.tick(minutes=1)
    assert notice(desk, watch).state == "sent"
    assert aws.ids() == [notice(desk, watch).id] * 2


def test_only_what_is_in_doubt_is_held(desk: Desk, aws: FakeAws) -> None:
    decide(desk, "", "hold")
    watches = [owed(desk, aws, number) for number in range(3)]
    aws.before["Publish"].append(unreachable())
    aws.after["Publish"].append(die)
    desk.work()
    with pytest.raises(Killed):
        desk.tick(minutes=1)
    desk.restart()
    desk.tick(minutes=1)
    assert sorted(notice(desk, each).state for each in watches) == ["held", "sent", "sent"]
    assert len(aws.ids()) == len(set(aws.ids())) == 3


def test_a_person_sends_a_held_notice_again(desk: Desk, aws: FakeAws) -> None:
    decide(desk, TOPIC, "hold")
    watch = lost(desk, aws, "answer")
    desk.watches.retry(notice(desk, watch).id)
    desk.work()
    assert notice(desk, watch).state == "sent"
    assert aws.ids() == [notice(desk, watch).id] * 2


def test_a_person_says_that_a_held_notice_has_arrived(desk: Desk, aws: FakeAws) -> None:
    decide(desk, TOPIC, "hold")
    watch = lost(desk, aws, "answer")
    desk.watches.settle(notice(desk, watch).id, "alex")
    desk.tick(days=1)
    view = notice(desk, watch)
    assert (view.state, view.sns_message_id, view.error) == ("sent", "", "")
    assert view.sent_at is not None
    assert desk.view(watch).events[-1].kind == "settled"
    assert "alex" in desk.view(watch).events[-1].text
    assert len(aws.published) == 1
    with pytest.raises(WatchError, match="no try of it is in doubt"):
        desk.watches.settle(view.id, "alex")


def test_a_person_need_not_wait_to_say_that_it_has_arrived(desk: Desk, aws: FakeAws) -> None:
    watch = lost(desk, aws, "answer")
    assert notice(desk, watch).state == "waiting"
    desk.watches.settle(notice(desk, watch).id, "alex")
    desk.tick(days=1)
    assert len(aws.published) == 1


def test_what_was_never_tried_has_not_arrived(desk: Desk, aws: FakeAws) -> None:
    watch = owed(desk, aws)
    with pytest.raises(WatchError, match="no try of it is in doubt"):
        desk.watches.settle(notice(desk, watch).id, "alex")
    with pytest.raises(WatchError, match="no notice"):
        desk.watches.settle("n-0", "alex")


def test_what_a_person_has_settled_is_not_published_by_whoever_had_claimed_it(
    desk: Desk, aws: FakeAws
) -> None:
    first = lost(desk, aws, "answer")
    second = owed(desk, aws, 2)
    desk.later(seconds=10)
    before = len(aws.published)

    def meanwhile() -> None:
        waiting = [row for row in rows(desk.engine) if row["state"] == "waiting"]
        for row in waiting:
            if row["uncertain"]:
                desk.watches.settle(row["id"], "alex")

    aws.before["Publish"].append(meanwhile)
    # the newer of the two comes first
    desk.watches.retry(notice(desk, second).id)
    desk.work()
    assert {notice(desk, each).state for each in (first, second)} == {"sent"}
    assert before <= len(aws.published) <= before + 2


@pytest.mark.parametrize("how", ["answer", "process"])
def test_a_fifo_topic_gets_it_again_while_sns_would_know_it(
    desk: Desk, aws: FakeAws, how: str
) -> None:
    watch = lost(desk, aws, how, topic_arn=FIFO)
    desk.tick(seconds=10)
    assert notice(desk, watch).state == "sent"
    assert [each["MessageDeduplicationId"] for each in aws.published] == aws.ids()


@pytest.mark.parametrize("step", [KNOWN_AGAIN, -timedelta(hours=1)])
def test_a_fifo_topic_does_not_get_it_again_when_sns_may_have_forgotten_it(
    desk: Desk, aws: FakeAws, step: timedelta
) -> None:
    watch = lost(desk, aws, "answer", topic_arn=FIFO)
    desk.tick(seconds=step.total_seconds())
    view = notice(desk, watch)
    assert (view.state, len(aws.published)) == ("held", 1)
    assert "twice" in view.advice
    desk.watches.retry(view.id)  # somebody takes it upon himself
    desk.work()
    assert (notice(desk, watch).state, len(aws.published)) == ("sent", 2)


def test_a_fifo_topic_that_cannot_be_reached_for_long_gets_what_was_never_in_doubt(
    desk: Desk, aws: FakeAws
) -> None:
    watch = owed(desk, aws, topic_arn=FIFO)
    aws.before["Publish"] += [unreachable()] * 4
    for _ in range(6):
        desk.tick(minutes=10)
    assert (notice(desk, watch).state, len(aws.published)) == ("sent", 1)


def test_a_test_that_a_person_asked_for_goes_the_same_way(desk: Desk, aws: FakeAws) -> None:
    identity = desk.watches.test(TOPIC, ACCOUNT, REGION)
    aws.after["Publish"].append(lose_answer())
    desk.work()
    desk.tick(minutes=1)
    (row,) = rows(desk.engine)
    assert (row["state"], row["watch_id"], row["uncertain"]) == ("sent", None, 1)
    assert aws.ids() == [identity] * 2


def test_a_clock_that_is_set_back_does_not_make_a_doubt_younger(desk: Desk, aws: FakeAws) -> None:
    watch = lost(desk, aws, "answer", topic_arn=FIFO)
    desk.later(seconds=0)
    desk.stopped(150)
    desk.now -= timedelta(seconds=100)
    desk.watches.recover(desk.now)
    desk.stopped(KNOWN_AGAIN.total_seconds() - 150)
    desk.work()
    assert (notice(desk, watch).state, len(aws.published)) == ("held", 1)


@pytest.mark.parametrize("policy", ["hold", "repeat"])
def test_what_was_taken_for_lost_and_was_published_after_all_is_in_doubt_no_more(
    desk: Desk, aws: FakeAws, policy: str
) -> None:
    decide(desk, TOPIC, policy)
    watch = owed(desk, aws)
    other = Desk(desk.engine, aws, desk.poll)
    other.now = desk.now
    aws.after["Publish"].append(lambda: other.later(seconds=LEASE.total_seconds() + 5))
    desk.work()
    view = notice(desk, watch)
    assert (view.state, view.sns_message_id, view.advice) == ("sent", "m-1", "")
    desk.tick(minutes=10)
    assert len(aws.published) == 1


def test_a_word_of_success_that_comes_late_does_not_undo_what_a_person_asked_for(
    desk: Desk, aws: FakeAws
) -> None:
    decide(desk, TOPIC, "hold")
    watch = owed(desk, aws)
    other = Desk(desk.engine, aws, desk.poll)
    other.now = desk.now

    def meanwhile() -> None:
        other.later(seconds=LEASE.total_seconds() + 5)
        other.watches.retry(notice(desk, watch).id)

    aws.after["Publish"].append(meanwhile)
    assert desk.watches.send(desk.now)
    assert notice(desk, watch).state == "waiting"
    desk.tick(minutes=1)
    assert notice(desk, watch).state == "sent"


def test_a_database_that_is_slow_is_not_taken_for_a_clock_that_is_set_back(
    desk: Desk, aws: FakeAws
) -> None:
    lost(desk, aws, "answer", topic_arn=FIFO)
    desk.watches.recover(desk.now)
    before = [row["uncertain_since"] for row in rows(desk.engine)]

    def take_long(_: object) -> None:
        desk.age += 30

    event.listen(desk.engine, "begin", take_long)
    desk.watches.recover(desk.now)
    event.remove(desk.engine, "begin", take_long)
    assert [row["uncertain_since"] for row in rows(desk.engine)] == before

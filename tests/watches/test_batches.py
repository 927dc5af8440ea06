"""Many notices at once: claimed together, published one by one, in doubt one at most."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.exc import OperationalError

from app.watches.claims import HOLD, LEASE, MOST
from app.watches.sender import BATCH_SECONDS, NEEDED_SECONDS
from tests.watches.desk import Desk
from tests.watches.fakes import FakeAws, Killed, die
from tests.watches.notices import at_commit, away, notice, owed, rows, trouble


def other(desk: Desk) -> Desk:
    """Another process on the same database."""
    made = Desk(desk.engine, desk.aws, desk.poll)
    made.now = desk.now
    made.watches.recover(made.now)
    return made


def later(number: int, befall: Callable[[], None]) -> list[Callable[[], None]]:
    """Something that befalls the call of that number; nothing befalls those before it."""
    return [*[lambda: None] * (number - 1), befall]


def test_what_is_due_is_sent_in_a_few_steps(desk: Desk, aws: FakeAws) -> None:
    watches = [owed(desk, aws, number) for number in range(MOST + 2)]
    assert [desk.watches.send(desk.now) for _ in range(3)] == [True, True, False]
    assert sorted(aws.ids()) == sorted(notice(desk, each).id for each in watches)
    assert {(row["state"], row["attempts"], row["owner"]) for row in rows(desk.engine)} == {
        ("sent", 1, "")
    }


def test_only_the_notice_that_was_being_published_is_in_doubt_after_a_kill(
    desk: Desk, aws: FakeAws
) -> None:
    for number in range(5):
        owed(desk, aws, number)
    aws.after["Publish"] += later(3, die)
    with pytest.raises(Killed):
        desk.work()
    left = [(row["state"], row["uncertain"]) for row in rows(desk.engine)]
    assert sorted(left) == sorted([("sent", 0)] * 2 + [("sending", 0)] + [("waiting", 0)] * 2)
    desk.restart()
    desk.tick(seconds=max(HOLD, LEASE).total_seconds())
    assert {row["state"] for row in rows(desk.engine)} == {"sent"}
    assert sorted(row["uncertain"] for row in rows(desk.engine)) == [0, 0, 0, 0, 1]
    assert len(aws.ids()) == 6
    assert len(set(aws.ids())) == 5


def test_who_is_told_to_stop_gives_back_what_it_has_not_tried(desk: Desk, aws: FakeAws) -> None:
    for number in range(4):
        owed(desk, aws, number)
    aws.before["Publish"] += later(2, lambda: desk.watches.stop())
    assert desk.watches.send(desk.now)
    assert not desk.watches.send(desk.now)
    left = [(row["state"], row["attempts"], row["owner"]) for row in rows(desk.engine)]
    assert sorted(left) == [("sent", 1, "")] * 2 + [("waiting", 0, "")] * 2
    other(desk).work()
    assert len(aws.ids()) == len(set(aws.ids())) == 4


def test_who_is_slow_gives_back_what_others_can_send(desk: Desk, aws: FakeAws) -> None:
    for number in range(3):
        owed(desk, aws, number)
    aws.before["Publish"].append(lambda: desk.stopped(BATCH_SECONDS + 1))
    assert desk.watches.send(desk.now)
    left = [row for row in rows(desk.engine) if row["state"] == "waiting"]
    assert [row["attempts"] for row in left] == [0, 0]
    assert all(row["due_at"] <= desk.now for row in left)


def test_who_was_stopped_before_it_could_publish_does_not(desk: Desk, aws: FakeAws) -> None:
    watch = owed(desk, aws)
    too_long = LEASE.total_seconds() - NEEDED_SECONDS + 1
    with at_commit(desk.engine, 1, lambda _: desk.stopped(too_long)):
        assert desk.watches.send(desk.now)
    assert aws.published == []
    assert (notice(desk, watch).state, notice(desk, watch).attempts) == ("waiting", 0)
    desk.work()
    assert aws.ids() == [notice(desk, watch).id]


def test_who_is_taken_over_publishes_nothing_of_what_it_had_claimed(
    desk: Desk, aws: FakeAws
) -> None:
    owed(desk, aws)
    owed(desk, aws, 2)
    second = other(desk)
    aws.before["Publish"].append(lambda: second.tick(seconds=LEASE.total_seconds()))
    desk.work()
    # The first was under way when it was taken over, and so went out twice; not the second.
    assert sorted(aws.ids().count(each) for each in set(aws.ids())) == [1, 2]
    assert sorted(row["uncertain"] for row in rows(desk.engine)) == [0, 1]


def test_a_clock_that_is_set_forward_takes_nothing_from_anybody(desk: Desk, aws: FakeAws) -> None:
    owed(desk, aws)
    owed(desk, aws, 2)
    second = other(desk)

    def an_hour_later() -> None:
        second.now += HOLD * 200
        second.watches.recover(second.now)
        second.work()

    aws.before["Publish"].append(an_hour_later)
    desk.work()
    assert len(aws.ids()) == len(set(aws.ids())) == 2


def test_who_was_stopped_itself_takes_nothing_over_at_once(desk: Desk, aws: FakeAws) -> None:
    owed(desk, aws)
    second = other(desk)

    def lid() -> None:
        second.watches.recover(second.now)
        second.stopped(3600)
        assert not second.watches.recover(second.now)
        assert not second.watches.recover(second.now)

    aws.before["Publish"].append(lid)
    desk.work()
    assert len(aws.ids()) == 1


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("at", [2, 3, 4])
def test_a_database_that_fails_does_not_make_a_living_process_publish_twice(
    desk: Desk, aws: FakeAws, at: int, written: bool
) -> None:
    for number in range(3):
        owed(desk, aws, number)
    with trouble(desk.engine, at, written), pytest.raises(OperationalError):
        desk.work()
    published = len(aws.ids())
    assert published == at - 1
    with away(desk.engine):
        for _ in range(3):  # nothing is published for as long as that is not written
            with pytest.raises(OperationalError):
                desk.watches.send(desk.now)
    assert len(aws.ids()) == published
    desk.work()
    found = rows(desk.engine)
    assert {(row["state"], row["attempts"], row["uncertain"]) for row in found} == {("sent", 1, 0)}
    assert len(aws.ids()) == len(set(aws.ids())) == 3
    for row in found:
        told = [each.kind for each in desk.view(row["watch_id"]).events]
        assert told.count("sent") == 1
        assert "trouble" not in told


def test_a_claim_that_could_not_be_written_is_as_if_it_had_not_been(
    desk: Desk, aws: FakeAws
) -> None:
    owed(desk, aws)
    for written in (False, True):
        with trouble(desk.engine, written=written), pytest.raises(OperationalError):
            desk.watches.send(desk.now)
    desk.work()
    (row,) = rows(desk.engine)
    assert (row["state"], row["attempts"], row["uncertain"]) == ("sent", 1, 0)
    assert len(aws.ids()) == 1


def test_when_the_database_returns_the_one_who_published_comes_first(
    desk: Desk, aws: FakeAws
) -> None:
    owed(desk, aws)
    second = other(desk)
    with trouble(desk.engine, at=2), pytest.raises(OperationalError):
        desk.work()
    second.later(seconds=LEASE.total_seconds() - 1)
    with away(desk.engine), pytest.raises(OperationalError):
        second.watches.recover(second.now)
    second.later(seconds=2)
    assert rows(desk.engine)[0]["state"] == "sending"
    desk.work()
    second.tick(seconds=LEASE.total_seconds())
    assert len(aws.ids()) == 1


def test_what_could_not_be_written_is_written_at_the_end(desk: Desk, aws: FakeAws) -> None:
    watch = owed(desk, aws)
    with trouble(desk.engine, at=2), pytest.raises(OperationalError):
        desk.work()
    desk.watches.stop()
    desk.watches.finish()
    assert notice(desk, watch).state == "sent"


def test_the_end_of_a_process_does_not_touch_what_is_still_being_published(
    desk: Desk, aws: FakeAws
) -> None:
    watch = owed(desk, aws)

    def end() -> None:
        desk.watches.stop()
        desk.watches.finish()
        assert notice(desk, watch).state == "sending"

    aws.before["Publish"].append(end)
    desk.work()
    assert notice(desk, watch).state == "sent"


def test_who_is_slow_does_not_begin_what_another_has_claimed_meanwhile(
    desk: Desk, aws: FakeAws
) -> None:
    for number in range(3):
        owed(desk, aws, number)
    second = other(desk)

    def claim_the_rest_and_die() -> None:
        second.stopped(HOLD.total_seconds())
        aws.before["Publish"].insert(0, die)
        with pytest.raises(Killed):
            second.watches.send(second.now)

    aws.before["Publish"].append(claim_the_rest_and_die)
    desk.work()
    assert len(aws.ids()) == 1, "the other two are another's"
    desk.tick(minutes=2)
    assert len(aws.ids()) == len(set(aws.ids())) == 3

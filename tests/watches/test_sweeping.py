"""What ended long ago is forgotten; what is not sent never is."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from app.watches.tables import events, notices, watches
from tests.watches.desk import Desk
from tests.watches.fakes import ACCOUNT, REGION, TOPIC, FakeAws, refuse


def _sweep(desk: Desk) -> int:
    """Sweep until nothing is left; returns in how many portions."""
    steps = 0
    while desk.watches.sweep(desk.now):
        steps += 1
    return steps


def _rows(desk: Desk) -> list[int]:
    with desk.engine.connect() as connection:
        counts = (select(func.count()).select_from(table) for table in (watches, notices, events))
        return [connection.execute(count).scalar_one() for count in counts]


def _told(desk: Desk, aws: FakeAws, number: int = 1) -> str:
    watch = desk.waiting(number)
    aws.finish(watch.resource_id or "")
    desk.tick()
    return watch.id


def test_what_ended_long_ago_goes_with_its_notices_and_its_history(
    desk: Desk, aws: FakeAws
) -> None:
    _told(desk, aws)
    desk.later(days=91)
    assert _sweep(desk) == 1
    assert _rows(desk) == [0, 0, 0]


def test_what_ended_lately_and_what_still_waits_stays(desk: Desk, aws: FakeAws) -> None:
    waiting = desk.waiting(1)
    desk.later(days=91)
    ended = _told(desk, aws, 2)
    assert _sweep(desk) == 0
    assert desk.view(waiting.id).state == "waiting"
    assert desk.view(ended).notices[0].state == "sent"


def test_what_was_given_up_stays_as_long_as_what_was_sent(desk: Desk, aws: FakeAws) -> None:
    aws.before["Publish"] = [refuse("InvalidParameter")]
    watch = _told(desk, aws)
    desk.later(days=400)
    desk.watches.give_up(desk.view(watch).notices[0].id, "mary", "The topic is gone.")
    desk.later(days=89)
    assert _sweep(desk) == 0
    desk.later(days=2)
    assert _sweep(desk) == 1
    assert _rows(desk) == [0, 0, 0]


def test_what_is_not_sent_is_never_forgotten(desk: Desk, aws: FakeAws) -> None:
    aws.before["Publish"] = [refuse("InvalidParameter")]
    watch = _told(desk, aws)
    desk.later(days=4000)
    assert _sweep(desk) == 0
    (notice,) = desk.view(watch).notices
    assert notice.state == "parked"
    desk.watches.retry(notice.id)
    desk.work()
    assert len(aws.published) == 1
    desk.later(hours=2)
    assert _sweep(desk) == 1
    assert _rows(desk) == [0, 0, 0]


def test_a_test_that_was_sent_long_ago_is_forgotten(desk: Desk) -> None:
    desk.watches.test(TOPIC, ACCOUNT, REGION)
    desk.work()
    desk.later(days=91)
    assert _sweep(desk) == 1
    assert _rows(desk) == [0, 0, 0]


def test_nothing_is_looked_for_again_within_the_hour(desk: Desk, aws: FakeAws) -> None:
    _told(desk, aws)
    assert not desk.watches.sweep(desk.now)
    desk.later(days=91)
    assert desk.watches.sweep(desk.now)
    assert not desk.watches.sweep(desk.now)


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_steps_does_not_keep_it_from_sweeping(
    desk: Desk, aws: FakeAws, days: int
) -> None:
    desk.watches.sweep(desk.now)
    desk.later(days=days)
    _told(desk, aws)
    desk.later(days=91)
    assert _sweep(desk) == 1

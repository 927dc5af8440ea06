"""Rules for what can reach an outcome again: instances."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from app.watches import WatchError
from app.watches.tables import watches
from tests.watches.fakes import ACCOUNT, REGION, START, FakeAws
from tests.watches.rules_desk import RulesDesk

ONE = f"i-{1:017x}"
EVERYTHING = ["running", "stopped", "terminated"]


@pytest.fixture
def desk(engine: Engine, aws: FakeAws) -> RulesDesk:
    return RulesDesk(engine, aws)


def see(desk: RulesDesk, state: str, launched: Any = START - timedelta(days=9)) -> None:
    """The inventory learns of an instance in that state, and the rules of it."""
    found = {
        "InstanceId": ONE,
        "State": {"Name": state},
        "LaunchTime": launched,
        "Tags": [{"Key": "env", "Value": "prod"}],
    }
    desk.learn("instance", ACCOUNT, REGION, [found], desk.now)
    desk.catch()


def waiting(desk: RulesDesk) -> list[str]:
    """The outcomes that are waited for now."""
    return sorted(name for view in desk.watches.list("waiting") for name in view.outcomes)


def told(desk: RulesDesk, outcome: str) -> None:
    """The watch for an outcome has ended with it."""
    [view] = [each for each in desk.watches.list("waiting") if each.outcomes == (outcome,)]
    with desk.engine.begin() as connection:
        connection.execute(
            update(watches)
            .where(watches.c.id == view.id)
            .values(state=outcome, ended_at=desk.now, aws_state=outcome)
        )


def make(desk: RulesDesk, **more: Any) -> None:
    """A rule for what runs in production."""
    desk.make(**{"kind": "instance", "filter": "tag:env = prod", "outcomes": EVERYTHING, **more})


def test_each_outcome_has_a_watch_but_what_it_is_already(desk: RulesDesk) -> None:
    make(desk)
    see(desk, "running")
    assert waiting(desk) == ["stopped", "terminated"]


def test_what_a_new_one_is_when_it_is_first_seen_is_told(desk: RulesDesk) -> None:
    make(desk)
    desk.later(minutes=10)
    see(desk, "running", launched=START + timedelta(minutes=5))
    assert waiting(desk) == ["running", "stopped", "terminated"]


def test_it_is_told_every_time(desk: RulesDesk) -> None:
    make(desk, outcomes=["stopped"])
    see(desk, "running")
    for _ in range(3):
        desk.later(hours=1)
        see(desk, "stopped")
        told(desk, "stopped")
        assert waiting(desk) == []
        desk.later(hours=1)
        see(desk, "pending")
        assert waiting(desk) == ["stopped"]
        see(desk, "running")
        assert waiting(desk) == ["stopped"]


def test_a_reading_that_lags_behind_puts_no_watch_on(desk: RulesDesk) -> None:
    make(desk, outcomes=["stopped"])
    see(desk, "running")
    desk.later(hours=1)
    told(desk, "stopped")
    desk.later(seconds=5)
    see(desk, "stopping")
    assert waiting(desk) == []


def test_one_that_is_started_again_at_once_is_waited_for_again(desk: RulesDesk) -> None:
    make(desk, outcomes=["stopped"])
    see(desk, "running")
    desk.later(hours=1)
    told(desk, "stopped")
    desk.later(seconds=5)
    see(desk, "running", launched=desk.now)
    assert waiting(desk) == ["stopped"]


def test_a_watch_that_a_person_cancelled_does_not_come_back(desk: RulesDesk) -> None:
    make(desk, outcomes=["stopped"])
    see(desk, "running")
    desk.watches.cancel(desk.all()[0].id)
    desk.later(hours=1)
    see(desk, "pending")
    assert waiting(desk) == []


def test_what_is_terminated_is_waited_for_no_more(desk: RulesDesk) -> None:
    make(desk)
    see(desk, "terminated")
    assert waiting(desk) == []


def test_one_that_was_launched_and_terminated_unseen_is_told_of(desk: RulesDesk) -> None:
    make(desk)
    see(desk, "terminated", launched=START + timedelta(minutes=1))
    assert waiting(desk) == ["terminated"]


def test_nothing_that_is_there_for_long_is_late(desk: RulesDesk) -> None:
    with pytest.raises(WatchError) as refused:
        make(desk, outcomes=["late"])
    assert refused.value.field == "outcomes"

"""What AWS would never say, but an endpoint may: it must not stop what is asked about with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.watches.moments import moment_of
from tests.watches.desk import Desk
from tests.watches.fakes import START, FakeAws
from tests.watches.notices import notice

ONE = f"snap-{1:017x}"
ODD = [
    {"StartTime": "0001-01-01T00:00:00+14:00"},  # earlier than any time there is
    {"StartTime": "9999-12-31T23:59:59-14:00"},
    {"StartTime": "0001-01-01T00:00:00Z"},
    {"StartTime": "9999-12-31T23:59:59Z"},
    {"CompletionTime": "0001-01-01T00:00:00+14:00"},
    {"CompletionTime": "9999-12-31T23:59:59Z"},
    {"VolumeSize": 2**40},
    {"VolumeSize": 10**30},
    {"VolumeSize": -1},
    {"Description": "a\x00b\ud800"},
    {"StateMessage": "x" * 10_000, "Progress": "9" * 100},
    {"VolumeId": "v" * 200},
]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("late_after", [None, 10])
def test_an_odd_answer_of_one_keeps_no_other_from_being_told(
    desk: Desk, aws: FakeAws, odd: dict[str, Any], late_after: int | None
) -> None:
    first = desk.put_on(aws.make(1), late_after=late_after, outcomes=["late", "completed"])
    second = desk.put_on(aws.make(2))
    desk.tick()
    aws.finish(f"snap-{2:017x}")
    aws.finish(ONE, "pending", **odd)
    desk.tick()
    assert notice(desk, second).state == "sent"
    aws.finish(ONE)
    desk.tick(seconds=60)
    assert desk.view(first).state == "completed"
    assert {each.state for each in desk.view(first).notices} == {"sent"}


@pytest.mark.parametrize("odd", ODD)
def test_a_watch_can_be_put_on_what_is_odd(desk: Desk, aws: FakeAws, odd: dict[str, Any]) -> None:
    watch = desk.put_on(aws.make(1, **odd), late_after=5, outcomes=["late", "completed"])
    aws.finish(ONE)
    desk.tick(seconds=60)
    assert desk.view(watch).state == "completed"


@given(
    st.one_of(
        st.text(),
        st.integers(),
        st.none(),
        st.datetimes().map(str),
        st.tuples(st.datetimes(), st.integers(-14, 14)).map(lambda t: f"{t[0]}{t[1]:+03}:00"),
    )
)
def test_whatever_is_told_for_a_time_can_be_reckoned_with(told: object) -> None:
    moment = moment_of(told)
    if moment is not None:
        assert moment.tzinfo is UTC
        assert START + (moment - datetime(1971, 1, 1, tzinfo=UTC)) * 4 >= START


def test_times_are_told_in_utc() -> None:
    assert moment_of("2026-03-01T13:00:00+01:00") == START
    assert moment_of("2026-03-01T12:00:00") == START
    assert moment_of("0001-01-01T00:00:00Z") is None

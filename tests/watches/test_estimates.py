"""When a snapshot will be done, going by the past of its volume."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from app.resources.spec import Row
from app.watches.estimates import MOST, durations, estimate, from_json
from tests.watches.fakes import ACCOUNT, REGION, START

seconds = st.floats(0, 10**6, allow_nan=False)
pasts = st.lists(seconds, min_size=1, max_size=40)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def row(number: int, began: str | None, ended: str | None, state: str = "completed") -> Row:
    cells: dict[str, Any] = {"started": began, "completed": ended, "volume_id": "vol-1"}
    return Row(
        "snapshot",
        f"snap-{number}",
        "",
        ACCOUNT,
        REGION,
        state,
        "ok",
        {},
        cells,
        dict,
        START,
    )


def took(*minutes: float) -> list[Row]:
    """A row for each, one a day."""
    days = [START + timedelta(days=day) for day in range(len(minutes))]
    return [
        row(number, day.isoformat(), (day + timedelta(minutes=each)).isoformat())
        for number, (day, each) in enumerate(zip(days, minutes, strict=True))
    ]


def words(*minutes: float, running: float = 0) -> str:
    found = estimate([60 * each for each in minutes], START, at(0))
    assert found
    return found.words(at(running))


def test_an_estimate_tells_its_spread_and_what_it_goes_by() -> None:
    assert words(10, 20, 30, running=1) == (
        "about 12:20, between 12:10 and 12:30 UTC, going by 3 snapshots of this volume"
    )


def test_a_single_one_before_is_said_to_be_little() -> None:
    assert words(10) == "about 12:10 UTC, going by a single one before, which is little"
    assert words(10, 20) == "about 12:15 UTC, going by only two before, which is little"


def test_it_is_told_how_few_of_the_past_took_so_long() -> None:
    assert words(10, 20, 30, 40, running=15) == (
        "about 12:30, between 12:20 and 12:40 UTC, "
        "going by the 3 slowest of 4 snapshots of this volume"
    )
    assert words(10, 20, 30, 40, running=35) == (
        "about 12:40 UTC, going by the slowest of 4 snapshots of this volume alone, which is little"
    )
    assert words(10, 20, running=15) == (
        "about 12:20 UTC, going by only two before, which is little"
    )


def test_what_takes_longer_than_ever_is_said_so() -> None:
    assert words(10, 20, 30, running=31) == (
        "longer than any of the 3 before, which took 10 minutes to 30 minutes"
    )
    assert words(10, running=11) == "longer than the one before, which took 10 minutes"


def test_short_ones_are_told_to_the_second_and_other_days_by_their_date() -> None:
    assert words(1, 2, 3).startswith("about 12:02:00, between 12:01:00 and 12:03:00 UTC")
    assert words(60, 720, 1440).startswith("about 2026-03-02 00:00, between 13:00 and 2026-03-02")


def test_those_that_would_be_done_by_now_count_no_more() -> None:
    found = estimate([60, 120, 6000], START, at(3))
    assert found
    assert found.median_at == found.early_at == at(100)
    assert found.usual_seconds == 120


def test_without_a_past_there_is_no_estimate() -> None:
    assert estimate([], START, START) is None
    assert from_json(None) is None
    assert from_json({"basis": 0}) is None


def test_the_first_snapshot_of_a_volume_does_not_count_if_it_took_longest() -> None:
    assert durations(took(600, 5, 6, 7)) == [300, 360, 420]
    assert durations(took(5, 6, 7, 600)) == [300, 360, 420, 36000]
    assert durations(took(600, 5)) == [36000, 300], "too few to leave one out"


def test_only_the_latest_completed_ones_count() -> None:
    assert len(durations(took(*range(1, 60)))) == MOST
    odd = [
        row(1, None, None),
        row(2, "yesterday", "today"),
        row(3, at(5).isoformat(), at(4).isoformat()),
        row(4, at(0).isoformat(), None, "pending"),
        row(5, at(0).isoformat(), at(1).isoformat(), "error"),
        row(6, "2026-03-01T12:00:00", "2026-03-01T13:02:00+01:00"),
    ]
    assert durations(odd) == [120]


@given(pasts, seconds)
def test_an_estimate_lies_in_the_past_that_is_left(past: list[float], elapsed: float) -> None:
    now = START + timedelta(seconds=elapsed)
    found = estimate(past, START, now)
    assert found
    assert found.early_at <= found.median_at <= found.late_at
    assert found.late_at <= START + timedelta(seconds=max(past))
    assert found.shortest_at <= found.early_at
    assert found.beyond == (max(past) <= (now - START).total_seconds())
    if not found.beyond:
        assert found.early_at > now - timedelta(milliseconds=1)
    assert found.basis == len(past)
    assert found.words(now)


@given(pasts, seconds, seconds)
def test_the_longer_it_takes_the_later_it_is_expected(
    past: list[float], elapsed: float, more: float
) -> None:
    assume(elapsed + more < max(past))
    first = estimate(past, START, START + timedelta(seconds=elapsed))
    assert first
    second = first.given(START + timedelta(seconds=elapsed + more))
    assert second.median_at >= first.median_at
    assert second.late_at >= first.late_at


@given(pasts, seconds)
def test_what_is_kept_is_what_was_estimated(past: list[float], elapsed: float) -> None:
    found = estimate(past, START, START + timedelta(seconds=elapsed))
    assert found
    kept = from_json(json.loads(json.dumps(found.to_json())))
    assert kept
    assert kept.given(found.started_at) == found.given(found.started_at)
    assert kept.median_at == found.median_at.astimezone(UTC)

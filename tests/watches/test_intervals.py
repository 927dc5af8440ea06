"""How soon AWS is asked again, by what is known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.watches.estimates import NOTHING_KNOWN, estimate
from app.watches.intervals import FAR, LONGEST, next_look
from tests.watches.fakes import START

POLL = 4.0


def wait(elapsed: float, *past: float, **more: Any) -> float:
    """Seconds until the next look at a snapshot that runs for so many seconds."""
    now = START + timedelta(seconds=elapsed)
    found = estimate(past, START, START)
    watch = {
        "kind": "snapshot",
        "made_at": START,
        "started_at": START,
        "expected": found.to_json() if found else NOTHING_KNOWN,
        "outcomes": ["completed"],
        "passed": [],
        "late_after": None,
        **more,
    }
    return (next_look(watch, now, POLL) - now).total_seconds()


def test_everything_is_looked_at_often_in_its_first_minute() -> None:
    assert wait(20) == wait(20, *[36000.0] * 9) == POLL


def test_what_has_no_past_is_looked_at_every_quarter_of_a_minute_in_the_end() -> None:
    assert wait(60) == POLL
    assert wait(200) == 8
    assert 12 <= wait(4000) <= LONGEST


def test_what_cannot_be_done_yet_is_looked_at_seldom() -> None:
    solid = [3600.0, 3700, 3800, 3900, 4000]
    assert 56 <= wait(120, *solid) <= FAR
    assert wait(2000, *solid) <= LONGEST, "half of the quickest is over"
    assert wait(120, *solid[:4]) <= LONGEST, "four are too few to rely on"


def test_what_may_be_done_any_moment_is_looked_at_often() -> None:
    past = [600.0, 700, 800, 900, 1000]
    for elapsed in (600, 700, 999):
        assert 0 < wait(elapsed, *past) <= POLL, "as the grid has it"
    assert wait(592, *past) == POLL


def test_what_takes_longer_than_ever_is_looked_at_less_and_less() -> None:
    assert wait(640, 600.0) == POLL
    assert 12 <= wait(6000, 600.0) <= LONGEST


def test_what_turns_late_is_looked_at_soon_after() -> None:
    solid = [3600.0] * 9
    late = {"outcomes": ["completed", "late"], "late_after": 150}
    assert wait(120, *solid, **late) <= 30 + POLL
    assert wait(120, *solid, **late, passed=["late"]) > 30 + POLL


def test_a_clock_that_was_set_back_does_not_make_looks_seldom() -> None:
    assert wait(-5000, *[36000.0] * 9) == POLL


@given(
    st.floats(-(10**6), 10**6),
    st.lists(st.floats(0, 10**6), max_size=20),
    st.one_of(st.none(), st.integers(1, 10**6)),
)
def test_the_next_look_is_soon_whatever_is_known(
    elapsed: float, past: list[float], limit: int | None
) -> None:
    seconds = wait(elapsed, *past, outcomes=["completed", "late"], late_after=limit)
    assert 0 < seconds <= FAR
    if len(past) < 5:
        assert seconds <= LONGEST

"""The ages and counts of the background's steps."""

from __future__ import annotations

from app.ticks import Ticks


def test_an_age_is_since_the_step_last_ended_or_was_expected_first() -> None:
    time = [100.0]
    ticks = Ticks(lambda: time[0])
    assert ticks.ages() == {}
    ticks.expect(["send", "poll"])
    time[0] = 107.0
    ticks.note("poll", "idle")
    time[0] = 110.0
    assert ticks.ages() == {"poll": 3.0, "send": 10.0}


def test_steps_are_counted_by_what_came_of_them() -> None:
    ticks = Ticks()
    for outcome in ("busy", "busy", "failed"):
        ticks.note("poll", outcome)
    assert ticks.counts() == {("poll", "busy"): 2, ("poll", "failed"): 1}


def test_a_failure_is_news_when_it_begins_and_once_a_minute_while_it_lasts() -> None:
    time = [0.0]
    ticks = Ticks(lambda: time[0])
    news = []
    for time[0] in range(0, 150, 10):
        if ticks.note("send", "failed"):
            news.append(time[0])
    assert news == [0, 60, 120]
    assert ticks.note("poll", "failed"), "of another step"
    assert not ticks.note("send", "idle")
    assert ticks.note("send", "failed"), "it was over in between"

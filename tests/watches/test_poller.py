"""What is asked of AWS, how often, and what its answers and failures lead to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from app.resources import AWAITED
from app.resources.spec import Row
from app.watches import Pacing, outcomes
from app.watches.estimates import NOTHING_KNOWN, from_json
from tests.watches.desk import Desk
from tests.watches.fakes import (
    ACCOUNT,
    REGION,
    START,
    FakeAws,
    Killed,
    die,
    lose_answer,
    refuse,
    unreachable,
)

MINUTE = {"minutes": 1}


def test_four_hundred_and_one_pending_snapshots_cost_three_calls(desk: Desk, aws: FakeAws) -> None:
    for number in range(1, 402):
        desk.put_on(aws.make(number))
        desk.later(milliseconds=30)  # made at different moments, asked about together
    desk.tick()
    before = aws.count("DescribeSnapshots")
    desk.tick()
    assert aws.count("DescribeSnapshots") - before == 3
    assert {view.polls for view in desk.watches.list(limit=1000)} == {2}


def test_watches_made_at_different_moments_come_to_be_asked_about_together(
    desk: Desk, aws: FakeAws
) -> None:
    for number in range(1, 4):
        desk.put_on(aws.make(number))
        desk.tick(seconds=1)
    for _ in range(5):
        desk.tick(seconds=1)
    before = aws.count("DescribeSnapshots")
    for _ in range(50):
        desk.tick(seconds=1)
    assert aws.count("DescribeSnapshots") - before == 10


def test_regions_are_asked_separately(desk: Desk, aws: FakeAws) -> None:
    desk.waiting(1)
    desk.waiting(2, region="us-east-1")
    desk.tick()
    asked = [region for name, region, _ in aws.calls if name == "DescribeSnapshots"]
    assert sorted(asked) == [REGION, "us-east-1"]


def test_nothing_is_asked_before_it_is_due(desk: Desk, aws: FakeAws) -> None:
    desk.waiting()
    desk.tick()
    asked = aws.count("DescribeSnapshots")
    desk.later(seconds=1)
    assert desk.watches.poll(desk.now) is False
    assert aws.count("DescribeSnapshots") == asked


def test_a_clock_that_steps_back_does_not_stop_the_polls(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting()
    desk.tick()
    aws.finish(watch.resource_id or "")
    desk.later(days=-2)
    desk.work()
    assert len(aws.published) == 1


def test_every_change_is_told_but_not_every_poll(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting()
    for progress in ("0%", "0%", "40%", "40%", "99%"):
        aws.finish(watch.resource_id or "", "pending", Progress=progress)
        desk.tick()
    view = desk.view(watch.id)
    assert view.polls == 5
    assert view.last_polled_at == desk.now
    told = [event.text for event in view.events if event.kind == "progress"]
    assert told == ["Progress: 40%", "Progress: 99%"]


@pytest.mark.parametrize("state", ["pending", "recoverable", "recovering", "brand-new", ""])
def test_other_states_are_waited_out(desk: Desk, aws: FakeAws, state: str) -> None:
    watch = desk.waiting()
    aws.finish(watch.resource_id or "", state)
    for _ in range(30):
        desk.tick(**MINUTE)
    assert desk.view(watch.id).state == "waiting"


def test_a_snapshot_that_is_gone_for_ten_minutes_has_vanished(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting()
    desk.tick()
    del aws.snapshots[watch.resource_id or ""]
    for _ in range(10):
        desk.tick(**MINUTE)
    assert (desk.view(watch.id).state, aws.published) == ("waiting", [])
    desk.tick(**MINUTE)
    (message,) = aws.published
    assert message["Subject"] == "Snapshot vanished"
    assert "missing since" in message["Message"]
    assert desk.view(watch.id).state == "vanished"


def test_a_snapshot_that_comes_back_in_time_has_not_vanished(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting()
    held = aws.snapshots.pop(watch.resource_id or "")
    for _ in range(9):
        desk.tick(**MINUTE)
    aws.snapshots[watch.resource_id or ""] = held
    desk.tick(**MINUTE)
    del aws.snapshots[watch.resource_id or ""]
    for _ in range(9):
        desk.tick(**MINUTE)
    assert desk.view(watch.id).state == "waiting"


@pytest.mark.parametrize("jump", [{"days": 1}, {"days": -1}])
def test_a_clock_that_steps_does_not_make_a_snapshot_vanish(
    desk: Desk, aws: FakeAws, jump: dict[str, float]
) -> None:
    watch = desk.waiting()
    del aws.snapshots[watch.resource_id or ""]
    desk.tick()
    desk.later(**jump)
    desk.tick()
    assert desk.view(watch.id).state == "waiting"
    for _ in range(11):
        desk.tick(**MINUTE)
    assert desk.view(watch.id).state == "vanished"


def test_a_snapshot_whose_answer_was_lost_is_found_by_its_tag(desk: Desk, aws: FakeAws) -> None:
    watch = desk.intend("r-1")
    aws.make(7, "r-1")
    desk.tick(seconds=20)
    assert aws.count("DescribeSnapshots") == 0, "the request may still be under way"
    desk.tick(seconds=20)
    view = desk.view(watch)
    assert (view.state, view.resource_id) == ("waiting", f"snap-{7:017x}")
    aws.finish(view.resource_id or "")
    desk.tick()
    assert len(aws.published) == 1


def test_a_lost_snapshot_that_is_completed_when_found_is_told_of(desk: Desk, aws: FakeAws) -> None:
    watch = desk.intend("r-1")
    aws.finish(aws.make(7, "r-1")["SnapshotId"])
    desk.tick(minutes=5)
    assert desk.view(watch).state == "completed"
    assert len(aws.published) == 1


def test_a_copy_that_carries_the_tag_is_not_taken_for_the_snapshot(
    desk: Desk, aws: FakeAws
) -> None:
    watch = desk.intend("r-1")
    aws.make(1, "r-1", VolumeId="vol-ffffffff", State="completed")
    aws.make(2, "r-1")
    desk.tick(minutes=1)
    assert desk.view(watch).resource_id == f"snap-{2:017x}"


def test_an_intent_of_which_aws_knows_nothing_is_abandoned_after_a_quarter_of_an_hour(
    desk: Desk, aws: FakeAws
) -> None:
    watch = desk.intend("r-1")
    for _ in range(15):
        desk.tick(**MINUTE)
    assert desk.view(watch).state == "intended"
    desk.tick(**MINUTE)
    view = desk.view(watch)
    assert (view.state, aws.published) == ("abandoned", [])
    assert "Nothing will be published" in view.events[-1].text


def test_the_answer_may_come_after_all(desk: Desk, aws: FakeAws) -> None:
    watch = desk.intend("r-1")
    for _ in range(16):
        desk.tick(**MINUTE)
    desk.watches.bind(watch, aws.make(1, "r-1"))
    aws.finish(desk.view(watch).resource_id or "")
    desk.tick()
    assert len(aws.published) == 1


def test_two_hundred_and_one_intents_cost_two_calls(desk: Desk, aws: FakeAws) -> None:
    watches = [desk.intend(f"r-{number}") for number in range(201)]
    for number in range(201):
        aws.make(number, f"r-{number}")
    desk.later(minutes=1)
    assert [desk.watches.poll(desk.now) for _ in range(3)] == [True, True, False]
    assert aws.count("DescribeSnapshots") == 2
    assert {desk.view(watch).state for watch in watches} == {"waiting"}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (refuse("RequestLimitExceeded", 503), "RequestLimitExceeded"),
        (refuse("UnauthorizedOperation", 403), "UnauthorizedOperation"),
        (refuse("InternalError", 500), "InternalError"),
        (refuse("ExpiredToken", 400), "ExpiredToken"),
        (unreachable(), "EndpointConnectionError"),
        (lose_answer(), "ReadTimeoutError"),
    ],
)
def test_trouble_with_aws_loses_nothing_and_is_shown(
    desk: Desk, aws: FakeAws, fault: object, code: str
) -> None:
    watch = desk.waiting()
    aws.finish(watch.resource_id or "")
    aws.before["DescribeSnapshots"] += [fault] * 3  # type: ignore[list-item]
    desk.tick()
    view = desk.view(watch.id)
    assert view.state == "waiting"
    assert code in view.last_error
    for _ in range(20):
        desk.tick()
    assert desk.view(watch.id).last_error == ""
    assert len(aws.published) == 1


def test_a_region_in_trouble_is_asked_less_and_less(desk: Desk, aws: FakeAws) -> None:
    desk.waiting(1)
    desk.waiting(2, region="us-east-1")

    def throttle_one_region() -> None:
        aws.before["DescribeSnapshots"].append(throttle_one_region)
        if aws.calls[-1][1] == REGION:
            refuse("RequestLimitExceeded", 503)()

    aws.before["DescribeSnapshots"].append(throttle_one_region)
    for _ in range(120):  # ten minutes
        desk.tick()
    asked = [region for name, region, _ in aws.calls if name == "DescribeSnapshots"]
    assert 8 <= asked.count(REGION) <= 20
    assert asked.count("us-east-1") >= 60, "the other region is polled as ever"


def test_credentials_of_another_account_make_nothing_vanish(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting()
    aws.account = "999999999999"
    desk.restart()
    for _ in range(30):
        desk.tick(**MINUTE)
    view = desk.view(watch.id)
    assert (view.state, aws.count("DescribeSnapshots")) == ("waiting", 0)
    assert "999999999999" in view.last_error
    assert ACCOUNT in view.last_error


def test_a_poller_that_dies_is_followed_by_another(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting()
    aws.finish(watch.resource_id or "")
    aws.after["DescribeSnapshots"].append(die)
    desk.later(seconds=5)
    with pytest.raises(Killed):
        desk.work()
    desk.restart()
    desk.tick()
    assert len(aws.published) == 0, "nobody knows yet that it died"
    desk.tick(seconds=20)
    assert len(aws.published) == 1


def test_two_pollers_at_once_owe_one_notice(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting()
    aws.finish(watch.resource_id or "")
    other = Desk(desk.engine, aws, desk.poll)
    other.now = desk.now

    def meanwhile() -> None:
        other.tick(seconds=10)

    aws.after["DescribeSnapshots"].append(meanwhile)
    desk.tick()
    assert len(aws.published) == 1
    kinds = [event.kind for event in desk.view(watch.id).events]
    assert kinds.count("owed") == 1


def test_odd_descriptions_do_not_stop_the_others(desk: Desk, aws: FakeAws) -> None:
    odd, good = desk.waiting(1), desk.waiting(2)
    aws.finish(
        odd.resource_id or "",
        "completed",
        StartTime="yesterday",
        VolumeSize="large",
        Progress=None,
        Description="a\x00b" * 500,
        VolumeId=None,
    )
    aws.finish(good.resource_id or "")
    desk.tick()
    assert len(aws.published) == 2
    assert "\x00" not in desk.view(odd.id).description


def test_times_are_read_whatever_their_zone() -> None:
    with_zone = outcomes.facts(AWAITED["snapshot"], {"StartTime": "2026-03-01T13:00:00+01:00"})
    with_z = outcomes.facts(AWAITED["snapshot"], {"StartTime": "2026-03-01T12:00:00Z"})
    without = outcomes.facts(AWAITED["snapshot"], {"StartTime": "2026-03-01T12:00:00"})
    assert with_zone == with_z == without


def past_of(*minutes: float) -> list[Row]:
    """Snapshots of vol-1 that took so long, one on each day before."""
    rows = []
    for number, took in enumerate(minutes, 1):
        began = START - timedelta(days=number)
        cells = {
            "volume_id": "vol-1",
            "started": began.isoformat(),
            "completed": (began + timedelta(minutes=took)).isoformat(),
        }
        place = (ACCOUNT, REGION)
        one = ("snapshot", f"snap-{number}", "", *place, "completed")
        rows.append(Row(*one, "ok", {}, cells, dict, START))
    return rows


def test_a_snapshot_is_expected_by_the_past_of_its_volume(desk: Desk, aws: FakeAws) -> None:
    asked = []

    def past(region: str, volumes: Sequence[str]) -> list[Row]:
        asked.append((region, tuple(volumes)))
        return past_of(10, 20, 30)

    desk.more["past"] = past
    desk.restart()
    watch = desk.waiting()
    for _ in range(5):
        desk.tick()
    expected = from_json(desk.view(watch.id).expected)
    assert expected
    assert expected.median_at == START + timedelta(minutes=20)
    assert asked == [(REGION, ("vol-1",))], "once"
    for _ in range(100):
        desk.tick(minutes=1)
    assert len(aws.published) == 0, "late was not asked for"


def test_what_takes_three_times_as_long_as_usual_is_late(desk: Desk, aws: FakeAws) -> None:
    desk.more["past"] = lambda region, volumes: past_of(10, 10, 10)
    desk.restart()
    desk.waiting(outcomes=("completed", "late"))
    for _ in range(29):
        desk.tick(**MINUTE)
    assert aws.published == []
    for _ in range(3):
        desk.tick(**MINUTE)
    (message,) = aws.published
    assert "Late since: 2026-03-01 12:30:00 UTC" in message["Message"]


def test_as_long_as_the_inventory_is_being_read_nobody_waits_for_it(desk: Desk) -> None:
    answers: list[list[Row] | None] = [None, None, []]
    desk.more["past"] = lambda region, volumes: answers.pop(0)
    desk.restart()
    watch = desk.waiting()
    for _ in range(10):
        desk.tick()
    assert answers == [], "asked again until it told, and then no more"
    assert desk.view(watch.id).expected == NOTHING_KNOWN


def test_polls_take_turns_with_those_of_other_processes(desk: Desk, aws: FakeAws) -> None:
    for number in range(1, 4):
        desk.waiting(number, region=f"us-east-{number}")
    slept: list[float] = []
    desk.more["pacing"] = Pacing(5.0, 4.0, slept.append)
    other = Desk(desk.engine, aws, desk.poll, **desk.more)
    desk.restart()
    desk.later(seconds=5)
    other.now = desk.now
    assert [one.watches.poll(desk.now) for one in (desk, other, desk)] == [True] * 3
    assert slept == pytest.approx([0.275, 0.55])
    assert desk.watches.poll(desk.now) is False, "nothing is due, and no turn is taken"
    assert len(slept) == 2


def test_who_would_wait_long_for_a_turn_leaves_it_to_others(desk: Desk, aws: FakeAws) -> None:
    for number in range(1, 9):
        desk.waiting(number, region=f"us-east-{number}")
    desk.more["pacing"] = Pacing(5.0, 4.0, lambda _: None)
    desk.restart()
    desk.later(seconds=5)
    assert [desk.watches.poll(desk.now) for _ in range(8)] == [True] * 4 + [False] * 4
    desk.later(seconds=1)
    assert desk.watches.poll(desk.now) is True
    assert aws.count("DescribeSnapshots") == 5


def test_only_what_is_new_is_handed_over_after_it_is_written(desk: Desk, aws: FakeAws) -> None:
    learnt: list[tuple[str, int]] = []
    desk.more["learn"] = lambda kind, *place: learnt.append((kind, len(place[2])))
    desk.restart()
    first, _ = desk.waiting(1), desk.waiting(2)
    desk.tick()
    desk.tick()
    assert learnt == [("snapshot", 2)]
    aws.finish(first.resource_id or "")
    desk.tick()
    assert learnt == [("snapshot", 2), ("snapshot", 1)]


def test_watches_of_one_place_do_not_wait_for_one_that_hangs(desk: Desk, aws: FakeAws) -> None:
    desk.waiting(1)
    desk.waiting(2, region="us-east-1")
    desk.later(seconds=5)
    other = Desk(desk.engine, aws, desk.poll)
    other.now = desk.now
    asked: list[str] = []

    def hang() -> None:  # meanwhile another thread of this process polls on
        asked.append(aws.calls[-1][1])
        if len(asked) < 3:
            aws.before["DescribeSnapshots"].append(hang)
            desk.watches.poll(desk.now)

    aws.before["DescribeSnapshots"].append(hang)
    desk.watches.poll(desk.now)
    assert sorted(asked) == [REGION, "us-east-1"]

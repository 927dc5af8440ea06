"""What the states of every kind of resource lead to, and what is told of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.resources import AWAITED, RESOURCES
from app.resources.spec import LATE, VANISHED
from app.watches import WatchError, WatchView
from app.watches.outcomes import passed_already
from tests.watches.desk import Desk
from tests.watches.fakes import REGION, START, FakeAws, die

INSTANCE, IMAGE, VOLUME, SNAPSHOT = "i-1", "ami-1", "vol-1", "snap-1"


def watch(desk: Desk, kind: str, found: dict[str, Any], *outcomes: str, **more: Any) -> str:
    names = outcomes or tuple(each.name for each in AWAITED[kind].outcomes)
    return desk.put_on(found, kind=kind, outcomes=names, **more)


def instance(aws: FakeAws, state: str, launched: timedelta = timedelta(0)) -> dict[str, Any]:
    return aws.put(
        "instance",
        InstanceId=INSTANCE,
        ImageId=IMAGE,
        State={"Name": state},
        LaunchTime=(START + launched).isoformat(),
    )


def image(aws: FakeAws, state: str, **more: Any) -> dict[str, Any]:
    return aws.put("image", ImageId=IMAGE, State=state, CreationDate=START.isoformat(), **more)


def volume(aws: FakeAws, state: str) -> dict[str, Any]:
    return aws.put("volume", VolumeId=VOLUME, State=state, CreateTime=START, Size=8)


def modification(aws: FakeAws, state: str, begun: timedelta = timedelta(0)) -> dict[str, Any]:
    return aws.put(
        "modification",
        VolumeId=VOLUME,
        ModificationState=state,
        StartTime=(START + begun).isoformat(),
        OriginalSize=8,
        TargetSize=16,
        OriginalVolumeType="gp2",
        TargetVolumeType="gp3",
        Progress=12,
    )


def tier(aws: FakeAws, status: str | None, begun: timedelta = timedelta(0)) -> dict[str, Any]:
    return aws.put(
        "restore",
        SnapshotId=SNAPSHOT,
        LastTieringOperationStatus=status,
        LastTieringStartTime=(START + begun).isoformat(),
    )


def told(aws: FakeAws) -> list[str]:
    return [one["MessageAttributes"]["outcome"]["StringValue"] for one in aws.published]


def look(desk: Desk, watch_id: str, times: int = 1) -> WatchView:
    for _ in range(times):
        desk.tick(seconds=20)
    return desk.view(watch_id)


@pytest.mark.parametrize("kind", AWAITED)
def test_outcomes_are_declared_beside_known_states(kind: str) -> None:
    awaited = AWAITED[kind]
    names = [each.name for each in awaited.outcomes]
    assert len(names) == len(set(names))
    assert LATE in names
    assert awaited.gone in names
    assert not awaited.outcome(LATE).ends
    states = [state for each in awaited.outcomes for state in each.states]
    assert len(states) == len(set(states)), "a state is one outcome"
    assert awaited.resource in RESOURCES
    if awaited.kind == awaited.resource:
        known = {state.name for state in RESOURCES[kind].states}
        assert set(states) <= known
        ends = {state for each in awaited.outcomes if each.ends for state in each.states}
        changing = {s.name for s in RESOURCES[kind].states if s.state_class == "changing"}
        assert not ends & changing


# --- kinds that reach an outcome once


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("available", "available"),
        ("failed", "failed"),
        ("error", "failed"),
        ("invalid", "failed"),
        ("deregistered", VANISHED),
    ],
)
def test_an_image_is_told_of(desk: Desk, aws: FakeAws, state: str, outcome: str) -> None:
    mine = watch(desk, "image", image(aws, "pending"))
    assert look(desk, mine).state == "waiting"
    image(aws, state, StateReason={"Code": "Client.Oops", "Message": "Client.Oops: no disk"})
    view = look(desk, mine)
    assert (view.state, told(aws)) == (outcome, [outcome])
    if outcome == "failed":
        assert "State message: Client.Oops: no disk" in aws.published[0]["Message"]


def test_an_image_that_was_disabled_has_been_available(desk: Desk, aws: FakeAws) -> None:
    mine = watch(desk, "image", image(aws, "pending"))
    look(desk, mine)
    image(aws, "disabled")
    assert look(desk, mine).state == "available"
    assert told(aws) == ["available"]


def test_an_image_that_is_gone_has_vanished(desk: Desk, aws: FakeAws) -> None:
    mine = watch(desk, "image", image(aws, "pending"), "available", VANISHED)
    look(desk, mine)
    aws.others["image"].clear()
    assert look(desk, mine, times=31).state == VANISHED
    assert told(aws) == [VANISHED]


def test_a_volume_that_was_attached_before_anybody_looked_was_available(
    desk: Desk, aws: FakeAws
) -> None:
    mine = watch(desk, "volume", volume(aws, "creating"))
    look(desk, mine)
    volume(aws, "in-use")
    assert look(desk, mine).state == "available"
    assert told(aws) == ["available"]


def test_a_volume_in_use_can_be_waited_for_until_it_is_detached(desk: Desk, aws: FakeAws) -> None:
    mine = watch(desk, "volume", volume(aws, "in-use"), "available")
    assert look(desk, mine, times=3).state == "waiting"
    volume(aws, "available")
    assert look(desk, mine).state == "available"


def test_what_a_rule_finds_in_use_has_been_available(desk: Desk, aws: FakeAws) -> None:
    mine = watch(desk, "volume", volume(aws, "in-use"), "available", rule_id="rule-1")
    assert look(desk, mine).state == "available"
    assert told(aws) == ["available"]


@pytest.mark.parametrize(
    ("kind", "key", "made"),
    [
        ("image", "ImageId", {"ImageId": IMAGE, "State": "available", "SourceInstanceId": "i-9"}),
        ("volume", "VolumeId", {"VolumeId": VOLUME, "State": "in-use", "SnapshotId": "snap-9"}),
    ],
)
def test_what_was_asked_for_is_found_by_its_tag(
    desk: Desk, aws: FakeAws, kind: str, key: str, made: dict[str, Any]
) -> None:
    source = str(made.get("SourceInstanceId") or made.get("SnapshotId"))
    mine = desk.intend("r-1", kind=kind, source_id=source, outcomes=["available", "failed"])
    aws.put(kind, **made, Tags=[{"Key": "encante:request", "Value": "r-1"}])
    desk.tick(seconds=31)
    view = desk.view(mine)
    assert (view.resource_id, view.state, told(aws)) == (made[key], "available", ["available"])


def test_what_cannot_be_found_again_cannot_be_intended(desk: Desk) -> None:
    with pytest.raises(WatchError, match="needs a request id"):
        desk.intend("r-1", kind="modification", outcomes=["completed"])


# --- modifications


def test_a_modification_tells_that_it_is_optimizing_and_then_completed(
    desk: Desk, aws: FakeAws
) -> None:
    mine = watch(desk, "modification", modification(aws, "modifying"))
    look(desk, mine)
    modification(aws, "optimizing")
    view = look(desk, mine, times=3)
    assert (view.state, told(aws)) == ("waiting", ["optimizing"])
    modification(aws, "completed")
    view = look(desk, mine, times=3)
    assert (view.state, told(aws)) == ("completed", ["optimizing", "completed"])
    assert "8 GiB gp2 → 16 GiB gp3" in aws.published[1]["Message"]


def test_what_is_told_does_not_depend_on_when_we_look(desk: Desk, aws: FakeAws) -> None:
    mine = watch(desk, "modification", modification(aws, "modifying"))
    modification(aws, "completed")
    assert look(desk, mine).state == "completed"
    assert told(aws) == ["optimizing", "completed"], "it has been optimizing, says AWS"


def test_a_modification_that_fails_at_once_was_never_optimizing(desk: Desk, aws: FakeAws) -> None:
    mine = watch(desk, "modification", modification(aws, "modifying"))
    modification(aws, "failed")
    assert look(desk, mine).state == "failed"
    assert told(aws) == ["failed"]


def test_who_waits_for_optimizing_alone_is_done_with_it(desk: Desk, aws: FakeAws) -> None:
    mine = watch(desk, "modification", modification(aws, "modifying"), "optimizing", LATE, VANISHED)
    modification(aws, "optimizing")
    view = look(desk, mine)
    assert (view.state, view.is_open, told(aws)) == ("optimizing", False, ["optimizing"])


def test_who_also_waits_for_a_failure_goes_on_waiting(desk: Desk, aws: FakeAws) -> None:
    mine = watch(desk, "modification", modification(aws, "modifying"), "optimizing", "failed")
    modification(aws, "optimizing")
    assert look(desk, mine).state == "waiting"
    modification(aws, "completed")
    view = look(desk, mine)
    assert (view.state, told(aws)) == ("completed", ["optimizing"])
    assert "not asked to tell" in view.events[-1].text


def test_a_modification_of_before_is_not_taken_for_this_one(desk: Desk, aws: FakeAws) -> None:
    answer = modification(aws, "modifying", begun=timedelta(hours=7))
    mine = watch(desk, "modification", answer)
    modification(aws, "completed", begun=timedelta(0))  # AWS's answers lag behind
    assert look(desk, mine, times=2).state == "waiting"
    modification(aws, "completed", begun=timedelta(hours=7))
    assert look(desk, mine).state == "completed"


def test_a_modification_that_was_followed_by_another_is_told_no_more(
    desk: Desk, aws: FakeAws
) -> None:
    mine = watch(desk, "modification", modification(aws, "modifying"))
    look(desk, mine)
    modification(aws, "modifying", begun=timedelta(hours=7))
    view = look(desk, mine)
    assert (view.state, told(aws)) == (VANISHED, [VANISHED])
    assert "begun since" in view.state_message


# --- restores


@pytest.mark.parametrize("way", ["temporary", "permanent"])
@pytest.mark.parametrize("end", ["completed", "failed"])
def test_a_restore_from_the_archive_is_told_of(
    desk: Desk, aws: FakeAws, way: str, end: str
) -> None:
    tier(aws, "archival-completed", begun=-timedelta(days=9))
    answer = {"SnapshotId": SNAPSHOT, "RestoreStartTime": START.isoformat()}
    mine = watch(desk, "restore", answer)
    assert look(desk, mine).state == "waiting"
    tier(aws, f"{way}-restore-in-progress", begun=timedelta(seconds=2))
    assert look(desk, mine).state == "waiting"
    tier(aws, f"{way}-restore-{end}", begun=timedelta(seconds=2))
    assert look(desk, mine).state == end
    assert told(aws) == [end]


def test_a_restore_of_before_is_not_taken_for_this_one(desk: Desk, aws: FakeAws) -> None:
    tier(aws, "temporary-restore-completed", begun=-timedelta(days=1))
    mine = watch(desk, "restore", {"SnapshotId": SNAPSHOT})
    assert look(desk, mine, times=3).state == "waiting"


# --- instances


def test_an_instance_is_told_of_from_state_to_state(desk: Desk, aws: FakeAws) -> None:
    mine = watch(desk, "instance", instance(aws, "pending"))
    look(desk, mine)
    for state in ("running", "stopping", "stopped"):
        instance(aws, state)
        assert look(desk, mine, times=2).state == "waiting"
    assert told(aws) == ["running", "stopped"]
    for state in ("pending", "running", "shutting-down"):
        instance(aws, state, launched=timedelta(hours=1))
        assert look(desk, mine).state == "waiting"
    assert told(aws) == ["running", "stopped"], "each is told once by a watch"
    instance(aws, "terminated")
    assert look(desk, mine).state == "terminated"
    assert told(aws) == ["running", "stopped", "terminated"]


def test_what_an_instance_is_already_is_not_told(desk: Desk, aws: FakeAws) -> None:
    mine = watch(desk, "instance", instance(aws, "running"), "running", "stopped")
    assert look(desk, mine, times=3).state == "waiting"
    instance(aws, "stopped")
    view = look(desk, mine)
    assert (view.state, told(aws)) == ("stopped", ["stopped"])


@pytest.mark.parametrize(
    ("state", "outcomes"),
    [
        ("running", ("running",)),
        ("running", ("running", LATE)),
        ("stopped", ("stopped",)),
        ("terminated", ("running", "stopped")),
    ],
)
def test_a_watch_with_nothing_to_come_is_refused(
    desk: Desk, aws: FakeAws, state: str, outcomes: tuple[str, ...]
) -> None:
    with pytest.raises(WatchError, match=f"{INSTANCE} is {state} already"):
        watch(desk, "instance", instance(aws, state), *outcomes)


def test_a_stopped_instance_that_is_terminated_instead_ends_the_watch(
    desk: Desk, aws: FakeAws
) -> None:
    mine = watch(desk, "instance", instance(aws, "running"), "stopped")
    instance(aws, "terminated")
    view = look(desk, mine)
    assert (view.state, told(aws)) == ("terminated", [])
    assert "not asked to tell" in view.events[-1].text


def test_an_instance_that_was_launched_anew_has_been_stopped(desk: Desk, aws: FakeAws) -> None:
    mine = watch(desk, "instance", instance(aws, "running"), "stopped", "terminated")
    look(desk, mine)
    instance(aws, "running", launched=timedelta(minutes=5))
    assert look(desk, mine).state == "waiting"
    assert told(aws) == ["stopped"]


def test_an_instance_that_is_no_longer_listed_was_terminated(desk: Desk, aws: FakeAws) -> None:
    mine = watch(desk, "instance", instance(aws, "running"), "terminated")
    look(desk, mine)
    aws.others["instance"].clear()
    desk.later(hours=9)  # nobody looked while it was listed as terminated
    assert look(desk, mine, times=31).state == "terminated"
    assert told(aws) == ["terminated"]


def test_an_answer_that_lags_behind_a_stop_is_not_taken_for_a_start(
    desk: Desk, aws: FakeAws
) -> None:
    stopping = instance(aws, "stopping")
    mine = watch(desk, "instance", stopping, "running")
    instance(aws, "running")
    desk.tick()
    assert (desk.view(mine).state, told(aws)) == ("waiting", [])
    instance(aws, "stopped")
    look(desk, mine)
    instance(aws, "pending", launched=timedelta(minutes=1))
    look(desk, mine)
    instance(aws, "running", launched=timedelta(minutes=1))
    assert look(desk, mine).state == "running"


def test_an_endpoint_that_lags_for_long_is_believed_in_the_end(desk: Desk, aws: FakeAws) -> None:
    mine = watch(desk, "instance", instance(aws, "stopping"), "running")
    instance(aws, "running")
    assert look(desk, mine).state == "running"


def test_two_watches_on_an_instance_owe_a_notice_each(desk: Desk, aws: FakeAws) -> None:
    found = instance(aws, "running")
    first = watch(desk, "instance", found, "stopped")
    instance(aws, "stopped")
    look(desk, first)
    second = watch(desk, "instance", instance(aws, "pending"), "stopped")
    instance(aws, "stopped")
    look(desk, second)
    assert told(aws) == ["stopped", "stopped"]
    assert len(set(aws.ids())) == 2, "it was stopped twice"


# --- late


def minutes(desk: Desk, count: int) -> None:
    for _ in range(count):
        desk.tick(minutes=1)


def test_what_takes_longer_than_the_limit_is_late_and_then_completed(
    desk: Desk, aws: FakeAws
) -> None:
    mine = desk.put_on(aws.make(1), outcomes=["completed", LATE], late_after=600)
    minutes(desk, 9)
    assert told(aws) == []
    minutes(desk, 3)
    assert told(aws) == [LATE]
    assert "AWS last asked: 2026-03-01 12:1" in aws.published[0]["Message"]
    minutes(desk, 60)
    assert told(aws) == [LATE], "once"
    aws.finish(desk.view(mine).resource_id or "")
    minutes(desk, 1)
    assert told(aws) == [LATE, "completed"]


def test_who_asks_for_late_alone_is_done_with_it(desk: Desk, aws: FakeAws) -> None:
    mine = desk.put_on(aws.make(1), outcomes=[LATE], late_after=60)
    minutes(desk, 5)
    assert (desk.view(mine).state, told(aws)) == (LATE, [LATE])


def test_what_is_completed_in_time_is_never_late(desk: Desk, aws: FakeAws) -> None:
    mine = desk.put_on(aws.make(1), outcomes=[LATE], late_after=600)
    aws.finish(desk.view(mine).resource_id or "")
    minutes(desk, 20)
    view = desk.view(mine)
    assert (view.state, told(aws)) == ("completed", [])


def test_without_a_limit_and_a_past_nothing_is_late(desk: Desk, aws: FakeAws) -> None:
    mine = desk.put_on(aws.make(1), outcomes=["completed", LATE])
    for _ in range(50):
        desk.tick(hours=1)
    assert (desk.view(mine).state, told(aws)) == ("waiting", [])


def test_late_is_told_although_aws_cannot_be_asked(desk: Desk, aws: FakeAws) -> None:
    from tests.watches.fakes import unreachable

    desk.put_on(aws.make(1), outcomes=["completed", LATE], late_after=600)
    minutes(desk, 5)
    aws.before["DescribeSnapshots"] += [unreachable()] * 100
    minutes(desk, 12)
    assert told(aws) == [LATE]
    assert "AWS last asked: 2026-03-01 12:05" in aws.published[0]["Message"]


def test_a_clock_that_is_ahead_for_a_moment_makes_nothing_late(desk: Desk, aws: FakeAws) -> None:
    desk.put_on(aws.make(1), outcomes=["completed", LATE], late_after=600)
    minutes(desk, 2)
    desk.tick(days=1)
    desk.tick(days=-1)
    minutes(desk, 5)
    assert told(aws) == []


def test_an_instance_is_late_counting_from_the_watch_on(desk: Desk, aws: FakeAws) -> None:
    found = instance(aws, "running", launched=-timedelta(days=99))
    watch(desk, "instance", found, "stopped", LATE, late_after=600)
    minutes(desk, 9)
    assert told(aws) == []
    minutes(desk, 3)
    assert told(aws) == [LATE]


# --- whatever happens


def test_a_poller_that_dies_loses_no_outcome_on_the_way(desk: Desk, aws: FakeAws) -> None:
    mine = watch(desk, "modification", modification(aws, "modifying"))
    modification(aws, "optimizing")
    aws.after["DescribeVolumesModifications"].append(die)
    desk.later(seconds=5)
    with pytest.raises(BaseException):  # noqa: B017, PT011
        desk.work()
    desk.restart()
    look(desk, mine, times=2)
    modification(aws, "completed")
    look(desk, mine)
    assert told(aws) == ["optimizing", "completed"]


def test_what_is_passed_already_is_known_of_every_kind(aws: FakeAws) -> None:
    assert passed_already(AWAITED["instance"], instance(aws, "running")) == ("running",)
    assert passed_already(AWAITED["modification"], modification(aws, "optimizing")) == (
        "optimizing",
    )
    assert passed_already(AWAITED["image"], image(aws, "pending")) == ()
    assert passed_already(AWAITED["restore"], {"SnapshotId": SNAPSHOT}) == ()


def test_another_watch_for_something_else_is_another_watch(desk: Desk, aws: FakeAws) -> None:
    snapshot = aws.make(1)
    first = desk.put_on(snapshot, outcomes=["completed"])
    assert desk.put_on(snapshot, outcomes=["completed"]) == first
    second = desk.put_on(snapshot, outcomes=["completed", "failed"])
    third = desk.put_on(snapshot, outcomes=["completed"], late_after=60)
    assert len({first, second, third}) == 3
    aws.finish(snapshot["SnapshotId"])
    desk.tick()
    assert len(aws.published) == 1, "they owe the same notice"
    assert desk.view(first).region == REGION

"""Watches as pages list them: by state, kind, topic, rule and resource."""

from __future__ import annotations

from sqlalchemy import update

from app.watches.tables import watches
from tests.watches.desk import Desk
from tests.watches.fakes import ACCOUNT, FakeAws, refuse

OTHER = f"arn:aws:sns:us-east-1:{ACCOUNT}:others"


def _of_rule(desk: Desk, watch_id: str, rule_id: str = "r-1") -> None:
    with desk.engine.begin() as connection:
        change = update(watches).where(watches.c.id == watch_id)
        connection.execute(change.values(rule_id=rule_id))


def _ids(desk: Desk, state: str = "", **wanted: str) -> list[str]:
    found = [view.id for view in desk.watches.list(state, 100, 0, **wanted)]
    assert desk.watches.count(state, **wanted) == len(found)
    return found


def test_watches_are_found_by_all_that_is_asked_for(desk: Desk, aws: FakeAws) -> None:
    first = desk.waiting(1, source_id="vol-1")
    second = desk.waiting(2, source_id="vol-2", topic_arn=OTHER)
    image = desk.intend("r-3", kind="image", source_id="i-1", outcomes=["available"])
    aws.finish(second.resource_id or "")
    desk.tick()
    assert set(_ids(desk)) == {image, second.id, first.id}
    assert _ids(desk, "completed") == [second.id]
    assert _ids(desk, kind="image") == [image]
    assert _ids(desk, topic_arn=OTHER) == [second.id]
    assert _ids(desk, "completed", kind="image") == []
    assert list(desk.watches.topics()) == sorted([OTHER, first.topic_arn])


def test_what_is_on_a_resource_made_of_it_or_publishes_to_it_is_of_it(desk: Desk) -> None:
    first = desk.waiting(1, source_id="vol-1")
    second = desk.waiting(2, source_id="vol-2", topic_arn=OTHER)
    assert _ids(desk, of=first.resource_id or "") == [first.id]
    assert _ids(desk, of="vol-2") == [second.id]
    assert _ids(desk, of=OTHER) == [second.id]
    assert _ids(desk, of="vol-3") == []


def test_a_watch_is_open_until_all_that_it_owes_is_sent(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting()
    aws.before["Publish"] = [refuse("InvalidParameter")]
    aws.finish(watch.resource_id or "")
    desk.tick()
    assert desk.view(watch.id).notices[0].state == "parked"
    assert _ids(desk, "open") == [watch.id]
    desk.watches.retry(desk.view(watch.id).notices[0].id)
    desk.work()
    assert _ids(desk, "open") == []


def test_all_watches_of_a_rule_are_cancelled_at_once(desk: Desk, aws: FakeAws) -> None:
    made = [desk.waiting(number) for number in range(1, 4)]
    for watch in made[:2]:
        _of_rule(desk, watch.id)
    aws.finish(made[0].resource_id or "")
    desk.tick()
    assert desk.watches.cancel_of_rule("r-1") == 1
    assert [desk.view(watch.id).state for watch in made] == ["completed", "cancelled", "waiting"]
    assert "with all of its rule" in desk.view(made[1].id).events[-1].text
    assert desk.watches.cancel_of_rule("r-1") == 0


def test_when_it_is_late_is_told_in_words(desk: Desk) -> None:
    assert desk.waiting(1).late_words == ""
    asked = ("completed", "late")
    assert desk.waiting(2, outcomes=asked, late_after=5400).late_words == "after 1 hour 30 minutes"
    assert desk.waiting(3, outcomes=asked).late_words.startswith("never")

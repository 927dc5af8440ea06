from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, select

from app.inventory.tables import kinds
from app.watches.tables import rules as rules_table
from app.watches.tables import watches as watches_table
from tests.watches.fakes import START, TOPIC, FakeAws, Killed
from tests.watches.rules_desk import ONE, TWO, RulesDesk, draft_of, finish, snapshot


@pytest.fixture
def desk(engine: Engine, aws: FakeAws) -> RulesDesk:
    return RulesDesk(engine, aws)


def test_what_fits_gets_a_watch_of_the_rule(desk: RulesDesk) -> None:
    rule = desk.make(outcomes=["completed"], late_after=3600)
    desk.see(snapshot(1), snapshot(2, tags={"Backup": "weekly"}))
    desk.catch()
    [watch] = desk.all()
    assert (watch.resource_id, watch.state, watch.topic_arn) == (ONE, "waiting", TOPIC)
    assert (watch.outcomes, watch.source_id) == (("completed",), "vol-1")
    assert watch.actor == "the rule Nightly"
    with desk.engine.connect() as connection:
        told = connection.execute(select(watches_table.c.rule_id, watches_table.c.late_after)).one()
    assert tuple(told) == (rule.id, 3600)
    assert (desk.rule(rule.id).caught, desk.rule(rule.id).caught_at) == (1, START)


def test_nothing_is_done_twice_and_nothing_when_there_is_nothing_new(desk: RulesDesk) -> None:
    desk.make()
    desk.see(snapshot(1))
    assert desk.catch() == 1
    assert desk.catch() == 0
    desk.see(snapshot(1, Progress="10%"))
    assert desk.catch() == 1
    assert desk.caught() == [ONE]


def test_a_tag_that_comes_after_the_snapshot_is_seen(desk: RulesDesk) -> None:
    desk.make()
    desk.see(snapshot(1, tags={}))
    desk.catch()
    assert desk.caught() == []
    desk.later(seconds=2)
    desk.see(snapshot(1))
    desk.catch()
    assert desk.caught() == [ONE]


def test_what_is_pending_when_the_rule_is_made_is_watched_and_what_is_over_is_not(
    desk: RulesDesk,
) -> None:
    before = START - timedelta(hours=5)
    desk.see(
        snapshot(1, began=before),
        snapshot(2, "completed", began=before, done=START - timedelta(minutes=5)),
        snapshot(3, "error", began=before),
    )
    desk.make()
    desk.catch()
    assert desk.caught() == [ONE]


def test_what_was_over_before_anybody_saw_it_is_told_all_the_same(desk: RulesDesk) -> None:
    desk.make()
    desk.later(minutes=20)
    begun = START + timedelta(minutes=5)
    desk.see(snapshot(1, "completed", began=begun, done=begun + timedelta(seconds=3)))
    desk.catch()
    desk.aws.snapshots[ONE] = {**snapshot(1, "completed", began=begun), "region": "eu-central-1"}
    assert desk.watches.poll(desk.now)
    assert [watch.state for watch in desk.all()] == ["completed"]
    desk.watches.send(desk.now)
    assert len(desk.aws.published) == 1


def test_a_clock_that_goes_before_that_of_aws_loses_nothing(desk: RulesDesk) -> None:
    desk.make()
    desk.later(minutes=1)
    desk.see(snapshot(1, "completed", began=START - timedelta(seconds=30)))
    desk.catch()
    assert desk.caught() == [ONE]


def test_a_tag_on_an_old_snapshot_sends_nothing(desk: RulesDesk) -> None:
    desk.make()
    desk.see(snapshot(1, "completed", tags={}, done=START + timedelta(minutes=1)))
    desk.catch()
    desk.later(days=2)
    desk.see(snapshot(1, "completed", done=START + timedelta(minutes=1)))
    desk.catch()
    assert desk.caught() == []


def test_what_ended_days_ago_and_is_seen_only_now_is_told(desk: RulesDesk) -> None:
    # nobody ran the console over the weekend
    desk.make()
    desk.inventory.store_all("snapshot", "123456789012", "eu-central-1", [[]], desk.now)
    desk.later(days=3)
    done = START + timedelta(hours=2)
    desk.see(snapshot(1, "completed", began=START + timedelta(hours=1), done=done))
    desk.catch()
    assert desk.caught() == [ONE]


def test_what_came_and_went_between_two_looks_is_watched_if_it_was_pending(
    desk: RulesDesk,
) -> None:
    desk.make()
    desk.see(snapshot(1), snapshot(2, "completed"), snapshot(3, began=START - timedelta(days=1)))
    desk.lose(ONE, TWO, f"snap-{3:017x}")
    desk.catch()
    assert desk.caught() == [ONE]


def test_a_changed_filter_is_held_against_what_is_pending(desk: RulesDesk) -> None:
    rule = desk.make(filter="tag:Backup = weekly")
    desk.see(snapshot(1))
    desk.catch()
    assert desk.caught() == []
    desk.rules.change(rule.id, draft_of(rule, filter="tag:Backup"), "me")
    desk.catch()
    assert desk.caught() == [ONE]


def test_two_rules_for_one_topic_make_one_watch(desk: RulesDesk) -> None:
    desk.make()
    desk.later(seconds=1)
    desk.make(name="All", filter="", outcomes=["failed"])
    desk.see(snapshot(1))
    desk.catch()
    assert desk.caught() == [ONE]


def test_a_rule_that_tells_more_than_another_has_a_watch_of_its_own(desk: RulesDesk) -> None:
    desk.make(outcomes=["failed"])
    desk.see(snapshot(1))
    desk.catch()
    desk.make(name="All", filter="", outcomes=["completed", "failed"])
    desk.catch()
    assert desk.caught() == [ONE, ONE]
    finish(desk)
    assert len(desk.aws.published) == 1


def test_each_topic_is_told(desk: RulesDesk) -> None:
    desk.make()
    desk.make(topic_arn=f"{TOPIC}-too")
    desk.see(snapshot(1))
    desk.catch()
    assert {watch.topic_arn for watch in desk.all()} == {TOPIC, f"{TOPIC}-too"}


def test_a_person_who_watches_it_already_is_not_told_twice(desk: RulesDesk) -> None:
    found = snapshot(1)
    desk.watches.watch(
        kind="snapshot",
        account="123456789012",
        region="eu-central-1",
        found=found,
        source_name="",
        topic_arn=TOPIC,
        outcomes=["completed", "failed"],
        actor="me",
    )
    desk.make()
    desk.see(found)
    desk.catch()
    assert desk.caught() == [ONE]


def test_a_watch_that_a_person_cancelled_does_not_come_back(desk: RulesDesk) -> None:
    desk.make()
    desk.see(snapshot(1))
    desk.catch()
    [watch] = desk.all()
    desk.watches.cancel(watch.id)
    desk.later(seconds=30)
    desk.see(snapshot(1, Progress="40%"))
    desk.catch()
    assert [each.state for each in desk.all()] == ["cancelled"]


def test_what_has_ended_is_not_watched_again_when_it_changes(desk: RulesDesk) -> None:
    desk.make()
    desk.see(snapshot(1))
    desk.catch()
    finish(desk)
    desk.later(minutes=1)
    desk.see(snapshot(1, "completed", tags={"Backup": "nightly", "Checked": "yes"}))
    desk.catch()
    assert desk.caught() == [ONE]
    assert len(desk.aws.published) == 1


@pytest.mark.parametrize("commit", range(4))
def test_a_process_that_dies_at_a_commit_loses_nothing_and_does_nothing_twice(
    desk: RulesDesk, commit: int
) -> None:
    desk.make()
    desk.see(snapshot(1))
    seen = 0

    def die(connection: object) -> None:
        nonlocal seen
        seen += 1
        if seen == commit + 1:
            raise Killed

    event.listen(desk.engine, "commit", die)
    try:
        desk.catch()
    except Killed:
        pass
    finally:
        event.remove(desk.engine, "commit", die)
    desk.restart()
    desk.catch()
    assert desk.caught() == [ONE]


def test_a_process_that_comes_after_another_finds_its_watches(desk: RulesDesk) -> None:
    rule = desk.make()
    desk.see(snapshot(1))
    desk.catch()
    desk.see(snapshot(2, tags={}))
    desk.catch()  # how far that was is not written down yet
    desk.restart()
    desk.catch()
    assert desk.caught() == [ONE]
    assert desk.rule(rule.id).caught == 1


def test_two_processes_at_once_make_one_watch_of_each(desk: RulesDesk) -> None:
    rule = desk.make()
    desk.see(*(snapshot(number) for number in range(1, 61)))
    others = [RulesDesk(desk.engine, desk.aws) for _ in range(3)]
    threads = [threading.Thread(target=other.catch) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert desk.caught() == [f"snap-{number:017x}" for number in range(1, 61)]
    assert desk.rule(rule.id).caught == 60


def test_many_are_looked_at_in_portions(desk: RulesDesk) -> None:
    rule = desk.make(filter="tag:Odd")
    for first in range(0, 900, 300):
        desk.see(
            *(snapshot(n, tags={"Odd": ""} if n % 2 else {}) for n in range(first, first + 300))
        )
    assert desk.catch() > 2
    assert desk.rule(rule.id).caught == 450
    desk.restart()
    assert desk.catch() <= 1  # all of it was written down with what it caught


def test_a_filter_that_an_upgrade_has_broken_is_told_and_stops_no_other(desk: RulesDesk) -> None:
    broken, sound = desk.make(), desk.make(name="Sound", topic_arn=f"{TOPIC}-too")
    with desk.engine.begin() as connection:
        connection.execute(
            rules_table.update().where(rules_table.c.id == broken.id).values(filter="speed = 1")
        )
    desk.see(snapshot(1))
    desk.catch()
    assert "speed" in desk.rule(broken.id).error
    assert (desk.rule(sound.id).caught, desk.rule(sound.id).error) == (1, "")
    desk.rules.change(broken.id, draft_of(broken), "me")
    desk.catch()
    assert desk.rule(broken.id).error == ""
    assert desk.rule(broken.id).caught == 1


def test_a_rule_for_a_kind_that_is_no_more_is_told_and_stops_no_other(desk: RulesDesk) -> None:
    broken = desk.make()
    sound = desk.make(name="Sound", topic_arn=f"{TOPIC}-too")
    desk.see(snapshot(1))
    with desk.engine.begin() as connection:
        connection.execute(kinds.insert().values(kind="disk", revision=1))
        here = rules_table.update().where(rules_table.c.id == broken.id)
        connection.execute(here.values(kind="disk"))
    desk.catch()
    assert "See the log" in desk.rule(broken.id).error
    assert (desk.rule(sound.id).caught, desk.rule(sound.id).error) == (1, "")

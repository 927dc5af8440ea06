"""Signing in, what was done, and views: with either database, and by two processes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Engine, update

from app.aws.call import Call, Plan
from app.aws.errors import AwsError
from app.people import actions, login_tokens, tables, views
from app.people.views import ViewError
from tests.databases import open_engine

PLAN = Plan("Stop i-1", (Call("ec2", "StopInstances", "us-east-1", {"InstanceIds": ["i-1"]}),))
PROCESSES = 4


@pytest.fixture
def engines(database_url: str) -> Iterator[list[Engine]]:
    """Those of some processes on one database."""
    engines = [open_engine(database_url) for _ in range(PROCESSES)]
    yield engines
    for engine in engines:
        engine.dispose()


def by_each(engines: list[Engine], deed: Callable[[Engine], object]) -> list[object]:
    """What each process's deed gives, or raises, when all do it at the same moment."""
    ready = Barrier(len(engines))

    def do(engine: Engine) -> object:
        ready.wait(30)
        return deed(engine)

    with ThreadPoolExecutor(len(engines)) as threads:
        done = [threads.submit(do, engine) for engine in engines]
        return [each.exception(60) or each.result() for each in done]


def test_a_link_signs_in_once_whichever_processes_are_asked(engines: list[Engine]) -> None:
    token = login_tokens.create(engines[0])
    told = by_each(engines, lambda engine: login_tokens.redeem(engine, token))
    assert told.count(True) == 1
    assert told.count(False) == PROCESSES - 1
    assert not login_tokens.redeem(engines[0], "another")


def test_a_form_that_is_sent_to_several_processes_acts_at_one(engines: list[Engine]) -> None:
    told = by_each(engines, lambda engine: actions.begin(engine, "t-1", "me", PLAN, "/instances"))
    assert told.count(True) == 1
    assert told.count(False) == PROCESSES - 1


def test_a_form_that_failed_may_be_sent_again_to_another_process_once(
    engines: list[Engine],
) -> None:
    assert actions.begin(engines[0], "t-1", "me", PLAN, "/instances")
    actions.fail(engines[0], "t-1", [actions.failure(AwsError("other", "Oops", "No."))])
    told = by_each(engines, lambda engine: actions.begin(engine, "t-1", "me", PLAN, "/instances"))
    assert told.count(True) == 1
    actions.end(engines[1], "t-1", "Stopped.", "/instances")
    record = actions.get(engines[2], "t-1")
    assert record is not None
    assert (record.state, record.outcome["message"]) == ("done", "Stopped.")


def test_nobody_takes_over_the_record_of_what_another_has_tried(engine: Engine) -> None:
    assert actions.begin(engine, "t-1", "pat", PLAN, "/instances")
    actions.fail(engine, "t-1", [actions.failure(AwsError("other", "Oops", "No."))])
    assert not actions.begin(engine, "t-1", "mallory", PLAN, "/instances")
    record = actions.get(engine, "t-1")
    assert record is not None
    assert (record.actor, record.state) == ("pat", "failed")


def test_a_plan_that_was_cut_off_tells_what_is_known_of_each_call(engine: Engine) -> None:
    call = PLAN.calls[0]
    actions.begin(engine, "t-1", "me", Plan("Three", (call, call, call)), "/instances")
    refused = actions.failure(AwsError("refused", "No", "It may not be."))
    actions.advance(engine, "t-1", [refused, actions.Result("done")])
    record = actions.get(engine, "t-1")
    assert record is not None
    assert (record.state, record.done) == ("running", 1)
    assert record.results == [refused, actions.Result("done"), None]


def test_a_record_of_before_results_were_kept_is_read(engine: Engine) -> None:
    call = PLAN.calls[0]
    actions.begin(engine, "t-1", "me", Plan("Three", (call, call, call)), "/instances")
    old = {"done": 1, "state": "failed", "outcome": '{"error": {"code": "No"}}'}
    with engine.begin() as connection:
        connection.execute(update(tables.actions).values(old))
    record = actions.get(engine, "t-1")
    assert record is not None
    assert [each and each.state for each in record.results] == ["done", "failed", "left"]


def test_what_was_done_may_have_any_character_in_it(engine: Engine) -> None:
    call = Call("ec2", "CreateTags", "us-east-1", {"Tags": [{"Key": "a\0b", "Value": "ä😀\u2028"}]})
    assert actions.begin(engine, "t\0", "me", Plan("Tag \0 ✓", (call,)), "/a\0")
    record = actions.get(engine, "t\0")
    assert record is not None
    assert record.calls[0]["parameters"]["Tags"][0]["Value"] == "ä😀\u2028"


def test_one_view_is_saved_under_a_name_by_several_processes_at_once(
    engines: list[Engine],
) -> None:
    by_each(engines, lambda engine: views.save(engine, "box", "me", "mine", "state=ready", False))
    [view] = views.of(engines[0], "box", "me")
    assert (view.name, view.address) == ("mine", "state=ready")


def test_views_come_by_name_ones_own_first(engine: Engine) -> None:
    for actor, name in (("me", "b-2"), ("me", "B 1"), ("you", "a"), ("me", "Ä"), ("me", "_")):
        views.save(engine, "box", actor, name, "", shared=True)
    assert [view.name for view in views.of(engine, "box", "me")] == ["_", "B 1", "b-2", "Ä", "a"]


def test_a_view_cannot_be_given_the_name_of_another(engine: Engine) -> None:
    for name in ("one", "two"):
        views.save(engine, "box", "me", name, "", shared=False)
    one, two = views.of(engine, "box", "me")
    with pytest.raises(ViewError, match="Another view is called two"):
        views.rename(engine, one.id, "me", "two")
    assert views.rename(engine, two.id, "me", "two"), "its own it may keep"
    assert not views.rename(engine, one.id, "you", "three")
    assert [view.name for view in views.of(engine, "box", "me")] == ["one", "two"]


def test_what_a_person_prefers_is_remembered_piece_by_piece(engines: list[Engine]) -> None:
    by_each(engines, lambda engine: views.remember_per_page(engine, "box", "me", 50))
    views.remember_columns(engines[0], "box", "me", ["id", "name"])
    views.remember_per_page(engines[1], "box", "me", 100)
    assert views.preference(engines[2], "box", "me") == views.Preference(("id", "name"), 100)

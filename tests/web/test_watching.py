"""Asking to be told: on forms that make and do things, on pages, and what the pages tell of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import boto3
import pytest
from sqlalchemy import update

from app.aws.tags import REQUEST_TAG
from app.db import now
from app.sandbox import clock
from app.watches import WatchView
from app.watches.tables import notices, watches
from tests.web.browser import Browser, Page
from tests.web.conftest import Aws

TOPIC = {"notify": "existing"}


def _one(browser: Browser, kind: str, name: str) -> str:
    return browser.house.inventory.find(kind, "name", [name])[0].id


def _told(browser: Browser, **more: Any) -> dict[str, Any]:
    """What is filled in to be told by the topic that there is."""
    return {**TOPIC, "topic_arn": _one(browser, "topic", "alerts"), **more}


def _watches(browser: Browser) -> list[WatchView]:
    return browser.house.watches.list()


def _later(browser: Browser) -> None:
    """A minute later, with every watch due."""
    clock.advance(60)
    with browser.house.engine.begin() as connection:
        connection.execute(update(watches).values(due_at=now()))
    browser.wait(400)


def test_an_image_is_told_of_when_it_is_available(browser: Browser) -> None:
    web = _one(browser, "instance", "web-1")
    page = browser.fill(f"/images/new?instance_id={web}", name="told", **_told(browser))
    shown = browser.follow(page)
    assert "nobody is told until there is a confirmed subscription" in shown.words
    (watch,) = _watches(browser)
    assert (watch.kind, watch.state) == ("image", "waiting")
    assert watch.outcomes == ("available", "failed", "vanished")
    assert (watch.source_id, watch.source_name) == (web, "web-1")
    assert watch.id in browser.open(f"/images/{watch.resource_id}").words
    assert watch.id in browser.open(f"/instances/{web}").words
    _later(browser)
    (watch,) = _watches(browser)
    assert (watch.state, [notice.state for notice in watch.notices]) == ("available", ["sent"])


def test_who_is_subscribed_is_promised_to_be_told(browser: Browser) -> None:
    topic = _one(browser, "topic", "snapshots-done")
    volume = browser.house.inventory.all("volume")[0].id
    given = {**TOPIC, "topic_arn": topic}
    page = browser.fill(f"/snapshots/new?volume_id={volume}", **given)
    assert "You will be told what becomes of it." in browser.follow(page).words


def test_only_who_asks_to_be_told_gets_a_mark_on_what_is_made(browser: Browser) -> None:
    browser.fill("/volumes/new", size=3, **{"tags-0-key": "Name", "tags-0-value": "quiet"})
    browser.fill(
        "/volumes/new", size=3, **_told(browser), **{"tags-0-key": "Name", "tags-0-value": "told"}
    )
    quiet = browser.house.inventory.find("volume", "name", ["quiet"])[0]
    told = browser.house.inventory.find("volume", "name", ["told"])[0]
    assert REQUEST_TAG not in quiet.tags
    (watch,) = _watches(browser)
    assert watch.resource_id == told.id
    assert told.tags[REQUEST_TAG]
    _later(browser)
    assert _watches(browser)[0].state == "available"


def _ubuntu(browser: Browser) -> str:
    images = browser.house.references.of("").public_images(
        "us-east-1", "099720109477", "noble", "x86_64", "ebs"
    )
    return str(images[0]["ImageId"])


def test_each_instance_of_a_launch_has_a_watch_of_its_own(browser: Browser) -> None:
    form = browser.open(f"/instances/new?image_id={_ubuntu(browser)}")
    page = browser.send(form, name="many", min_count=2, max_count=3, **_told(browser))
    assert "3 launched" in browser.follow(page).words
    made = {row.id for row in browser.house.inventory.find("instance", "name", ["many"])}
    assert {watch.resource_id for watch in _watches(browser)} == made
    assert {watch.outcomes for watch in _watches(browser)} == {("running",)}
    _later(browser)
    assert {watch.state for watch in _watches(browser)} == {"running"}


def test_of_fewer_than_asked_for_only_those_are_waited_for(browser: Browser) -> None:
    form = browser.open(f"/instances/new?image_id={_ubuntu(browser)}")
    browser.send(form, instance_type="c5.4xlarge", min_count=1, max_count=20, **_told(browser))
    states = [watch.state for watch in _watches(browser)]
    assert len(states) == 20
    assert 0 < states.count("waiting") < 20
    assert states.count("waiting") + states.count("abandoned") == 20


def test_a_launch_that_aws_refuses_leaves_nothing_to_wait_for(browser: Browser, aws: Aws) -> None:
    form = browser.open(f"/instances/new?image_id={_ubuntu(browser)}")
    aws.fault("refuse", "RunInstances", count=1)
    page = browser.send(form, max_count=2, **_told(browser))
    assert page.status == 403
    assert [watch.state for watch in _watches(browser)] == ["abandoned", "abandoned"]


def test_a_launch_whose_answer_is_lost_is_waited_for_all_the_same(
    browser: Browser, aws: Aws
) -> None:
    form = browser.open(f"/instances/new?image_id={_ubuntu(browser)}")
    aws.fault("drop_reply", "RunInstances", count=20)
    aws.fault("drop_reply", "DescribeInstances", count=20)
    browser.send(form, name="lost", min_count=2, max_count=2, **_told(browser))
    assert {watch.state for watch in _watches(browser)} == {"intended"}
    aws.send("faults", "DELETE")
    for watch in _watches(browser):
        _make_due(browser, watch)
    _later(browser)
    assert len({watch.resource_id for watch in _watches(browser)}) == 2
    assert {watch.state for watch in _watches(browser)} == {"running"}


def _make_due(browser: Browser, watch: WatchView) -> None:
    with browser.house.engine.begin() as connection:
        long_ago = watch.made_at
        change = update(watches).where(watches.c.id == watch.id)
        connection.execute(change.values(due_at=long_ago, due_set_at=long_ago))


@pytest.mark.parametrize(
    ("action", "name", "outcome"),
    [("stop", "web-1", "stopped"), ("terminate", "web-2", "terminated")],
)
def test_instances_are_told_of_when_they_are_where_they_were_sent(
    browser: Browser, action: str, name: str, outcome: str
) -> None:
    page = browser.fill(
        f"/instances/{action}?id={_one(browser, 'instance', name)}", **_told(browser)
    )
    assert "goes to the topic, but nobody is told" in browser.follow(page).words
    (watch,) = _watches(browser)
    assert (watch.outcomes, watch.state) == ((outcome,), "waiting")
    _later(browser)
    (watch,) = _watches(browser)
    assert watch.state == outcome
    assert [notice.outcome for notice in watch.notices] == [outcome]


def test_what_aws_refuses_to_do_is_not_waited_for(browser: Browser, aws: Aws) -> None:
    form = browser.open(f"/instances/stop?id={_one(browser, 'instance', 'web-1')}")
    aws.fault("refuse", "StopInstances", count=1)
    assert browser.send(form, **_told(browser)).status == 403
    assert [watch.state for watch in _watches(browser)] == ["cancelled"]


def test_what_is_so_already_cannot_be_waited_for(browser: Browser) -> None:
    form = browser.open(f"/instances/stop?id={_one(browser, 'instance', 'web-1')}")
    page = browser.send(form, **_told(browser), outcomes=["running"])
    assert page.status == 422
    assert "is running already" in page.words
    assert _watches(browser) == []


def test_an_instance_is_watched_for_what_it_is_not(browser: Browser) -> None:
    web = _one(browser, "instance", "web-1")
    form = browser.open(f"/instances/watch?id={web}")
    assert form.fields.getlist("outcomes") == ["stopped", "terminated"]
    page = browser.send(form, **_told(browser))
    watch = browser.follow(page)
    assert web in watch.words
    browser.fill(f"/instances/stop?id={web}")
    _later(browser)
    (view,) = _watches(browser)
    assert (view.state, [notice.outcome for notice in view.notices]) == ("waiting", ["stopped"])
    browser.fill(f"/instances/terminate?id={web}")
    _later(browser)
    (view,) = _watches(browser)
    assert [notice.outcome for notice in view.notices] == ["stopped", "terminated"]


def test_a_volume_that_is_being_modified_can_be_watched(browser: Browser, aws: Aws) -> None:
    volume = browser.house.inventory.get("volume", _one(browser, "volume", "web-1"))
    assert volume is not None
    ec2: Any = boto3.client(
        "ec2",
        volume.region,
        endpoint_url=aws.url,
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    ec2.modify_volume(VolumeId=volume.id, Size=99)
    page = browser.fill(f"/volumes/watch?id={volume.id}", **_told(browser))
    (watch,) = _watches(browser)
    assert (watch.kind, watch.aws_state) == ("modification", "modifying")
    assert "its modification" in browser.follow(page).words
    _later(browser)
    assert _watches(browser)[0].state == "completed"


def test_what_was_chosen_stands_on_the_watch(browser: Browser) -> None:
    form = browser.open(f"/snapshots/new?volume_id={_one(browser, 'volume', 'web-1')}")
    browser.send(
        form,
        **_told(browser),
        outcomes=["failed", "late"],
        late_number=90,
        late_unit="minutes",
    )
    (watch,) = _watches(browser)
    assert (watch.outcomes, watch.late_after) == (("failed", "late"), 5400)
    assert "after 1 hour 30 minutes" in browser.open(f"/watches/{watch.id}").words


# From here on nothing is changed: one console serves all.


def test_more_than_can_be_watched_are_told_at_the_field(visitor: Browser) -> None:
    form = visitor.open(f"/instances/new?image_id={_ubuntu(visitor)}")
    page = visitor.send(form, max_count=101, **_told(visitor))
    assert page.status == 422
    assert "100 instances of one launch can be watched" in page.words


def _refused(page: Page, told: str) -> None:
    assert page.status == 409
    assert told in page.words


def test_where_nothing_is_under_way_there_is_nothing_to_wait_for(visitor: Browser) -> None:
    inventory = visitor.house.inventory
    volume = _one(visitor, "volume", "web-1")
    _refused(visitor.open(f"/volumes/watch?id={volume}"), "nothing to wait for")
    done = next(row for row in inventory.all("snapshot") if row.state == "completed")
    _refused(visitor.open(f"/snapshots/watch?id={done.id}"), "is completed; there is nothing")


LATE = [
    ({"outcomes": []}, "Choose at least one"),
    ({"outcomes": ["perfect"]}, "not a valid choice"),
    ({"outcomes": ["late"], "late_number": 0}, "between 1 and"),
    ({"outcomes": ["late"], "late_number": "soon"}, "Not a valid integer"),
    ({"outcomes": ["late"], "late_number": 400, "late_unit": "days"}, "365 days at most"),
    ({"topic_arn": "arn:aws:sns:us-east-1:123456789012:none"}, "Choose a topic that exists"),
    ({"notify": "new", "new_topic_name": "no spaces"}, "letters without accents"),
]


@pytest.mark.parametrize(("wrong", "told"), LATE, ids=lambda value: str(value)[:40])
def test_what_is_to_be_told_is_checked_at_its_field(
    visitor: Browser, wrong: dict[str, Any], told: str
) -> None:
    form = visitor.open(f"/snapshots/new?volume_id={_one(visitor, 'volume', 'web-1')}")
    page = visitor.send(form, **{**_told(visitor), **wrong})
    assert page.status == 422
    assert told in page.words


def test_late_needs_a_limit_where_nothing_is_known_of_what_is_usual(visitor: Browser) -> None:
    form = visitor.open(f"/images/new?instance_id={_one(visitor, 'instance', 'web-1')}")
    page = visitor.send(form, name="later", **_told(visitor), outcomes=["available", "late"])
    assert page.status == 422
    assert "A number is needed" in page.words


def test_the_list_is_narrowed_by_its_address(browser: Browser) -> None:
    web = _one(browser, "volume", "web-1")
    browser.fill(f"/snapshots/new?volume_id={web}", **_told(browser))
    browser.fill("/volumes/new", size=3, **_told(browser))
    snapshot, volume = sorted(_watches(browser), key=lambda view: view.kind)
    for address in ("kind=snapshot", f"of={web}", "state=open&kind=snapshot"):
        words = browser.open(f"/watches?{address}").words
        assert snapshot.id in words
        assert volume.id not in words
    topic = snapshot.topic_arn
    assert "Watches (2)" in browser.open(f"/watches?topic={topic}").words
    assert "No watch is like that" in browser.open("/watches?rule=r-none").words


def test_what_aws_does_not_list_is_not_shown_as_if_it_went_on(browser: Browser) -> None:
    browser.fill(f"/snapshots/new?volume_id={_one(browser, 'volume', 'web-1')}", **_told(browser))
    (watch,) = _watches(browser)
    path = f"/watches/{watch.id}"
    assert "not listed since" not in browser.open(path).words
    tag = browser.open("/watches").headers["HX-PTag"]
    with browser.house.engine.begin() as connection:
        connection.execute(update(watches).values(absent_since=now(), progress="45%"))
    assert "not listed since" in browser.open(path).words
    listed = browser.open("/watches", HX_Request="true", HX_PTag=tag)
    assert "AWS does not list it" in listed.words
    assert "45%" not in listed.words


def test_a_topic_that_is_gone_is_told_wherever_something_goes_to_it(browser: Browser) -> None:
    topic = _one(browser, "topic", "snapshots-done")
    volume = _one(browser, "volume", "web-1")
    given = {**TOPIC, "topic_arn": topic}
    browser.fill(f"/snapshots/new?volume_id={volume}", **given)
    (watch,) = _watches(browser)
    form = browser.open(f"/rules/new?topic_arn={topic}")
    rule = browser.send(form, name="all").location
    assert "Nobody is told" not in browser.open(f"/watches/{watch.id}").words
    assert browser.fill(f"/topics/delete?id={topic}").status == 303
    browser.wait()
    _later(browser)
    (notice,) = next(each.notices for each in _watches(browser) if each.id == watch.id)
    for path in (f"/watches/{watch.id}", f"/notices/{notice.id}", rule):
        assert "The topic snapshots-done is gone" in browser.open(path).words


def test_a_page_beyond_the_last_is_the_last_and_does_not_deny_the_watches(browser: Browser) -> None:
    browser.fill(f"/snapshots/new?volume_id={_one(browser, 'volume', 'web-1')}", **_told(browser))
    page = browser.open("/watches?page=9")
    assert _watches(browser)[0].id in page.words
    assert "No watch" not in page.words


def test_a_poll_of_the_list_is_answered_shortly_while_nothing_changes(browser: Browser) -> None:
    web = _one(browser, "volume", "web-1")
    browser.fill(f"/snapshots/new?volume_id={web}", **_told(browser))
    browser.house.watches.poll(now())
    tag = browser.open("/watches").headers["HX-PTag"]
    assert browser.open("/watches", HX_Request="true", HX_PTag=tag).status == 304
    assert browser.house.watches.poll(now() + timedelta(minutes=1))  # it is as it was
    assert browser.open("/watches", HX_Request="true", HX_PTag=tag).status == 304
    browser.post(f"/watches/{_watches(browser)[0].id}/cancel", _csrf(browser))
    assert browser.open("/watches", HX_Request="true", HX_PTag=tag).status == 200


def _csrf(browser: Browser) -> dict[str, str]:
    return {"csrf_token": browser.open("/volumes/new").fields["csrf_token"]}


def test_who_cancels_a_watch_is_not_told_that_what_it_owes_is_not_sent(browser: Browser) -> None:
    volume = _one(browser, "volume", "web-1")
    late = {"outcomes": ["completed", "late"], "late_number": "1", "late_unit": "minutes"}
    browser.fill(f"/snapshots/new?volume_id={volume}", **_told(browser, **late))
    for minutes in (5, 10):
        assert browser.house.watches.poll(now() + timedelta(minutes=minutes))
    (watch,) = _watches(browser)
    assert [(notice.outcome, notice.state) for notice in watch.notices] == [("late", "waiting")]
    page = browser.follow(browser.post(f"/watches/{watch.id}/cancel", _csrf(browser)))
    assert "What it owed before is still sent" in page.words
    assert "Nothing will be published" not in page.words
    browser.wait()
    (watch,) = _watches(browser)
    assert [notice.state for notice in watch.notices] == ["sent"]


def test_all_watches_of_a_rule_are_cancelled_by_one_button(browser: Browser) -> None:
    web = _one(browser, "volume", "web-1")
    browser.fill(f"/snapshots/new?volume_id={web}", **_told(browser))
    with browser.house.engine.begin() as connection:
        connection.execute(update(watches).values(rule_id="r-1"))
    page = browser.open("/watches?rule=r-1")
    assert "Cancel the one that waits" in page.words
    done = browser.post("/watches/cancel", {**_csrf(browser), "rule": "r-1"})
    assert "1 watch is cancelled" in browser.follow(done).words
    assert _watches(browser)[0].state == "cancelled"


def test_a_pending_snapshot_tells_when_it_is_expected(browser: Browser) -> None:
    volume = _one(browser, "volume", "web-1")
    page = browser.follow(browser.fill(f"/snapshots/new?volume_id={volume}", **_told(browser)))
    assert "going by" in page.words
    browser.house.watches.poll(now())
    assert "going by" in browser.open(f"/watches/{_watches(browser)[0].id}").words
    assert re.search(r"\d\d:\d\d(:\d\d)?( \(.*?\))? UTC", browser.open("/").words)
    _later(browser)
    assert "going by" not in browser.open(page.path).words


@pytest.mark.parametrize(
    "address",
    ["state=perfect", "kind=topic", "page=0", "page=x", "state=<script>alert(1)</script>"],
)
def test_an_address_that_means_nothing_is_refused(visitor: Browser, address: str) -> None:
    page = visitor.open(f"/watches?{address}")
    assert 400 <= page.status < 500
    assert "<script>alert" not in page.html


def test_hostile_addresses_are_escaped(visitor: Browser) -> None:
    for name in ("topic", "rule", "of"):
        page = visitor.open(f"/watches?{name}=%3Cscript%3Ealert(1)%3C/script%3E")
        assert page.status == 200
        assert "<script>alert" not in page.html


def test_a_form_that_sends_nothing_to_aws_says_so_and_can_be_checked(browser: Browser) -> None:
    form = browser.open(f"/instances/watch?id={_one(browser, 'instance', 'web-1')}")
    assert "no call is sent" in form.words
    fields = {**form.fields.to_dict(), **_told(browser, outcomes="stopped"), "_do": "check"}
    checked = browser.post(form.path, fields, HX_Request="true")
    assert "The form is filled in right" in checked.words
    wrong = browser.post(form.path, {**fields, "topic_arn": "no-such"}, HX_Request="true")
    assert "The form is filled in right" not in wrong.words
    assert "Choose a topic that exists" in wrong.words


def test_the_list_says_beside_the_state_that_a_notice_is_not_sent(browser: Browser) -> None:
    web = _one(browser, "instance", "web-1")
    browser.fill(f"/images/new?instance_id={web}", name="told", **_told(browser))
    _later(browser)
    assert "not sent yet" not in browser.open("/watches").words
    with browser.house.engine.begin() as connection:
        connection.execute(update(notices).values(state="parked"))
    assert "not sent yet" in browser.open("/watches").words
    with browser.house.engine.begin() as connection:
        connection.execute(update(notices).values(state="given-up"))
    given_up = browser.open("/watches").words
    assert "not sent yet" not in given_up
    assert "given-up" in given_up

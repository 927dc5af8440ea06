"""What is dangerous is shown with all that goes with it, confirmed by typing, told one by one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import g
from sqlalchemy import update

from app.aws import instances
from app.aws.call import Plan
from app.db import now
from app.people.tables import sessions
from app.people.who import OWNER, Grant, Limits, Person
from app.resources import RESOURCES
from app.resources.spec import Row
from app.sandbox import clock
from app.web.perform import carry_out
from tests.web.browser import Browser, Page
from tests.web.conftest import Aws
from tests.web.test_events import hear


def row(browser: Browser, kind: str, name: str, state: str = "") -> Row:
    """The one of that name (and state)."""
    found = browser.house.inventory.find(kind, "name", [name])
    return next(each for each in found if state in ("", each.state))


def free_volumes(browser: Browser, count: int) -> list[Row]:
    """Volumes of the first region that are attached to nothing, made for the test."""
    for number in range(count):
        named = {"tags-0-key": "Name", "tags-0-value": f"spare-{number}"}
        assert browser.fill("/volumes/new", size="1", **named).status == 303
    return [row(browser, "volume", f"spare-{number}") for number in range(count)]


def form_of(action: str, rows: list[Row]) -> str:
    """The address of a form for some resources."""
    return f"/{RESOURCES[rows[0].kind].slug}/{action}?" + "&".join(f"id={each.id}" for each in rows)


def _named(action: str, kind: str, name: str, state: str = "") -> Callable[[Browser], Page]:
    def shown(browser: Browser) -> Page:
        return browser.open(form_of(action, [row(browser, kind, name, state)]))

    return shown


def _attached(browser: Browser) -> Page:
    # not a root volume, which AWS lets go only of a stopped instance
    volume = next(
        each
        for each in browser.house.inventory.find("volume", "state", ["in-use"])
        if not set(each.cells["devices"]) & {"/dev/sda1", "/dev/xvda"}
    )
    return browser.open(form_of("detach", [volume]))


def _message(browser: Browser) -> Page:
    topic = row(browser, "topic", "snapshots-done")
    assert browser.fill(form_of("publish", [topic]), subject="Look here").status == 303
    queue = row(browser, "queue", "ops-inbox")
    page = browser.open(f"/queues/{queue.id}/messages")
    looked = browser.post(page.path, {"csrf_token": page.fields["csrf_token"]})
    chosen = {name: looked.fields[name] for name in ("csrf_token", "receipt", "message_id")}
    return browser.post(form_of("message", [queue]), {**chosen, "_do": "refill"})


def _heard(browser: Browser) -> Page:
    hear(browser)
    return browser.open("/queues/unhear?region=us-east-1")


IMAGE = "web-base-2026-10-29"
# Every dangerous action: how its form is come by, and an operation that only it may send.
FORMS: dict[tuple[str, str], tuple[Callable[[Browser], Page], str]] = {
    ("instance", "terminate"): (_named("terminate", "instance", "web-1"), "TerminateInstances"),
    ("instance", "unprotect"): (_named("unprotect", "instance", "db-1"), "ModifyInstanceAttribute"),
    ("image", "deregister"): (_named("deregister", "image", IMAGE), "DeregisterImage"),
    ("volume", "detach"): (_attached, "DetachVolume"),
    ("volume", "delete"): (
        lambda browser: browser.open(
            form_of("delete", [browser.house.inventory.find("volume", "state", ["available"])[0]])
        ),
        "DeleteVolume",
    ),
    ("snapshot", "delete"): (_named("delete", "snapshot", "old-wiki"), "DeleteSnapshot"),
    ("key_pair", "delete"): (_named("delete", "key_pair", "deploy"), "DeleteKeyPair"),
    ("topic", "unsubscribe"): (
        _named("unsubscribe", "topic", "snapshots-done"),
        "Unsubscribe",
    ),
    ("topic", "delete"): (_named("delete", "topic", "alerts"), "DeleteTopic"),
    ("queue", "message"): (_message, "DeleteMessage"),
    ("queue", "unhear"): (_heard, "DeleteRule"),
    ("queue", "delete"): (_named("delete", "queue", "ops-inbox"), "DeleteQueue"),
}


def test_every_dangerous_action_is_among_those_that_are_tried_here() -> None:
    dangerous = {
        (kind, action.name)
        for kind, resource in RESOURCES.items()
        for action in resource.actions
        if action.danger
    }
    assert dangerous == FORMS.keys()


@pytest.mark.parametrize("kind_and_action", FORMS, ids="-".join)
def test_nothing_dangerous_is_done_unless_it_is_confirmed(
    browser: Browser, aws: Aws, kind_and_action: tuple[str, str]
) -> None:
    open_form, operation = FORMS[kind_and_action]
    page = open_form(browser)
    assert page.status == 200, page.words
    aws.forget_calls()
    for wrong in ("", "nonsense", page.asked[0].upper() + "X", "1 2"):
        refused = browser.send(page, confirm=wrong)
        assert refused.status == 422
        assert f"Type {page.asked[0]}" in refused.words
        assert operation not in aws.calls()
    done = browser.send(page, confirm=f" {page.asked[-1]}\t")
    assert done.status == 303, done.words
    assert aws.calls()[operation] == 1


@pytest.mark.parametrize("kind_and_action", FORMS, ids="-".join)
def test_what_is_dangerous_needs_a_sign_in_that_is_recent(
    browser: Browser, aws: Aws, kind_and_action: tuple[str, str]
) -> None:
    open_form, operation = FORMS[kind_and_action]
    pat = Browser(browser.app, as_=[Grant("admin")])
    page = open_form(pat)
    _sign_in_long_ago(browser)
    aws.forget_calls()
    asked = pat.send(page)
    assert asked.status == 403
    assert operation not in aws.calls()
    assert page.fields["seen"] in asked.html  # the form is kept, as it was filled in


def _sign_in_long_ago(browser: Browser) -> None:
    before = now() - timedelta(minutes=browser.house.settings.recent_minutes + 1)
    with browser.house.engine.begin() as connection:
        connection.execute(update(sessions).values(signed_in_at=before))


def test_a_plan_with_danger_in_it_is_not_carried_out_unless_it_is_confirmed(
    browser: Browser, aws: Aws
) -> None:
    web = row(browser, "instance", "web-1")
    plan = Plan("Terminate", (instances.terminate_instance(web.region, web.id),))
    aws.forget_calls()
    with browser.app.test_request_context():
        g.person = Person(OWNER, OWNER, (Grant("admin"),), "link", "", now())
        with pytest.raises(ValueError, match="nobody has confirmed"):
            carry_out(browser.house, "token", plan, "/instances/terminate")
    assert "TerminateInstances" not in aws.calls()


def test_a_link_cannot_confirm_for_somebody(browser: Browser) -> None:
    page = browser.open(form_of("terminate", [row(browser, "instance", "web-1")]))
    seen = page.fields["seen"]
    again = browser.open(f"{page.path}&confirm=web-1&seen={seen}")
    assert again.fields["confirm"] == ""


def test_the_page_names_what_goes_with_an_instance(visitor: Browser) -> None:
    web = row(visitor, "instance", "web-1")
    page = visitor.open(form_of("terminate", [web]))
    volume = web.cells["volume_ids"][0]
    told = page.words[page.words.index("What goes with it") :]
    assert f"Deleted with them (1) {volume}" in told
    assert web.cells["public_ip"] in told


def test_the_page_names_what_goes_with_a_topic_and_a_queue(visitor: Browser) -> None:
    topic = row(visitor, "topic", "snapshots-done")
    queue = row(visitor, "queue", "ops-inbox")
    told = visitor.open(form_of("delete", [topic])).words
    assert f"Subscriptions that end with them (1) sqs: {queue.id}" in told
    told = visitor.open(form_of("delete", [queue])).words
    assert "Topics that send to them in vain (1)" in told
    assert topic.name in told


def test_a_volume_without_a_snapshot_is_told_apart(visitor: Browser) -> None:
    saved = {row.cells["volume_id"] for row in visitor.house.inventory.all("snapshot")}
    free = visitor.house.inventory.find("volume", "state", ["available"])
    page = visitor.open(form_of("delete", free))
    lost = [volume for volume in free if volume.id not in saved]
    assert lost
    assert f"No completed snapshot of them is known ({len(lost)})" in page.words


def test_two_hundred_and_fifty_are_named_and_what_goes_with_them_is_bounded(
    browser: Browser, aws: Aws
) -> None:
    ids = [f"vol-{number:017x}" for number in range(250)]
    volumes = [{"VolumeId": each, "State": "available", "Size": 1} for each in ids]
    copies = [
        {"SnapshotId": f"snap-{number:017x}", "State": "completed", "VolumeId": ids[number % 200]}
        for number in range(1500)
    ]
    inventory, (account, region) = browser.house.inventory, ("123456789012", "us-east-1")
    inventory.store("volume", account, region, volumes, now())
    inventory.store("snapshot", account, region, copies, now())
    page = browser.open(form_of("delete", inventory.find("volume", "id", ids)))
    assert page.asked == ["250"]
    assert all(each in page.words for each in ids)
    assert "No completed snapshot of them is known (50)" in page.words
    assert "and 40 more" in page.words
    assert "Snapshots of them, which stay (1,000 or more)" in page.words
    assert len(re.findall("snap-", page.words)) == 10


def test_the_number_is_asked_for_where_there_are_several(browser: Browser, aws: Aws) -> None:
    rows = [row(browser, "instance", name) for name in ("web-1", "web-2", "db-1")]
    page = browser.open(form_of("terminate", rows))
    assert page.asked == ["2"]  # the third one is protected, and will not be touched
    assert "Left alone: db-1" in page.words
    aws.forget_calls()
    assert browser.send(page, confirm="3").status == 422
    assert "TerminateInstances" not in aws.calls()
    assert browser.send(page, confirm="2").status == 303
    assert aws.calls()["TerminateInstances"] == 2


def test_what_changed_since_it_was_shown_is_asked_anew(browser: Browser, aws: Aws) -> None:
    web = row(browser, "instance", "web-1")
    page = browser.open(form_of("terminate", [web]))
    assert browser.fill(form_of("stop", [web])).status == 303
    aws.forget_calls()
    refused = browser.send(page)
    assert refused.status == 422
    assert "has changed since the page was shown" in refused.words
    assert refused.fields["confirm"] == ""
    assert "TerminateInstances" not in aws.calls()
    assert browser.send(refused).status == 303


def test_one_that_went_meanwhile_is_not_counted_any_more(browser: Browser, aws: Aws) -> None:
    one, other = free_volumes(browser, 2)
    clock.advance(100)
    browser.wait()
    page = browser.open(form_of("delete", [one, other]))
    assert page.asked == ["2"]
    assert browser.fill(form_of("delete", [one])).status == 303
    aws.forget_calls()
    refused = browser.send(page)
    assert "has changed since the page was shown" in refused.words
    assert "DeleteVolume" not in aws.calls()
    assert refused.asked == ["spare-1", other.id]


def test_each_of_several_has_a_result_of_its_own(browser: Browser, aws: Aws) -> None:
    rows = [row(browser, "instance", name) for name in ("web-1", "web-2")]
    page = browser.open(form_of("terminate", rows))
    aws.fault("refuse", "TerminateInstances", count=1)
    aws.forget_calls()
    told = browser.follow(browser.send(page))
    assert aws.calls()["TerminateInstances"] == 2
    assert "1 of 2 done" in told.words
    assert "UnauthorizedOperation" in told.words
    assert "Ask for the permission ec2:TerminateInstances" in told.words
    again = next(link for link in told.links if link.startswith("/instances/terminate"))
    assert again == form_of("terminate", rows[:1])
    states = [browser.house.inventory.get("instance", each.id) for each in rows]
    assert [each.state for each in states if each] == ["running", "shutting-down"]
    assert browser.fill(again).status == 303


def test_where_aws_cannot_be_asked_the_others_are_not_tried(browser: Browser, aws: Aws) -> None:
    rows = [row(browser, "instance", name) for name in ("web-1", "web-2")]
    elsewhere = next(
        each
        for each in browser.house.inventory.all("instance", "eu-central-1")
        if each.state == "running"
    )
    page = browser.open(form_of("terminate", [*rows, elsewhere]))
    aws.fault("drop_reply", "TerminateInstances", region="us-east-1")
    told = browser.follow(browser.send(page))
    assert "1 of 3 done" in told.words
    badges = re.findall(r"(done|uncertain|failed|not tried) (?:Terminate i-)", told.words)
    assert badges == ["uncertain", "not tried", "done"]


def test_images_with_their_snapshots_stop_each_for_itself(browser: Browser, aws: Aws) -> None:
    rows = [each for each in browser.house.inventory.all("image") if each.state == "available"][:2]
    page = browser.open(form_of("deregister", rows))
    aws.fault("refuse", "DeregisterImage", count=1)
    aws.forget_calls()
    told = browser.follow(browser.send(page, delete_snapshots="y"))
    assert aws.calls()["DeregisterImage"] == 2
    assert aws.calls()["DeleteSnapshot"] == len(rows[1].cells["snapshot_ids"])
    assert "not tried Delete snapshot" in told.words
    assert form_of("deregister", rows[:1]) in told.links


def test_the_rest_of_a_dangerous_plan_needs_a_recent_sign_in_too(
    browser: Browser, aws: Aws
) -> None:
    pat = Browser(browser.app, as_=[Grant("admin")])
    page = pat.open(form_of("deregister", [row(browser, "image", IMAGE)]))
    aws.fault("refuse", "DeleteSnapshot", count=1)
    page = pat.send(page, delete_snapshots="y")
    way_on = re.search(r"/actions/[\w-]+/rest", page.html)
    assert way_on is not None
    _sign_in_long_ago(browser)
    aws.forget_calls()
    assert pat.post(way_on[0], {"csrf_token": page.fields["csrf_token"]}).status == 403
    assert "DeleteSnapshot" not in aws.calls()


def test_who_may_act_in_one_region_confirms_only_what_is_there(browser: Browser, aws: Aws) -> None:
    east = Limits(regions=("us-east-1",))
    pat = Browser(browser.app, as_=[Grant("viewer"), Grant("operator", east)])
    here = row(browser, "instance", "web-1")
    there = browser.house.inventory.all("instance", "eu-central-1")[0]
    page = pat.open(form_of("terminate", [here, there]))
    assert page.asked == ["web-1", here.id]
    aws.forget_calls()
    assert pat.send(page).status == 303
    assert aws.calls()["TerminateInstances"] == 1
    assert pat.open(form_of("terminate", [there])).status == 409


@pytest.mark.parametrize(
    "name", ["\u202egnp.exe", "💥" * 100, '"><script>alert(1)</script>', "a  b"]
)
def test_a_hostile_name_can_be_confirmed_by_it_or_by_the_id(
    browser: Browser, aws: Aws, name: str
) -> None:
    web = row(browser, "instance", "web-1")
    browser.fill(form_of("tags", [web]), **{"tags-0-value": name})
    web = browser.house.inventory.find("instance", "id", [web.id])[0]
    page = browser.open(form_of("terminate", [web]))
    assert web.id in page.asked
    aws.forget_calls()
    assert browser.send(page, confirm=web.name).status == 303
    assert aws.calls()["TerminateInstances"] == 1

"""Whatever a person changes in the console itself stands in the audit log, with what it was."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from app.people import audit_reader
from app.people.audit_reader import AuditQuery, Deed
from app.people.who import Grant
from app.watches.tables import notices
from tests.web.browser import Browser
from tests.web.test_rules import NIGHTLY


def newest(browser: Browser, event: str) -> Deed:
    """The newest deed of an event, which has ended."""
    found = audit_reader.deeds(browser.house.engine, AuditQuery(event=event), 1)
    assert found, event
    assert not found[0].open
    return found[0]


def topic(browser: Browser) -> str:
    return browser.house.inventory.all("topic")[0].id


def press(browser: Browser, page: str, path: str, **fields: str) -> None:
    """Press a button of a page that has a form of its own."""
    token = browser.open(page).fields["csrf_token"]
    assert browser.post(path, {"csrf_token": token, **fields}).status == 303


def test_a_rule_is_made_changed_switched_and_deleted(browser: Browser):
    path = browser.fill("/rules/new", **NIGHTLY).location
    made = newest(browser, "rules.add")
    assert made.actor == "owner"
    assert made.parameters["filter"] == NIGHTLY["filter"]
    browser.fill(f"{path}/edit", filter="tag:Backup", name="All backups")
    changed = newest(browser, "rules.edit")
    assert changed.before == {"filter": NIGHTLY["filter"], "name": NIGHTLY["name"]}
    assert changed.parameters == {"filter": "tag:Backup", "name": "All backups"}
    press(browser, path, f"{path}/switch", on="no")
    assert newest(browser, "rules.switch").parameters == {"enabled": False}
    browser.fill(f"{path}/delete")
    assert newest(browser, "rules.delete").before["name"] == "All backups"


def test_a_wording_is_changed_and_forgotten(browser: Browser):
    browser.fill("/notices/messages", do="save", subject="Now: {name}")
    assert newest(browser, "wording").parameters["subject"] == "Now: {name}"
    browser.fill("/notices/messages", do="forget")
    assert newest(browser, "wording").before["subject"] == "Now: {name}"


def test_a_watch_is_put_on_and_cancelled(browser: Browser):
    web = browser.house.inventory.find("instance", "name", ["web-1"])[0]
    arn = topic(browser)
    page = browser.fill(f"/instances/watch?id={web.id}", notify="existing", topic_arn=arn)
    put = newest(browser, "watches.add")
    assert put.resources == (("instance", web.id),)
    assert put.parameters["topic_arn"] == arn
    press(browser, page.location, f"{page.location}/cancel")
    assert "Cancel the watch" in newest(browser, "watches.cancel").title


def test_a_watch_that_a_form_asks_for_stands_beside_its_calls(browser: Browser):
    web = browser.house.inventory.find("instance", "name", ["web-1"])[0]
    browser.fill(f"/instances/stop?id={web.id}", notify="existing", topic_arn=topic(browser))
    asked, call = newest(browser, "watches.add"), newest(browser, "call")
    assert asked.action == call.action
    assert asked.seq < call.seq


def test_a_test_of_a_topic_and_what_is_decided_of_notices(browser: Browser):
    arn = topic(browser)
    press(browser, f"/topics/{arn}", "/notices/test", topic=arn)
    assert newest(browser, "notices.test").resources == (("topic", arn),)
    press(browser, f"/topics/{arn}", "/notices/all", topic=arn, state="held", deed="settle")
    assert newest(browser, "notices.all").parameters == {"notices": [], "deed": "settle"}


def test_who_gives_a_notice_up_is_told_with_the_reason(browser: Browser):
    arn = topic(browser)
    press(browser, f"/topics/{arn}", "/notices/test", topic=arn)
    page = browser.open("/notices")
    path = next(each for each in page.links if each.startswith("/notices/n"))
    notice_id = path.removeprefix("/notices/")
    with browser.house.engine.begin() as connection:
        parked = update(notices).where(notices.c.id == notice_id).values(state="parked")
        connection.execute(parked)
    press(browser, f"/topics/{arn}", f"{path}/give_up", why="The topic is gone.")
    found = newest(browser, "notices.give_up")
    assert found.title == f"Give up the notice {notice_id}"
    assert (found.outcome, found.parameters) == ("done", {"why": "The topic is gone."})


def test_what_is_refused_of_a_notice_is_told_as_refused(browser: Browser):
    arn = topic(browser)
    press(browser, f"/topics/{arn}", "/notices/test", topic=arn)
    notice = browser.house.watches.notices.newest(arn)
    assert notice is None  # a test is none that a wording is tried with
    page = browser.open("/notices")
    path = next(each for each in page.links if each.startswith("/notices/n"))
    press(browser, f"/topics/{arn}", f"{path}/settle")
    assert newest(browser, "notices.settle").outcome == "refused"


def test_looking_at_messages_is_told_but_no_message(browser: Browser):
    queue = browser.house.inventory.all("queue")[0]
    path = f"/queues/{queue.id}/messages"
    token = browser.open(path).fields["csrf_token"]
    assert browser.post(path, {"csrf_token": token}).status == 200
    looked = newest(browser, "queue.messages")
    assert looked.resources == (("queue", queue.id),)
    assert looked.parameters == {}


def test_events_that_are_heard_no_more(browser: Browser):
    press(browser, "/notices/messages", "/watches/events/forget", account="1", region="r")
    assert newest(browser, "events.forget").before == {"account": "1", "region": "r"}


def test_a_view_is_saved_renamed_and_deleted(browser: Browser):
    listed = "/views/instances"
    press(browser, "/instances", listed, name="mine", address="q=web", shared="on")
    assert newest(browser, "views.save").parameters["shared"] is True
    path = next(each for each in browser.open(listed).links if each.startswith(f"{listed}/"))
    press(browser, listed, path, name="ours")
    renamed = newest(browser, "views.rename")
    assert (renamed.before, renamed.parameters) == ({"name": "mine"}, {"name": "ours"})
    press(browser, listed, path, delete="")
    assert newest(browser, "views.delete").before["name"] == "ours"


@pytest.mark.parametrize("path", ["/rules/new", "/audit", "/instances/stop"])
def test_what_a_viewer_may_not_open_is_told_as_refused(browser: Browser, path: str):
    viewer = Browser(browser.app, as_=[Grant("viewer")], name="val")
    assert viewer.open(path).status == 403
    refused = newest(browser, "refusal")
    assert (refused.actor, refused.title, refused.code) == ("val", f"GET {path}", "role")


def test_a_form_without_its_token_is_told_as_refused(browser: Browser):
    browser.app.config["WTF_CSRF_CHECK_DEFAULT"] = True
    assert browser.post("/watches/cancel", {"rule": "r"}).status == 400
    refused = newest(browser, "refusal")
    assert (refused.actor, refused.code) == ("owner", "csrf")


def test_signing_in_and_out_stand_there(browser: Browser):
    assert newest(browser, "sign-in").method == "link"
    token = browser.open("/instances").fields["csrf_token"]
    browser.post("/logout", {"csrf_token": token})
    assert newest(browser, "sign-out").actor == "owner"

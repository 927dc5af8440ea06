"""The audit log in pages: what was done stands there with its request ids, and is found again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any
from unittest import mock

import pytest
from sqlalchemy.exc import OperationalError

from app.people import audit, audit_reader
from app.people.audit_check import verify
from app.people.audit_reader import AuditQuery, Deed
from app.people.redaction import HIDDEN
from app.people.who import Grant, Limits
from app.web import recording
from tests.web.browser import Browser
from tests.web.conftest import Aws

SECRET = "canary-of-the-user-data"


def deeds(browser: Browser, **asked: str) -> list[Deed]:
    """What the log tells, newest first."""
    return audit_reader.deeds(browser.house.engine, AuditQuery(**asked), 100)


def launch(browser: Browser) -> str:
    """Launch an instance with user data; its id."""
    images = browser.house.references.of("").public_images(
        "us-east-1", "099720109477", "noble", "x86_64", "ebs"
    )
    page = browser.open(f"/instances/new?image_id={images[0]['ImageId']}")
    browser.send(page, name="audited", user_data=f"echo {SECRET}")
    return browser.house.inventory.find("instance", "name", ["audited"])[0].id


def web_1(browser: Browser) -> str:
    return browser.house.inventory.find("instance", "name", ["web-1"])[0].id


def test_a_launch_and_a_stop_stand_in_the_log_with_their_request_ids(browser: Browser):
    instance = launch(browser)
    browser.fill(f"/instances/stop?id={web_1(browser)}")
    stop, run = deeds(browser, event="call")
    assert (run.operation, run.outcome, run.actor) == ("RunInstances", "done", "owner")
    assert ("instance", instance) in run.resources
    assert run.request_id
    assert run.address == "127.0.0.1"
    assert run.parameters["UserData"] == HIDDEN
    assert stop.operation == "StopInstances"
    assert stop.before[web_1(browser)]["state"] == "running"
    assert stop.before[web_1(browser)]["tags"]["Name"] == "web-1"
    assert stop.request_id != run.request_id
    assert stop.ended_seq == stop.seq + 1
    assert verify(browser.house.engine).whole


def test_from_launch_to_termination_all_of_an_instance_stands_there(browser: Browser):
    instance = launch(browser)
    browser.wait()
    browser.fill(f"/instances/tags?id={instance}", tags="")
    browser.fill(f"/instances/terminate?id={instance}")
    found = deeds(browser, of=instance, event="call")
    assert found[0].operation == "TerminateInstances"
    assert found[-1].operation == "RunInstances"
    assert {deed.outcome for deed in found} == {"done"}
    assert all(deed.request_id for deed in found)
    assert found[0].before[instance]["name"] == "audited"
    assert verify(browser.house.engine).whole


def test_user_data_is_nowhere_in_the_log(browser: Browser):
    launch(browser)
    told = browser.open("/audit.json").html + browser.open("/audit.csv").html
    assert HIDDEN in told
    assert SECRET not in told


def test_a_call_that_aws_refuses_is_told_with_code_and_request_id(browser: Browser, aws: Aws):
    form = browser.open(f"/instances/stop?id={web_1(browser)}")
    aws.fault("refuse", "StopInstances")
    browser.send(form)
    (stop,) = deeds(browser, event="call")
    assert (stop.outcome, stop.code) == ("refused", "UnauthorizedOperation")
    assert stop.request_id
    assert stop.message in browser.open(f"/audit/{stop.seq}").words


def test_what_cannot_be_recorded_is_not_done(browser: Browser, aws: Aws):
    form = browser.open(f"/instances/stop?id={web_1(browser)}")
    aws.forget_calls()
    away = OperationalError("INSERT", {}, Exception("disk full"))
    with mock.patch.object(audit, "begin", side_effect=away):
        page = browser.send(form)
    assert page.status >= 500
    assert "StopInstances" not in aws.calls()


def test_a_call_whose_end_was_not_recorded_says_so(browser: Browser):
    form = browser.open(f"/instances/stop?id={web_1(browser)}")
    away = OperationalError("INSERT", {}, Exception("disk full"))
    with mock.patch.object(audit, "end", side_effect=away):
        browser.send(form)
    (stop,) = deeds(browser, event="call")
    assert stop.open
    assert "may still be under way" in browser.open(f"/audit/{stop.seq}").words
    with mock.patch.object(audit_reader, "UNDER_WAY", -audit_reader.UNDER_WAY):
        assert "look at the resources" in browser.open(f"/audit/{stop.seq}").words
        assert "no end" in browser.open("/audit?outcome=open").words


def test_the_log_is_narrowed_by_what_the_address_asks_for(browser: Browser):
    browser.fill(f"/instances/stop?id={web_1(browser)}")
    (stop,) = deeds(browser, event="call")
    day = stop.at.date().isoformat()
    found = {
        "event": "call",
        "who": "owner",
        "kind": "instance",
        "of": web_1(browser),
        "region": stop.region,
        "account": stop.account,
        "operation": "StopInstances",
        "outcome": "done",
        "action": stop.action,
        "q": stop.request_id,
        "from": day,
        "until": day,
    }
    for key, value in found.items():
        shown = browser.open(f"/audit?{key}={value}")
        assert shown.status == 200
        assert f'href="/audit/{stop.seq}"' in shown.html, key
    missed = {"event": "users", "who": "bob", "kind": "volume", "of": "i-0", "outcome": "failed"}
    missed |= {"operation": "RunInstances", "q": "nothing like it", "from": "2999-01-01"}
    for key, value in (missed | {"until": "2001-01-01"}).items():
        assert "Nothing matches" in browser.open(f"/audit?{key}={value}").words, key


@pytest.mark.parametrize(
    "wrong", ["x=1", "kind=box", "outcome=well", "from=yesterday", "before=x", f"before={2**64}"]
)
def test_an_address_that_makes_no_sense_is_told(visitor: Browser, wrong: str):
    assert visitor.open(f"/audit?{wrong}").status == 400


def test_there_is_no_record_of_a_number_that_was_not_given(visitor: Browser):
    assert visitor.open("/audit/999999").status == 404
    assert visitor.open(f"/audit/{2**70}").status == 404


def test_a_page_holds_fifty_and_leads_to_the_older(browser: Browser):
    who = audit.By("owner")
    for number in range(60):
        entry = audit.Entry("views.save", f"thing {number:02}")
        audit.record(browser.house.engine, who, entry)
    first = browser.open("/audit?event=views")
    assert "thing 59" in first.words
    assert "thing 09" not in first.words
    older = next(each for each in first.links if "before=" in each)
    assert "thing 09" in browser.open(older).words


def test_a_poll_is_answered_only_when_something_was_recorded(browser: Browser):
    first = browser.open("/audit")
    tag = first.headers["HX-PTag"]
    assert browser.open("/audit", HX_Request="true", HX_PTag=tag).status == 304
    browser.fill(f"/instances/stop?id={web_1(browser)}")
    again = browser.open("/audit", HX_Request="true", HX_PTag=tag)
    assert again.status == 200
    assert "StopInstances" in again.words


def test_an_export_holds_no_formula_and_what_the_page_tells(browser: Browser):
    entry = audit.Entry("views.save", "=1+1", parameters={"name": "@x"})
    audit.record(browser.house.engine, audit.By("-bob"), entry)
    (row,) = csv.DictReader(io.StringIO(browser.open("/audit.csv?event=views").html))
    assert (row["title"], row["actor"]) == ("'=1+1", "'-bob")
    (told,) = json.loads(browser.open("/audit.json?event=views").html)
    assert (told["title"], told["parameters"]) == ("=1+1", {"name": "@x"})


def test_a_resource_tells_who_did_what_with_it(browser: Browser):
    instance = launch(browser)
    page = browser.open(f"/instances/{instance}")
    assert "Who did what" in page.words
    assert "by owner from 127.0.0.1" in page.words
    assert any(each.startswith("/audit?kind=instance&of=") for each in page.links)


def test_a_viewer_is_told_who_and_what_but_not_from_where(browser: Browser):
    instance = launch(browser)
    viewer = Browser(browser.app, as_=[Grant("viewer")])
    page = viewer.open(f"/instances/{instance}")
    assert "by owner" in page.words
    assert "127.0.0.1" not in page.words
    assert not any(each.startswith("/audit") for each in page.links)
    assert viewer.open("/audit").status == 403
    assert viewer.open("/audit/1").status == 403
    assert viewer.open("/audit.csv").status == 403


def test_who_sees_one_resource_is_not_told_of_the_others(browser: Browser):
    first, second = web_1(browser), launch(browser)
    about = (("instance", first), ("instance", second))
    entry = audit.Entry("call", f"Stop {first} and {second}", operation="StopInstances")
    engine = browser.house.engine
    audit.record(engine, audit.By("ann"), audit.Entry(**{**vars(entry), "resources": about}))
    viewer = Browser(browser.app, as_=[Grant("viewer", Limits(regions=("us-east-1",)))])
    page = viewer.open(f"/instances/{first}")
    assert page.status == 200
    assert "StopInstances" in page.words
    assert second not in page.words


def test_the_page_tells_the_last_record_to_be_noted_down(browser: Browser):
    browser.open("/audit")
    seq, newest = audit_reader.head(browser.house.engine)
    assert f"{seq}:{newest}" in browser.open("/audit").words
    assert verify(browser.house.engine, {seq: newest}).whole


def test_the_record_of_a_form_leads_to_the_log(browser: Browser):
    browser.fill(f"/instances/stop?id={web_1(browser)}")
    (stop,) = deeds(browser, event="call")
    page = browser.open(f"/actions/{stop.action}/record")
    assert f"/audit?action={stop.action}" in page.links


def refusals(browser: Browser, times: int, **more: Any) -> None:
    with browser.app.test_request_context("/x", **more):
        for _ in range(times):
            recording.refused("Open x", "role", "It needs the role admin.")


def test_a_thousand_refusals_alike_are_one_record(browser: Browser):
    refusals(browser, 1000)
    (one,) = deeds(browser, event="refusal")
    assert (one.outcome, one.code, one.title) == ("refused", "role", "Open x")


def test_refusals_of_a_thousand_addresses_are_sixty_records(browser: Browser):
    for number in range(1000):
        where: Mapping[str, str] = {"REMOTE_ADDR": f"192.0.{number // 250}.{number % 250}"}
        refusals(browser, 1, environ_base=where)
    assert len(deeds(browser, event="refusal")) == 60

"""The page on which the poll is hurried by events, and its forms."""

from __future__ import annotations

from typing import Any

import pytest

from app.aws import events
from app.aws.call import Answer, Call
from app.db import now
from tests.web.browser import Browser, Page
from tests.web.conftest import SANDBOX, Aws

REGION = "us-east-1"
ACCOUNT = SANDBOX.account_id
PAGE = "/watches/events"


def hear(browser: Browser, **more: Any) -> Page:
    """Fill in the form that has the region heard, and send it."""
    return browser.fill(f"/queues/hear?region={REGION}", **more)


def unhear(browser: Browser, **more: Any) -> Page:
    """The same for the one that ends it."""
    return browser.fill(f"/queues/unhear?region={REGION}", **more)


def ask(browser: Browser, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
    """What the sandbox has."""
    clients = browser.house.accounts.clients()
    return clients.send(service, operation, parameters, REGION, "read")


def rules(browser: Browser) -> list[str]:
    return [rule["Name"] for rule in ask(browser, "events", "ListRules")["Rules"]]


def queues(browser: Browser) -> list[str]:
    urls = ask(browser, "sqs", "ListQueues").get("QueueUrls", [])
    return [url.rpartition("/")[2] for url in urls]


def test_a_region_is_heard_and_heard_no_more(browser: Browser) -> None:
    assert "not heard" in browser.open(PAGE).words
    told = browser.follow(hear(browser))
    assert told.path == PAGE
    assert f"What happens in {REGION} is heard from now on." in told.words
    assert "none yet" in told.words
    assert rules(browser) == [events.NAME]
    (target,) = ask(browser, "events", "ListTargetsByRule", Rule=events.NAME)["Targets"]
    assert target == {"Id": "encante", "Arn": events.queue_arn(ACCOUNT, REGION, events.NAME)}
    (queue,) = browser.house.watches.event_queues.all()
    assert (queue.account, queue.region, queue.rule_name) == (ACCOUNT, REGION, events.NAME)
    assert queue.queue_url.endswith(f"/{ACCOUNT}/{events.NAME}")
    told = browser.follow(unhear(browser))
    assert f"What happens in {REGION} is told by the poll alone." in told.words
    assert rules(browser) == []
    assert events.NAME not in queues(browser)
    assert browser.house.watches.event_queues.all() == []


def test_the_plan_stands_beside_the_form_as_code(visitor: Browser) -> None:
    page = visitor.open(f"/queues/hear?region={REGION}&back={PAGE}")
    for words in (
        "events.put_rule(",
        "aws events put-targets",
        "sqs.create_queue(",
        "EventPattern",
    ):
        assert words in page.html
    assert PAGE in page.links


def test_the_lists_do_not_offer_what_the_page_does(visitor: Browser) -> None:
    assert not [link for link in visitor.open("/queues").links if "hear" in link]
    assert PAGE in visitor.open("/watches").links


@pytest.mark.parametrize("name", ["a b", "x" * 65, "é", "", "a.fifo"])
def test_a_name_that_cannot_be_is_told(visitor: Browser, name: str) -> None:
    page = hear(visitor, name=name)
    assert page.status == 422
    assert "letters" in page.words or "required" in page.words
    assert rules(visitor) == []


def test_a_region_that_is_heard_is_not_heard_by_another_name(browser: Browser) -> None:
    hear(browser)
    page = hear(browser, name="another")
    assert page.status == 422
    assert f"{events.NAME} is heard in {REGION} already. Stop hearing it first." in page.words


def test_what_is_not_heard_cannot_be_stopped(visitor: Browser) -> None:
    page = unhear(visitor)
    assert page.status == 422
    assert f"No queue is heard in {REGION}." in page.words


@pytest.mark.parametrize("operation", ["CreateQueue", "PutRule", "PutTargets"])
def test_what_failed_half_way_is_finished_by_sending_it_again(
    browser: Browser, aws: Aws, operation: str
) -> None:
    aws.fault("error", operation, code="InternalError", count=1)
    page = hear(browser)
    assert "InternalError" in page.words
    assert browser.house.watches.event_queues.all() == []
    assert browser.send(page).location == PAGE
    assert len(browser.house.watches.event_queues.all()) == 1


def test_what_was_cut_off_before_it_was_written_down_is_offered_to_be_finished(
    browser: Browser,
) -> None:
    hear(browser)
    browser.house.watches.event_queues.remove(ACCOUNT, REGION)
    page = browser.open(PAGE)
    assert "Hearing it finishes that." in page.words
    assert hear(browser).location == PAGE
    assert len(browser.house.watches.event_queues.all()) == 1


def test_a_form_that_is_sent_twice_acts_once(browser: Browser, aws: Aws) -> None:
    page = browser.open(f"/queues/hear?region={REGION}")
    browser.send(page)
    assert browser.send(page).location.startswith("/actions/")
    assert aws.calls()["PutRule"] == 1


def test_a_target_that_eventbridge_does_not_take_is_told_and_nothing_is_heard(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Call.run
    failed = {"TargetId": "encante", "ErrorCode": "Busy", "ErrorMessage": "<Too> many."}
    answer = Answer({"FailedEntryCount": 1, "FailedEntries": [failed]})

    def instead(call: Call, clients: Any) -> dict[str, Any]:
        return answer if call.operation == "PutTargets" else run(call, clients)

    monkeypatch.setattr(Call, "run", instead)
    page = browser.follow(hear(browser))
    assert "EventBridge does not send to the queue: Busy: <Too> many." in page.words
    assert browser.house.watches.event_queues.all() == []


def test_what_was_deleted_by_hand_can_be_heard_no_more(browser: Browser) -> None:
    hear(browser)
    clients = browser.house.accounts.clients()
    for call in (events.remove_target, events.delete_rule):
        call(ACCOUNT, REGION, events.NAME).run(clients)
    # AWS may have forgotten the rule; what is left is said, and it can be left as it is
    assert "does not exist" in unhear(browser).words
    page = browser.follow(unhear(browser, leave="y"))
    assert "told by the poll alone" in page.words
    assert events.NAME in queues(browser)
    assert browser.house.watches.event_queues.all() == []


def test_trouble_is_shown_escaped(browser: Browser) -> None:
    hear(browser)
    book = browser.house.watches.event_queues
    (queue,) = book.all()
    book.troubled(queue, "Boom: <b>No.</b>", now())
    page = browser.open(PAGE)
    assert "Boom: <b>No.</b>" in page.words
    assert "<b>No.</b>" not in page.html
    assert "Tried again" in page.words


def test_a_queue_of_a_region_that_is_gone_from_the_settings_can_be_forgotten(
    browser: Browser,
) -> None:
    browser.house.watches.event_queues.add(
        account="999999999999",
        region="eu-west-3",
        queue_url="http://127.0.0.1:1/999999999999/encante-events",
        queue_arn=events.queue_arn("999999999999", "eu-west-3", events.NAME),
        rule_name=events.NAME,
    )
    page = browser.open(PAGE)
    assert "Not among the regions of this console any more." in page.words
    gone = browser.post(f"{PAGE}/forget", page.fields)
    assert gone.location == PAGE
    assert browser.house.watches.event_queues.all() == []


def test_a_poll_of_the_page_renders_nothing_while_nothing_changes(browser: Browser) -> None:
    first = browser.open(PAGE, **{"HX-Request": "true"})
    tag = first.headers["HX-PTag"]
    assert browser.open(PAGE, **{"HX-Request": "true", "HX-PTag": tag}).status == 304
    hear(browser)
    assert browser.open(PAGE, **{"HX-Request": "true", "HX-PTag": tag}).status == 200

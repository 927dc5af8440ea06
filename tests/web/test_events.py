"""The page on which the poll is hurried by events, and its forms."""

from __future__ import annotations

from typing import Any

from app.aws import events
from tests.web.browser import Browser, Page
from tests.web.conftest import SANDBOX

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

"""The page of templates, and what a topic's page tells of messages."""

from __future__ import annotations

import json
from typing import Any

from app.aws.call import Call
from app.aws.queues import receive
from tests.web.browser import Browser, Page

ALL = "/notices/messages"


def _topic(browser: Browser, name: str = "alerts") -> str:
    return next(row.id for row in browser.house.inventory.all("topic") if row.name == name)


def _preview(browser: Browser, **fields: Any) -> Page:
    given = browser.open(ALL).fields
    for name, value in fields.items():
        given.setlist(name, value if isinstance(value, list) else [value])
    given["_do"] = "preview"
    return browser.post(ALL, given, HX_Request="true")


def test_the_page_begins_with_what_is_built_in(browser: Browser) -> None:
    page = browser.open(ALL)
    assert page.fields["subject"] == "${subject}"
    assert page.fields["text"].startswith("${sentence}")
    assert json.loads(page.fields["json"])["version"] == 1
    assert page.fields["when_uncertain"] == "repeat"
    assert "${resource_id} its id" in page.words


def test_what_is_as_built_in_is_not_kept_as_somebodys_own(browser: Browser) -> None:
    saved = browser.follow(browser.fill(ALL, when_uncertain="hold"))
    assert "Saved" in saved.words
    kept = browser.house.watches.topic_settings.own("")
    assert kept is not None
    assert kept.when_uncertain == "hold"
    assert (kept.wording.subject, kept.wording.text, kept.wording.json) == ("", "", "")


def test_a_topic_has_its_own_words_until_it_goes_back(browser: Browser) -> None:
    topic = _topic(browser)
    path = f"{ALL}?topic={topic}"
    assert "what is set for all topics" in browser.open(path).words
    browser.follow(browser.fill(path, subject="Ours: ${name}", json_for=["sqs", "lambda"]))
    page = browser.open(path)
    assert page.fields["subject"] == "Ours: ${name}"
    assert page.fields.getlist("json_for") == ["sqs", "lambda"]
    told = browser.open(f"/topics/{topic}").words
    assert "in its own way" in told
    assert "sqs, lambda" in told
    assert topic in browser.open(ALL).words
    assert browser.house.watches.topic_settings.of(_topic(browser, "snapshots-done")).actor == ""
    browser.follow(browser.send(page, do="forget"))
    assert browser.house.watches.topic_settings.own(topic) is None


def test_a_preview_shows_each_protocol_before_anything_is_saved(browser: Browser) -> None:
    page = _preview(
        browser,
        subject="${outcome}: ${name}",
        json_for=["sqs"],
        json='{"who": "${name}", "gib": "${size_gib}"}',
        sample="snapshot completed",
    )
    assert "Subject completed: orders-db" in page.words
    assert "To sqs" in page.words
    assert "To all others" in page.words
    assert "To sms" in page.words
    assert '"who": "orders-db", "gib": 100' in page.words
    assert browser.house.watches.topic_settings.own("") is None


def test_a_preview_tells_what_is_wrong_and_saving_keeps_what_was_typed(browser: Browser) -> None:
    page = _preview(browser, text="${colour} <b>")
    assert "There is no fact 'colour'; there are subject, sentence, facts" in page.words
    refused = browser.fill(ALL, text="${colour} <b>", json="{")
    assert refused.status == 422
    assert refused.fields["text"] == "${colour} <b>"
    assert "This is not JSON" in refused.words
    assert browser.house.watches.topic_settings.own("") is None


def test_a_preview_without_scripts_is_the_page(browser: Browser) -> None:
    page = browser.send(browser.open(ALL), do="preview", subject="Hello ${name}")
    assert page.status == 200
    assert "Subject Hello orders-db" in page.words
    assert page.fields["subject"] == "Hello ${name}"


def test_a_preview_shows_the_link_that_will_be_sent(browser: Browser) -> None:
    home = "http://127.0.0.1:8080"
    assert "/watches/w-" not in _preview(browser, sample="snapshot completed").words
    browser.house.settings = browser.house.settings.model_copy(update={"public_url": home})
    page = _preview(browser, text="See ${link}", sample="snapshot completed")
    assert "See http://127.0.0.1:8080/watches/w-0123456789a01234567" in page.words


def test_a_preview_is_escaped(browser: Browser) -> None:
    page = _preview(browser, text="<script>alert(1)</script>")
    assert "<script>" not in page.html
    assert "&lt;script&gt;" in page.html


def test_templates_that_could_become_too_long_for_sns_are_refused(browser: Browser) -> None:
    many = "${description}" * 100
    refused = browser.fill(ALL, text=many)
    assert refused.status == 422
    assert "SNS takes 256 KiB" in refused.words


def test_the_words_of_an_unknown_topic_cannot_be_set(browser: Browser) -> None:
    assert browser.open(f"{ALL}?topic=arn:aws:sns:us-east-1:123456789012:none").status == 400


def test_a_topic_s_page_tells_that_its_queue_lets_nothing_in_and_mends_it(
    browser: Browser,
) -> None:
    topic = _topic(browser)
    browser.follow(browser.fill("/queues/new", name="closed"))
    browser.wait()
    queue = next(row.id for row in browser.house.inventory.all("queue") if row.name == "closed")
    browser.follow(browser.fill(f"/topics/subscribe?id={topic}", protocol="sqs", endpoint=queue))
    browser.wait()
    path = f"/topics/{topic}"
    page = browser.open(path)
    assert "lets nothing in" not in page.words
    polled = {"HX_Request": "true", "HX_PTag": page.headers["HX-PTag"]}
    _close(browser, queue)
    told = browser.open(path, **polled)
    assert "The queue closed lets nothing in" in told.words
    way = next(link for link in told.links if "/topics/permit" in link)
    form = browser.open(way)
    assert form.fields["queue"] == queue
    browser.follow(browser.send(form))
    assert "lets nothing in" not in browser.open(path).words


def test_a_queue_gets_the_json_and_not_the_text(browser: Browser) -> None:
    topic = _topic(browser, "snapshots-done")
    browser.follow(browser.fill(f"{ALL}?topic={topic}", json_for=["sqs"]))
    token = browser.open("/notices").fields["csrf_token"]
    browser.follow(browser.post("/notices/test", {"csrf_token": token, "topic": topic}))
    browser.wait()
    (queue,) = browser.house.inventory.all("queue")
    answer = receive(queue.description).run(browser.house.accounts.clients())
    bodies = [json.loads(each["Body"]) for each in answer["Messages"]]
    (told,) = [json.loads(body["Message"]) for body in bodies if "Test" in body.get("Subject", "")]
    assert (told["version"], told["kind"], told["topic"]) == (1, "test", topic)


def _close(browser: Browser, queue: str) -> None:
    """Somebody takes the queue's policy away."""
    house = browser.house
    row = house.inventory.get("queue", queue)
    assert row is not None
    given = {"QueueUrl": row.description["QueueUrl"], "Attributes": {"Policy": ""}}
    Call("sqs", "SetQueueAttributes", row.region, given).run(house.accounts.clients())
    house.collector.reread("queue", row.account, row.region, [queue], settle=False)

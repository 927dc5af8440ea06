"""The pages of notices: what was sent, what needs a person, tests of a topic."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from app.db import now
from app.watches.messages import BUILT_IN, trial_row
from app.watches.tables import notices, regions
from app.watches.verdicts import too_late
from tests.web.browser import Browser, Page


def _topic(browser: Browser, name: str = "alerts") -> str:
    return next(row.id for row in browser.house.inventory.all("topic") if row.name == name)


def _post(browser: Browser, path: str, **fields: str) -> Page:
    token = browser.open("/notices").fields["csrf_token"]
    return browser.post(path, {"csrf_token": token, **fields})


def _owe(browser: Browser, **more: Any) -> str:
    """A notice in the outbox, as it is after something has happened to it."""
    row = trial_row(_topic(browser), "123456789012", "us-east-1", now(), BUILT_IN) | more
    with browser.house.engine.begin() as connection:
        connection.execute(insert(notices).values(row))
    return str(row["id"])


def _set(browser: Browser, notice_id: str, **values: Any) -> None:
    with browser.house.engine.begin() as connection:
        connection.execute(update(notices).where(notices.c.id == notice_id).values(values))


def _state(browser: Browser, notice_id: str) -> str:
    notice = browser.house.watches.notices.get(notice_id)
    assert notice is not None
    return notice.state


def test_a_test_goes_the_way_of_every_notice_and_tells_what_became_of_it(browser: Browser) -> None:
    led = _post(browser, "/notices/test", topic=_topic(browser))
    assert "waiting" in browser.follow(led).words
    browser.wait()
    assert "sent" in browser.open(led.location).words
    assert "Test from Encante" in browser.open("/notices").words


def test_a_test_of_an_unknown_topic_is_refused(browser: Browser) -> None:
    page = _post(browser, "/notices/test", topic="arn:aws:sns:us-east-1:123456789012:nowhere")
    assert page.status == 400
    assert "is not known here" in page.words


def test_what_needs_a_person_is_counted_in_the_navigation_and_can_be_listed(
    browser: Browser,
) -> None:
    _owe(browser, state="sent", subject="It went out")
    _owe(browser, state="parked", subject="Not taken", error="Too long", attempts=1)
    _owe(browser, state="held", subject="Not certain", attempts=1)
    page = browser.open("/notices")
    assert "Notices 2" in page.words
    assert "2 notices need a person" in page.words
    listed = browser.open("/notices?state=person").words
    assert "Not taken" in listed
    assert "Not certain" in listed
    assert "It went out" not in listed


@pytest.mark.parametrize(
    "address", ["state=odd", "kind=odd", "before=odd", "before=2026-01-01T00:00:00_n-1"]
)
def test_what_makes_no_sense_in_the_address_is_told(browser: Browser, address: str) -> None:
    assert browser.open(f"/notices?{address}").status == 400


def test_pages_of_notices_follow_one_another_without_gap_or_repeat(browser: Browser) -> None:
    moment = now()
    made = {_owe(browser, state="sent", made_at=moment) for _ in range(70)}
    first = browser.open("/notices")
    older = next(link for link in first.links if "before=" in link)
    second = browser.open(older.replace("&amp;", "&"))
    shown = [link.removeprefix("/notices/") for link in first.links + second.links]
    shown = [each for each in shown if each.startswith("n-")]
    assert sorted(shown) == sorted(made)


def test_a_poll_of_a_list_that_is_as_it_was_is_answered_by_nothing(browser: Browser) -> None:
    _owe(browser, state="parked")
    page = browser.open("/notices", HX_Request="true")
    same = browser.open("/notices", HX_Request="true", HX_PTag=page.headers["HX-PTag"])
    assert same.status == 304
    _owe(browser, state="sent")
    changed = browser.open("/notices", HX_Request="true", HX_PTag=page.headers["HX-PTag"])
    assert changed.status == 200


def test_a_parked_notice_tells_why_and_can_be_tried_again(browser: Browser) -> None:
    notice_id = _owe(
        browser,
        state="parked",
        attempts=1,
        error_code="InvalidParameter",
        error="Bad <b>",
        advice="A.",
    )
    page = browser.open(f"/notices/{notice_id}")
    assert "Bad <b>" in page.words
    assert "Bad &lt;b&gt;" in page.html
    browser.follow(_post(browser, f"/notices/{notice_id}/retry"))
    assert _state(browser, notice_id) == "waiting"


def test_a_parked_notice_can_be_given_up_with_a_reason_that_is_kept_and_shown(
    browser: Browser,
) -> None:
    notice_id = _owe(browser, state="parked", attempts=1, error="Too long", subject="Hopeless")
    path = f"/notices/{notice_id}"
    refused = browser.follow(_post(browser, f"{path}/give_up", why="  "))
    assert "Say why it is given up" in refused.words
    assert _state(browser, notice_id) == "parked"
    page = browser.follow(_post(browser, f"{path}/give_up", why="Nobody <needs> it."))
    assert "gave it up: Nobody <needs> it." in page.words
    assert "Nobody &lt;needs&gt; it." in page.html
    listed = browser.open("/notices?state=given-up").words
    assert "Hopeless given-up" in listed
    assert "needs a person" not in listed
    browser.follow(_post(browser, f"{path}/retry"))
    assert _state(browser, notice_id) == "waiting"


def test_all_that_is_parked_of_a_topic_can_be_given_up_at_once(browser: Browser) -> None:
    parked = [_owe(browser, state="parked", attempts=1) for _ in range(3)]
    fields = {"topic": _topic(browser), "state": "parked", "deed": "give_up"}
    refused = browser.follow(_post(browser, "/notices/all", **fields))
    assert "Say why it is given up" in refused.words
    page = browser.follow(_post(browser, "/notices/all", why="The list is wrong.", **fields))
    assert "3 notices are given up" in page.words
    assert {_state(browser, each) for each in parked} == {"given-up"}


def test_no_more_is_said_to_be_decided_than_one_button_does(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.notices.MOST_AT_ONCE", 2)
    oldest = [_owe(browser, state="parked", made_at=now() - timedelta(hours=1)) for _ in range(2)]
    newest = _owe(browser, state="parked")
    topic = _topic(browser)
    page = browser.open(f"/notices?topic={topic}")
    assert "More than 2 parked of this topic" in page.words
    assert "Try the oldest 2 again" in page.words
    _post(browser, "/notices/all", topic=topic, state="parked", deed="retry")
    assert [_state(browser, each) for each in (*oldest, newest)] == ["waiting", "waiting", "parked"]
    page = browser.open(f"/notices?topic={topic}")
    assert "1 parked of this topic" in page.words
    assert "Try all again" in page.words


def test_a_held_notice_can_be_said_to_have_arrived(browser: Browser) -> None:
    notice_id = _owe(browser, state="held", attempts=1, uncertain=1, last_tried_at=now())
    assert "Nobody knows whether it has arrived" in browser.open(f"/notices/{notice_id}").words
    browser.follow(_post(browser, f"/notices/{notice_id}/settle"))
    assert _state(browser, notice_id) == "sent"


def test_a_held_notice_says_why_it_is_held_and_not_what_its_topic_does_not_do(
    browser: Browser,
) -> None:
    fifo = "arn:aws:sns:us-east-1:123456789012:orders.fifo"
    advice = too_late(now()).values["advice"]
    given = {"state": "held", "uncertain": 1, "topic_arn": fifo, "error": "The line was cut."}
    page = browser.open(f"/notices/{_owe(browser, advice=advice, **given)}")
    assert "SNS knows a notice again for 5" in page.words
    assert "The line was cut." in page.words
    assert "Its id is the message's deduplication id." in page.words
    assert "is to hold" not in page.words, "as it sends again what is uncertain"


def test_a_held_notice_can_be_sent_again(browser: Browser) -> None:
    notice_id = _owe(browser, state="held", attempts=1, uncertain=1, last_tried_at=now())
    browser.follow(_post(browser, f"/notices/{notice_id}/retry"))
    assert _state(browser, notice_id) == "waiting"


def test_what_was_sent_is_sent_once_more_only_on_purpose_and_with_the_same_id(
    browser: Browser,
) -> None:
    notice_id = _owe(browser)
    browser.wait()
    page = browser.open(f"/notices/{notice_id}")
    assert "whoever is subscribed gets it twice" in page.words
    browser.follow(_post(browser, f"/notices/{notice_id}/repeat"))
    assert _state(browser, notice_id) == "waiting"
    browser.wait()
    again = browser.house.watches.notices.get(notice_id)
    assert again is not None
    assert (again.state, again.attempts) == ("sent", 2)


def test_a_decision_that_came_too_late_changes_nothing_and_says_so(browser: Browser) -> None:
    notice_id = _owe(browser, state="sent", sent_at=now())
    page = browser.follow(_post(browser, f"/notices/{notice_id}/settle"))
    assert "is sent, and no try of it is in doubt" in page.words


def test_all_that_is_parked_of_a_topic_is_tried_again_at_once(browser: Browser) -> None:
    parked = [_owe(browser, state="parked", attempts=1) for _ in range(3)]
    other = _owe(browser, state="parked", attempts=1, topic_arn=_topic(browser, "snapshots-done"))
    topic = _topic(browser)
    assert "3 parked of this topic" in browser.open(f"/notices?topic={topic}").words
    fields = {"topic": topic, "state": "parked", "deed": "retry"}
    page = browser.follow(_post(browser, "/notices/all", **fields))
    assert "3 notices are tried now" in page.words
    assert {_state(browser, each) for each in parked} == {"waiting"}
    assert _state(browser, other) == "parked"


def test_an_unknown_notice_is_told_so(browser: Browser) -> None:
    assert browser.open("/notices/n-nothing").status == 404
    assert _post(browser, "/notices/n-nothing/retry").status == 404


def test_a_notice_shows_what_each_protocol_is_sent(browser: Browser) -> None:
    structure = (
        '{"default": "For <i>people</i>", "sqs": "{\\"id\\": 1}", "lambda": "{\\"id\\": 1}"}'
    )
    notice_id = _owe(browser, state="sent", structure=structure)
    page = browser.open(f"/notices/{notice_id}")
    assert "To sqs, lambda" in page.words
    assert "For &lt;i&gt;people&lt;/i&gt;" in page.html


def test_a_notice_that_waits_for_others_says_so(browser: Browser) -> None:
    notice = _owe(browser, attempts=0)
    assert "SNS is in trouble" not in browser.open(f"/notices/{notice}").words
    trouble = {"service": "sns", "account": "123456789012", "region": "us-east-1"}
    with browser.house.engine.begin() as connection:
        times = {"due_at": now() + timedelta(minutes=1), "due_set_at": now()}
        connection.execute(insert(regions).values(**trouble, failures=1, **times))
    assert "SNS is in trouble in us-east-1" in browser.open(f"/notices/{notice}").words
    _set(browser, notice, state="sent")
    assert "SNS is in trouble" not in browser.open(f"/notices/{notice}").words

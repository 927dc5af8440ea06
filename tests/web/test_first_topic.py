"""With which topic a form begins that asks whom to tell."""

from __future__ import annotations

import pytest

from app.people.who import Grant
from tests.web.browser import Browser

FORMS = ("/volumes/new", "/rules/new")
ALL = [Grant("admin")]


def _topic(browser: Browser, name: str) -> str:
    return browser.house.inventory.find("topic", "name", [name])[0].id


def _begins_with(browser: Browser, path: str = "/volumes/new") -> str:
    return browser.open(path).fields["topic_arn"]


def _be_told_by(browser: Browser, name: str) -> None:
    asked = {"notify": "existing", "topic_arn": _topic(browser, name)}
    assert browser.fill("/volumes/new", size=1, **asked).status == 303


@pytest.mark.parametrize("path", FORMS)
def test_a_form_begins_with_a_topic_that_somebody_hears(visitor: Browser, path: str) -> None:
    assert _begins_with(visitor, path) == _topic(visitor, "snapshots-done")


@pytest.mark.parametrize("path", FORMS)
def test_a_form_begins_with_the_topic_that_one_used_last(browser: Browser, path: str) -> None:
    _be_told_by(browser, "snapshots-done")
    _be_told_by(browser, "alerts")
    assert _begins_with(browser, path) == _topic(browser, "alerts")


def test_ones_own_last_topic_comes_before_that_of_others(browser: Browser) -> None:
    mary, paul = (Browser(browser.app, as_=ALL, name=name) for name in ("mary", "paul"))
    _be_told_by(mary, "alerts")
    assert _begins_with(paul) == _topic(browser, "alerts")
    _be_told_by(paul, "snapshots-done")
    assert _begins_with(mary) == _topic(browser, "alerts")
    assert _begins_with(browser) == _topic(browser, "snapshots-done")


def test_a_topic_that_is_named_in_the_address_is_begun_with(visitor: Browser) -> None:
    topic = _topic(visitor, "alerts")
    assert _begins_with(visitor, f"/volumes/new?topic_arn={topic}") == topic


def test_where_no_topic_is_heard_the_form_says_so(browser: Browser) -> None:
    heard = browser.house.inventory.find("topic", "name", ["snapshots-done"])[0]
    assert browser.fill(f"/topics/delete?id={heard.id}", confirm="snapshots-done").status == 303
    form = browser.open("/volumes/new")
    assert form.fields["topic_arn"] == _topic(browser, "alerts")
    shown = browser.send(form, do="preview", notify="existing")
    assert "has no confirmed subscription" in shown.words

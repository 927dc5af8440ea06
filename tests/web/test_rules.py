"""The pages of the rules."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.db import now
from app.inventory.filters import parse
from app.inventory.match import holds
from app.resources import RESOURCES
from app.watches.previews import preview
from tests.web.browser import Browser, Page

NIGHTLY = {"name": "Nightly", "filter": "tag:Backup = nightly"}


def make(browser: Browser, **more: Any) -> Page:
    """Fill in the form of a new rule and send it."""
    return browser.fill("/rules/new", **{**NIGHTLY, **more})


def made(browser: Browser, **more: Any) -> Page:
    """The page of a new rule."""
    return browser.follow(make(browser, **more))


def test_a_rule_is_made_shown_and_listed(browser: Browser) -> None:
    page = made(browser, outcomes=["completed", "late"], late_number="2", late_unit="hours")
    assert page.status == 200
    for words in (
        "The rule Nightly is made.",
        "tag:Backup = nightly",
        "completed, late",
        "2 hours",
    ):
        assert words in page.words
    listed = browser.open("/rules")
    assert "Nightly" in listed.words
    assert page.path in listed.links


def test_the_form_comes_prefilled_from_the_address(visitor: Browser) -> None:
    page = visitor.open("/rules/new?kind=image&filter=tag:Backup&name=Mine")
    fields = page.fields
    assert (fields["kind"], fields["filter"], fields["name"]) == ("image", "tag:Backup", "Mine")
    assert "An image that begins while the rule is on" in page.words
    assert "available" in page.words


def test_what_ends_it_is_ticked_at_first(visitor: Browser) -> None:
    page = visitor.open("/rules/new")
    assert page.fields.getlist("outcomes") == ["completed", "failed", "vanished"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"filter": "tag:Backup = "}, "Expected a value"),
        ({"filter": "speed = 3"}, "At character 1: There is no column"),
        ({"name": " "}, "This field is required"),
        ({"outcomes": []}, "Choose at least one."),
        ({"topic_arn": "arn:aws:sns:eu-central-1:123456789012:none"}, "Choose a topic"),
        ({"kind": "topic"}, "Not a valid choice"),
        ({"outcomes": ["done"]}, "valid choice"),
        ({"outcomes": ["late"], "late_number": "-1"}, "Number must be between"),
        ({"outcomes": ["late"], "late_number": "x"}, "Not a valid integer"),
    ],
)
def test_a_wrong_field_is_told_and_the_form_stays_filled_in(
    visitor: Browser, changes: dict[str, Any], complaint: str
) -> None:
    page = make(visitor, **changes)
    assert page.status == 422
    assert complaint in page.words
    assert page.fields["name"] == changes.get("name", "Nightly").strip()
    assert visitor.house.rules.list() == []


def test_where_a_filter_goes_wrong_is_shown_while_it_is_typed(visitor: Browser) -> None:
    page = visitor.send(visitor.open("/rules/new"), do="preview", filter="tag:A speed = 3")
    assert page.status == 200
    assert re.search(r"tag:A <mark>speed</mark> = 3", page.html)


def test_another_kind_has_its_own_outcomes(visitor: Browser) -> None:
    page = visitor.send(visitor.open("/rules/new"), do="refill", kind="instance", name="x")
    assert page.status == 200
    assert (page.fields["kind"], page.fields["name"]) == ("instance", "x")
    assert "terminated" in page.words


@pytest.mark.parametrize("text", ["", "tag:Name", "region = eu-central-1", "not tag:Name"])
def test_the_preview_tells_what_the_filter_holds_for(visitor: Browser, text: str) -> None:
    inventory = visitor.house.inventory
    present = now()
    found = preview(inventory, "snapshot", text, (), present)
    rows = inventory.all("snapshot")
    expression = parse(text, RESOURCES["snapshot"], present)
    fitting = [
        row
        for row in rows
        if (expression is None or holds(expression, RESOURCES["snapshot"], row))
        and row.cells["started"] >= f"{found.days[0][0]}"
    ]
    assert found.total == found.times == len(fitting)
    assert {row.id for row in found.rows} <= {row.id for row in fitting}


def test_the_preview_counts_what_is_gone_since(browser: Browser) -> None:
    inventory = browser.house.inventory
    before = preview(inventory, "snapshot", "", (), now())
    row = before.rows[0]
    inventory.forget("snapshot", row.account, row.region, [row.id], now())
    after = preview(inventory, "snapshot", "", (), now())
    assert (after.total, after.gone) == (before.total, 1)
    assert [row.id for row in after.rows] == [row.id for row in before.rows]
    page = browser.open("/rules/new")
    assert "one of them is gone since" in page.words


def test_a_rule_is_changed(browser: Browser) -> None:
    path = made(browser).path
    page = browser.fill(f"{path}/edit", filter="tag:Backup", name="All backups")
    assert "The rule All backups is changed." in browser.follow(page).words
    [rule] = browser.house.rules.list()
    assert (rule.filter, rule.name) == ("tag:Backup", "All backups")


def test_the_form_of_a_rule_holds_what_the_rule_is(browser: Browser) -> None:
    asked = {"outcomes": ["failed", "late"], "late_number": "90", "late_unit": "minutes"}
    path = made(browser, **asked).path
    before = browser.house.rules.list()
    browser.send(browser.open(f"{path}/edit"))
    assert browser.house.rules.list() == before
    assert before[0].late_after == 5400


def test_a_rule_is_switched_off_and_on(browser: Browser) -> None:
    page = made(browser)
    browser.post(f"{page.path}/switch", {"on": "no", "csrf_token": page.fields["csrf_token"]})
    assert not browser.house.rules.list()[0].enabled
    assert "Switch on" in browser.open(page.path).words
    browser.post(f"{page.path}/switch", {"on": "yes", "csrf_token": page.fields["csrf_token"]})
    assert browser.house.rules.list()[0].enabled


def test_a_rule_is_deleted_when_one_has_confirmed_it(browser: Browser) -> None:
    path = made(browser).path
    asked = browser.open(f"{path}/delete")
    assert "Nothing that fits its filter is watched any more" in asked.words
    assert len(browser.house.rules.list()) == 1
    assert "is deleted" in browser.follow(browser.send(asked)).words
    assert browser.house.rules.list() == []


@pytest.mark.parametrize("end", ["", "/edit", "/delete"])
def test_a_rule_that_is_not_there_is_told(visitor: Browser, end: str) -> None:
    page = visitor.open(f"/rules/rule-none{end}")
    assert page.status == 404
    assert "There is no such rule" in page.words


def test_a_form_that_is_sent_twice_makes_one_rule(browser: Browser) -> None:
    page = browser.open("/rules/new")
    first, second = (browser.send(page, **NIGHTLY) for _ in range(2))
    assert first.location == second.location
    assert len(browser.house.rules.list()) == 1


def test_nothing_is_done_without_the_token_of_the_form(browser: Browser) -> None:
    path = made(browser).path
    for address in ("/rules/new", f"{path}/edit", f"{path}/switch", f"{path}/delete"):
        assert browser.post(address, {**NIGHTLY, "on": "no"}).status == 400
    [rule] = browser.house.rules.list()
    assert rule.enabled


def test_a_topic_that_nobody_hears_is_warned_of(browser: Browser) -> None:
    topics = browser.house.inventory.all("topic")
    silent = next(row for row in topics if not row.cells.get("confirmed"))
    page = made(browser, topic_arn=silent.id)
    assert "has no confirmed subscription" in page.words
    assert "nobody is told" in browser.open("/rules").words


def test_what_others_wrote_is_only_text(browser: Browser) -> None:
    evil = '<script>alert("1")</script>'
    page = made(browser, name=evil, filter=f'tag:Backup = "{evil[:8]}"')
    for address in ("/rules", page.path, f"{page.path}/edit", f"{page.path}/delete"):
        html = browser.open(address).html
        assert evil not in html
        assert "&lt;script&gt;alert" in html


def test_a_rule_begins_from_the_filter_of_a_list(visitor: Browser) -> None:
    page = visitor.open("/snapshots?q=tag:Backup+or+db&region=eu-central-1&region=us-east-1")
    given = _way_to_a_rule(page)
    assert given == {
        "kind": ["snapshot"],
        "filter": ["(tag:Backup or db) (region = eu-central-1 or region = us-east-1)"],
    }
    assert not any("/rules/new" in link for link in visitor.open("/topics").links)


def test_a_rule_begins_from_a_tag(visitor: Browser) -> None:
    row = next(row for row in visitor.house.inventory.all("snapshot") if row.tags)
    page = visitor.open(f"/snapshots/{row.id}")
    given = _way_to_a_rule(page)
    expression = parse(given["filter"][0], RESOURCES["snapshot"], now())
    assert expression
    assert holds(expression, RESOURCES["snapshot"], row)


def _way_to_a_rule(page: Page) -> dict[str, list[str]]:
    way = next(link for link in page.links if link.startswith("/rules/new?"))
    return parse_qs(urlsplit(way).query)

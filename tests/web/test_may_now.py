"""A role that is taken away is away at the next step, wherever somebody is with a form."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from app.people import actions
from app.people.tables import audit
from app.people.who import Grant, Limits
from tests.web.browser import Browser, Page
from tests.web.conftest import Aws

ADMIN, OPERATOR = Grant("admin"), Grant("operator")
TEAM = Limits(tag_key="team", tag_value="shop")
REGION = "us-east-1"


def becomes(person: Browser, *grants: Grant, name: str = "ada") -> None:
    """From now on they have these roles and no others."""
    Browser(person.app, as_=grants, name=name)


def rest_of(page: Page) -> str:
    found = re.search(r"/actions/[\w-]+/rest", page.html)
    assert found is not None, page.words
    return found[0]


def half_heard(browser: Browser, aws: Aws) -> tuple[Browser, Page]:
    """An admin, and the page of what only an admin may do, of which a part failed."""
    ada = Browser(browser.app, as_=[ADMIN], name="ada")
    page = ada.open(f"/queues/hear?region={REGION}")
    aws.fault("refuse", "PutRule", count=1)
    failed = ada.send(page)
    assert failed.status == 403
    aws.forget_calls()
    return ada, failed


def test_who_is_no_admin_any_more_does_not_do_the_rest_of_an_admin_s_form(
    browser: Browser, aws: Aws
) -> None:
    ada, failed = half_heard(browser, aws)
    path, token = rest_of(failed), {"csrf_token": failed.fields["csrf_token"]}
    becomes(ada, OPERATOR)
    refused = ada.post(path, token)
    assert refused.status == 403
    assert "This needs the role admin; yours is operator" in refused.words
    assert "/rest" not in ada.open(path.replace("/rest", "/record")).html
    assert not {"PutRule", "PutTargets"} & aws.calls().keys()
    becomes(ada, ADMIN)
    assert ada.post(path, token).status == 303
    assert {"PutRule", "PutTargets"} <= aws.calls().keys()


def test_the_rest_makes_nothing_without_the_tag_of_a_role_that_is_narrowed_now(
    browser: Browser, aws: Aws
) -> None:
    volumes = browser.house.inventory.all("volume", REGION)
    volume = next(row for row in volumes if row.tags.get("team") == "shop")
    ada = Browser(browser.app, as_=[OPERATOR], name="ada")
    aws.fault("refuse", "CreateSnapshot", count=1)
    failed = ada.fill(f"/snapshots/new?volume_id={volume.id}", notify="new", new_topic_name="mine")
    path, token = rest_of(failed), {"csrf_token": failed.fields["csrf_token"]}
    becomes(ada, Grant("viewer"), Grant("operator", TEAM))
    aws.forget_calls()
    refused = ada.post(path, token)
    assert refused.status == 403
    assert "what you make must have the tag team = shop" in refused.words
    assert "CreateSnapshot" not in aws.calls()


def test_a_role_that_is_taken_away_amid_a_plan_ends_it(
    browser: Browser, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        browser.house.inventory.find("instance", "name", [name])[0] for name in ("web-1", "web-2")
    ]
    ada = Browser(browser.app, as_=[OPERATOR], name="ada")
    page = ada.open("/instances/terminate?" + "&".join(f"id={row.id}" for row in rows))
    written = actions.advance

    def advance(*given: Any) -> None:
        written(*given)
        becomes(ada, Grant("viewer"))

    monkeypatch.setattr(actions, "advance", advance)
    aws.forget_calls()
    told = browser.follow(ada.send(page)).words
    assert "An admin of this console can give you a wider role" in told
    assert "NotPermitted" not in told
    assert aws.calls()["TerminateInstances"] == 1
    with browser.house.engine.connect() as connection:
        (row,) = connection.execute(select(audit).where(audit.c.event == "refusal"))
    assert (row.actor, row.message) == ("ada", "This needs the role operator; yours is viewer.")


def test_the_form_of_a_role_that_was_taken_away_is_neither_shown_checked_nor_sent(
    browser: Browser, aws: Aws
) -> None:
    ada = Browser(browser.app, as_=[ADMIN], name="ada")
    page = ada.open(f"/queues/hear?region={REGION}")
    becomes(ada, OPERATOR)
    aws.forget_calls()
    for doing in ("preview", "check", "refill", "perform"):
        assert ada.send(page, do=doing).status == 403
    assert ada.open(page.path).status == 403
    assert not {"CreateQueue", "PutRule"} & aws.calls().keys()

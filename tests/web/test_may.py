"""Who may act: what a person with narrowed grants may do at the console."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.people.tables import audit
from app.people.who import Grant, Limits
from tests.web.browser import Browser
from tests.web.conftest import Aws


def test_a_person_of_a_test_has_the_grants_that_it_names(visitor: Browser) -> None:
    viewer = Browser(visitor.app, as_=[Grant("viewer")])
    assert viewer.open("/instances").status == 200
    assert viewer.open("/instances/new").status == 403
    west = [Grant("operator", Limits(regions=("us-east-1",)))]
    assert Browser(visitor.app, as_=west).open("/instances/new").status == 200


EAST = Limits(regions=("us-east-1",))
TEAM = Limits(tag_key="team", tag_value="web")


def test_who_may_act_in_one_region_is_refused_in_the_other(browser: Browser, aws: Aws) -> None:
    pat = Browser(browser.app, as_=[Grant("viewer"), Grant("operator", EAST)])
    page = pat.open("/topics/new")
    aws.forget_calls()
    refused = pat.send(page, name="mine", region="eu-central-1")
    assert refused.status == 403
    assert "your role is for the region us-east-1, not for eu-central-1" in refused.words
    assert "CreateTopic" not in aws.calls()
    assert pat.send(refused, name="mine", region="us-east-1").status == 303


def test_a_refusal_is_in_the_audit_log(browser: Browser) -> None:
    pat = Browser(browser.app, as_=[Grant("operator", EAST)])
    pat.fill("/topics/new", name="mine", region="eu-central-1")
    with browser.house.engine.connect() as connection:
        row = connection.execute(select(audit).where(audit.c.event == "refusal")).one()
    assert (row.actor, row.outcome) == ("pat", "refused")
    assert "eu-central-1" in row.message


def test_what_one_makes_gets_the_tag_that_one_s_role_is_for(browser: Browser) -> None:
    pat = Browser(browser.app, as_=[Grant("viewer"), Grant("operator", TEAM)])
    page = pat.open("/volumes/new")
    assert page.fields["tags-0-key"] == "team"
    bare: dict[str, Any] = {"tags-0-key": None, "tags-0-value": None}
    without = pat.send(page, size="8", **bare)
    assert without.status == 403
    assert "what you make must have the tag team = web" in without.words
    assert pat.send(page, size="8").status == 303


def test_the_tag_of_one_s_role_cannot_be_taken_away(browser: Browser) -> None:
    pat = Browser(browser.app, as_=[Grant("viewer"), Grant("operator", TEAM)])
    pat.fill("/volumes/new", size="8", **{"tags-1-key": "note", "tags-1-value": "x"})
    rows = browser.house.inventory.all("volume")
    made = next(row.id for row in rows if row.tags.get("note") == "x")
    page = pat.open(f"/volumes/tags?id={made}")
    assert page.status == 200
    other = pat.send(page, **{"tags-0-value": "db", "tags-1-value": "db"})
    assert other.status == 403
    assert "must stay" in other.words


def test_a_viewer_sees_why_nothing_can_be_done_here(visitor: Browser) -> None:
    viewer = Browser(visitor.app, as_=[Grant("viewer")])
    page = viewer.open("/instances")
    assert "Launch instances : This needs the role operator; yours is viewer." in page.words
    assert "/instances/terminate" not in page.html
    detail = viewer.open(next(link for link in page.links if link.startswith("/instances/i-")))
    assert "Actions : This needs the role operator" in detail.words
    for path in ("/rules", "/notices", "/watches", "/topics", "/", "/activity", "/queues"):
        assert viewer.open(path).status == 200
    assert "/rules/new" not in viewer.open("/rules").html


def test_what_is_refused_says_which_role_it_needs_and_is_recorded(browser: Browser) -> None:
    viewer = Browser(browser.app, as_=[Grant("viewer")], name="vera")
    for path in ("/instances/new", "/rules/new", "/notices/messages"):
        page = viewer.open(path)
        assert page.status == 403
        assert "yours is viewer" in page.words
    part = viewer.post("/instances/new", {}, HX_Request="true")
    assert part.status in {400, 403}
    with browser.house.engine.connect() as connection:
        told = connection.execute(select(audit).where(audit.c.event == "refusal")).all()
    assert {row.actor for row in told} == {"vera"}


def test_whoever_has_no_role_gets_in_nowhere(visitor: Browser) -> None:
    nobody = Browser(visitor.app, as_=[], name="newcomer")
    for path in ("/", "/instances", "/search?q=web", "/activity.json"):
        page = nobody.open(path)
        assert page.status == 403
        assert "You have no role here yet" in page.words
        assert visitor.house.accounts.main.id not in page.html
    assert nobody.post("/logout", {}).status in {400, 401}

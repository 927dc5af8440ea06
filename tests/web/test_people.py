"""People's pages: who is let in, what they may, and that it holds from the next page on."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app import create_app
from app.db import now
from app.people import grants, users
from app.people.audit import By
from app.people.tables import audit, invitations, sessions
from app.people.who import Grant, Limits
from app.settings import Settings
from tests.web.browser import Browser, Page

ANNA = By("anna")
ADMIN = (Grant("admin"),)


@pytest.fixture
def owner(tmp_path: Path) -> Browser:
    """Whoever has the start link, at a console of their own; AWS is not asked."""
    return Browser(create_app(Settings(data=tmp_path, background=False)))


def make(owner: Browser, name: str = "ben", *given: Grant) -> str:
    user_id = users.add(owner.house.engine, ANNA, name)
    for grant in given:
        grants.add(owner.house.engine, ANNA, grant, user_id)
    return user_id


def another(owner: Browser, name: str = "ben", *given: Grant) -> Browser:
    """Somebody else at the same console, who has signed in with a password."""
    return Browser(owner.app, as_=given, name=name)


def id_of(owner: Browser, name: str) -> str:
    return users.named(owner.house.engine, name).id


def records(owner: Browser) -> list[Any]:
    with owner.house.engine.connect() as connection:
        return list(connection.execute(select(audit).order_by(audit.c.seq)))


def age(owner: Browser, minutes: float) -> None:
    """Let everybody have signed in some time ago."""
    with owner.house.engine.begin() as connection:
        values = {"signed_in_at": now() - timedelta(minutes=minutes)}
        connection.execute(update(sessions).values(**values))


def press(browser: Browser, page: Page, path: str, **fields: str) -> Page:
    """Press a button of a page, whose form leads to ``path``."""
    assert f'action="{path}"' in page.html
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.html)
    assert token is not None
    return browser.post(path, {"csrf_token": token[1], **fields})


def test_a_new_user_gets_a_link_that_is_shown_once(owner: Browser) -> None:
    page = owner.fill(
        "/people/new", name="ben", full_name="Ben Doe", role="operator", tag_key="team",
        tag_value="web",
    )  # fmt: skip
    assert page.status == 200
    assert page.headers["Cache-Control"] == "no-store"
    link = re.search(r"http://localhost(/invitation\?token=[\w-]{43})", page.html)
    assert link is not None
    user = users.named(owner.house.engine, "ben")
    assert (user.full_name, user.made_by, user.password) == ("Ben Doe", "owner", False)
    (given,) = grants.all_given(owner.house.engine)
    assert given.grant.limits == Limits((), (), "team", "web")
    assert [row.event for row in records(owner)][-3:] == [
        "users.add",
        "grants.add",
        "users.invite",
    ]
    token = link[1].partition("=")[2]
    assert token not in json.dumps([str(row) for row in records(owner)])
    assert token not in owner.open("/people").html
    assert token not in owner.open(f"/people/{user.id}").html
    guest = Browser(owner.app, signed_in=False)
    assert guest.open(link[1]).status == 200


def test_a_new_link_makes_the_former_one_worthless(owner: Browser) -> None:
    ben = make(owner)
    links = []
    for _ in range(2):
        page = press(owner, owner.open(f"/people/{ben}"), f"/people/{ben}/invite")
        found = re.search(r"/invitation\?token=[\w-]+", page.html)
        assert found is not None
        links.append(found[0])
    guest = Browser(owner.app, signed_in=False)
    assert guest.open(links[1]).status == 200
    assert guest.open(links[0]).status != 200
    with owner.house.engine.connect() as connection:
        assert len(connection.execute(select(invitations)).all()) == 1


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "owner"}, "what the console calls itself"),
        ({"name": "b n"}, "A name has 2 to 64 letters"),
        ({"name": "x" * 65}, "At most 64 characters"),
        ({"name": "BEN"}, "There is, or was, a user BEN"),
        ({"name": "carl", "full_name": "a\nb"}, "Line breaks"),
        ({"name": "carl", "role": "god"}, "Not a valid choice"),
        ({"name": "carl", "tag_value": "web"}, "has no key"),
        ({"name": "carl", "tag_key": "aws:x"}, "AWS keeps for itself"),
        ({"name": "carl", "regions": ["mars-1"]}, "valid choice"),
        ({"name": "carl", "aws_role": "a role"}, "neither the name of an IAM role"),
        ({"name": "carl", "aws_role": "arn:aws:iam::1:role/x"}, "neither the name of an IAM role"),
    ],
)
def test_what_is_wrong_with_a_new_user_stands_at_its_field(
    owner: Browser, fields: dict[str, Any], told: str
) -> None:
    make(owner)
    page = owner.fill("/people/new", **fields)
    assert page.status == 422
    assert told in page.words
    assert [user.name for user in users.all_users(owner.house.engine)] == ["ben"]


def test_a_role_that_is_given_holds_from_the_next_page_on(owner: Browser) -> None:
    ben = another(owner)
    assert ben.open("/").status == 403
    page = owner.fill(f"/people/{id_of(owner, 'ben')}/role", role="viewer")
    assert (page.status, page.location) == (303, f"/people/{id_of(owner, 'ben')}")
    assert ben.open("/").status == 200
    (given,) = grants.all_given(owner.house.engine)
    back = press(owner, owner.follow(page), f"/people/roles/{given.grant.id}/remove")
    assert "The role is taken away" in owner.follow(back).words
    assert ben.open("/").status == 403
    last = records(owner)[-1]
    assert (last.event, last.actor) == ("grants.remove", "owner")
    assert json.loads(last.before)["role"] == "viewer"


def test_a_narrowed_role_is_told_in_words(owner: Browser) -> None:
    make(owner)
    path = f"/people/{id_of(owner, 'ben')}/role"
    fields = {"role": "operator", "regions": ["eu-central-1"], "tag_key": "team"}
    page = owner.follow(owner.fill(path, **fields, tag_value="web", aws_role="web-operators"))
    words = "operator for team = web in eu-central-1, through the IAM role web-operators"
    assert words in page.words
    assert words in owner.open("/people").words


def test_what_narrows_is_not_asked_of_an_admin(owner: Browser) -> None:
    make(owner)
    path = f"/people/{id_of(owner, 'ben')}/role"
    owner.fill(path, role="admin", tag_key="team", tag_value="web", aws_role="web")
    (given,) = grants.all_given(owner.house.engine)
    assert given.grant == Grant("admin", id=given.grant.id)


def test_a_group_gets_a_role_and_loses_it(owner: Browser) -> None:
    page = owner.fill("/people/groups/role", group="web & <b>ops</b>", role="viewer")
    (given,) = grants.all_given(owner.house.engine)
    assert (given.grant.group, given.user_id) == ("web & <b>ops</b>", "")
    page = owner.follow(page)
    assert "<b>ops</b>" not in page.html
    press(owner, page, f"/people/roles/{given.grant.id}/remove")
    assert grants.all_given(owner.house.engine) == []


def test_who_is_disabled_is_out_at_once_and_comes_back_with_the_same_roles(owner: Browser) -> None:
    ben = another(owner, "ben", Grant("viewer"))
    ben_id = id_of(owner, "ben")
    question = owner.open(f"/people/{ben_id}/disable")
    assert "Their one session ends at once" in question.words
    page = owner.follow(press(owner, question, f"/people/{ben_id}/disable"))
    assert "ben is disabled" in page.words
    assert ben.open("/").status == 401
    press(owner, page, f"/people/{ben_id}/enable")
    assert ben.open("/").status == 401  # the session has ended for good
    assert users.named(owner.house.engine, "ben").disabled_at is None
    assert [row.event for row in records(owner)][-2:] == ["users.disable", "users.enable"]


def test_nobody_disables_themselves_or_the_last_admin(owner: Browser) -> None:
    anna = another(owner, "anna", *ADMIN)
    anna_id = id_of(owner, "anna")
    page = anna.open(f"/people/{anna_id}")
    assert "Nobody disables themselves" in page.words
    assert anna.open(f"/people/{anna_id}/disable").status == 303
    page = owner.send(owner.open(f"/people/{anna_id}/disable"))
    assert "anna is the last who is an admin" in owner.follow(page).words
    assert users.named(owner.house.engine, "anna").disabled_at is None
    (given,) = grants.all_given(owner.house.engine)
    page = press(anna, anna.open(f"/people/{anna_id}"), f"/people/roles/{given.grant.id}/remove")
    assert "anna is the last who is an admin" in anna.follow(page).words
    assert anna.open("/people").status == 200


def test_sessions_of_others_are_seen_and_ended(owner: Browser) -> None:
    ben = another(owner, "ben", Grant("viewer"))
    ben_id = id_of(owner, "ben")
    page = owner.open(f"/people/{ben_id}")
    handle = re.search(r'name="session" value="(\w+)"', page.html)
    assert handle is not None
    press(owner, page, f"/people/{ben_id}/sessions/end", session="another")
    assert ben.open("/").status == 200
    press(owner, page, f"/people/{ben_id}/sessions/end", session=handle[1])
    assert ben.open("/").status == 401
    assert records(owner)[-1].event == "sessions.end"


@pytest.mark.parametrize("given", [(), (Grant("viewer"),), (Grant("operator"),)])
def test_only_admins_see_people(owner: Browser, given: tuple[Grant, ...]) -> None:
    ben = another(owner, "ben", *given)
    ben_id = id_of(owner, "ben")
    for path in ("/people", f"/people/{ben_id}", "/people/new", f"/people/{ben_id}/role"):
        assert ben.open(path).status == 403
    assert "/people" not in ben.open("/me").links
    fields = {"csrf_token": ben.open("/me").fields["csrf_token"], "role": "admin"}
    assert ben.post(f"/people/{ben_id}/role", fields).status == 403
    assert len(grants.all_given(owner.house.engine)) == len(given)


def test_admins_have_people_and_the_audit_log_in_the_navigation(owner: Browser) -> None:
    anna = another(owner, "anna", *ADMIN)
    assert {"/people", "/audit"} <= set(anna.open("/me").links)
    assert {"/people", "/audit"} <= set(owner.open("/people").links)


def test_giving_a_role_needs_a_recent_sign_in_and_the_form_comes_back(owner: Browser) -> None:
    anna = another(owner, "anna", *ADMIN)
    ben_id = make(owner)
    page = anna.open(f"/people/{ben_id}/role")
    age(owner, 31)
    page = anna.send(page, role="operator", tag_key="team", tag_value="web")
    assert page.status == 403
    assert "Sign in again" in page.words
    assert dict(json.loads(page.fields["resume"])) == {
        "role": "operator",
        "tag_key": "team",
        "tag_value": "web",
        "aws_role": "",
    }
    age(owner, 1)
    again = anna.post(
        f"/people/{ben_id}/role",
        {
            "csrf_token": anna.open("/me").fields["csrf_token"],
            "_do": "refill",
            "role": "operator",
            "tag_key": "team",
            "tag_value": "web",
        },
    )
    assert again.status == 200
    assert again.fields["tag_key"] == "team"
    assert [each.user_id for each in grants.all_given(owner.house.engine)] == [id_of(owner, "anna")]


@pytest.mark.parametrize("what", ["invite", "enable"])
def test_letting_somebody_in_needs_a_recent_sign_in(owner: Browser, what: str) -> None:
    anna = another(owner, "anna", *ADMIN)
    ben_id = make(owner)
    token = anna.open("/me").fields["csrf_token"]
    age(owner, 31)
    assert anna.post(f"/people/{ben_id}/{what}", {"csrf_token": token}).status == 403
    assert anna.open("/people/new").status == 403
    with owner.house.engine.connect() as connection:
        assert connection.execute(select(invitations)).all() == []


def test_whoever_has_the_start_link_is_not_asked_again(owner: Browser) -> None:
    age(owner, 600)
    assert owner.open("/people/new").status == 200


def test_a_user_that_is_none_is_not_found(owner: Browser) -> None:
    for path in ("/people/none", "/people/none/role", "/people/none/disable"):
        assert owner.open(path).status == 404


def test_a_read_only_console_shows_people_and_changes_nothing(tmp_path: Path) -> None:
    owner = Browser(create_app(Settings(data=tmp_path, background=False, read_only=True)))
    ben_id = make(owner)
    page = owner.open("/people")
    assert page.status == 200
    assert "/people/new" not in page.links
    assert 'action="/people/' not in owner.open(f"/people/{ben_id}").html
    assert owner.open("/people/new").status == 403
    token = owner.open("/me").fields["csrf_token"]
    assert owner.post(f"/people/{ben_id}/disable", {"csrf_token": token}).status == 403


def test_the_menu_tells_who_one_is_and_what_one_may(owner: Browser) -> None:
    ben = another(owner, "ben", Grant("operator", Limits((), ("eu-central-1",))))
    page = ben.open("/me")
    assert "operator in eu-central-1" in page.words
    assert "/me" in page.links
